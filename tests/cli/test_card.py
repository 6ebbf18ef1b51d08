"""`tf1hub card`, `convert --card`, and the lines that `convert` ends with."""

import pytest

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
