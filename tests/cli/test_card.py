"""`tf1hub card`, `convert --card`, `convert --compress`, and the lines that `convert` ends with."""

import tarfile

import pytest
import tensorflow as tf

import converter
from converter.cli import main as cli


@pytest.fixture
def run(capsys):
    """`run(*arguments)` returns exit status and stdout."""

    def call(*arguments):
        status = cli.main(cli.parse_arguments(["tf1hub", *map(str, arguments)]))
        return status, capsys.readouterr().out

    return call


def test_a_card_is_written_and_printed(run, golden_module, tmp_path):
    status, _ = run("convert", "--card", golden_module("half_plus_two"), tmp_path / "out")
    text = (tmp_path / "out/README.md").read_text()
    assert (status, run("card", tmp_path / "out")) == (0, (0, text))
    assert run("card", tmp_path / "out", "--output", tmp_path / "a.md") == (0, "")
    assert (tmp_path / "a.md").read_text() == text


def test_no_card_is_written_unasked(golden_module, tmp_path):
    converter.convert(golden_module("half_plus_two"), tmp_path / "out")
    assert not (tmp_path / "out/README.md").exists()


def test_convert_ends_with_lines_that_use_the_result(run, golden_module, tmp_path):
    _, out = run("convert", golden_module("half_plus_two"), tmp_path / "out")
    lines = [line.removeprefix("    ") for line in out.split("\n\n", 1)[1].splitlines()]
    values = {}
    exec("\n".join(lines), values)
    assert values["outputs"].numpy().tolist() == [2.0, 2.0]


def test_convert_packs_the_result(run, golden_module, tmp_path):
    source, archive = golden_module("half_plus_two"), tmp_path / "out.tar.gz"
    arguments = ("convert", "--compress", archive, source, tmp_path / "out")
    assert run(*arguments)[0] == 0
    packed = archive.read_bytes()
    with tarfile.open(archive) as members:
        members.extractall(tmp_path / "unpacked", filter="data")
    module = tf.saved_model.load(str(tmp_path / "unpacked"))
    assert module(tf.constant([2.0])).numpy() == [3.0]
    assert run(*arguments, "--overwrite")[0] == 0
    assert archive.read_bytes() == packed
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "half_plus_two", "out", "out.tar.gz", "unpacked",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("place", "error"),
    [("there.tar.gz", "exists already"), ("out/a.tar.gz", "lies in the SavedModel"),
     ("no/a.tar.gz", "cannot be written"), ("gs://bucket/a.tar.gz", "into local files")],
)  # fmt: skip
def test_nothing_is_converted_if_it_cannot_be_packed(golden_module, tmp_path, place, error):
    (tmp_path / "there.tar.gz").touch()
    place = place if "//" in place else tmp_path / place
    with pytest.raises(converter.ConversionError, match=error):
        converter.convert(golden_module("half_plus_two"), tmp_path / "out", compress=place)
    assert not (tmp_path / "out").exists()


def test_tensorflow_is_imported_without_its_log(run, golden_module, tmp_path, monkeypatch):
    converter.convert(golden_module("half_plus_two"), tmp_path / "out")
    imported = []
    monkeypatch.setattr("converter.cli.terminal.import_tensorflow", lambda: imported.append(1))
    assert run("card", tmp_path / "out")[0] == 0
    assert imported == [1]
