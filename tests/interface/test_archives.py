"""Archives through every door: the same results as from the directory, and nothing left behind."""

import argparse
import gc
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import numpy as np
import pytest
import tensorflow as tf
from sources.archive_makers import HOSTILE, gz, tar_of

import converter
from converter import errors
from converter.build_actions import convert as build_convert
from converter.cli import main as cli
from converter.files.source_files import digest
from converter.migration.outcomes import Converted, NotLegacy, Reason, Refused, UpToDate

GOLDEN = pathlib.Path(__file__).parents[2] / "legacy_fixtures" / "golden"


@pytest.fixture
def module(tmp_path):
    return pathlib.Path(
        shutil.copytree(GOLDEN / "text_embedding_oov/module", tmp_path / "in" / "text")
    )


@pytest.fixture(
    params=["gztar", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("tar", "zip"))]
)
def archive(module, request):
    return pathlib.Path(shutil.make_archive(str(module), request.param, module))


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def unpacked_in(folder):
    """What the converter made there; TensorFlow keeps generated code beside it."""
    return [path for path in folder.iterdir() if path.name.startswith(".tf1hub")]


def contents(directory):
    files = [path for path in directory.rglob("*") if path.is_file()]
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}


def test_every_command_takes_it(archive, module, tmp_path, temporary, capsys):
    out = tmp_path / "results" / "out"

    def run(*arguments):
        status = cli.main(cli.parse_arguments(["tf1hub", *map(str, arguments)]))
        return status, capsys.readouterr().out

    for command in (["inspect", archive], ["scan", archive], ["debug", "passes", archive]):
        status, shown = run(*command, "--json")
        assert status == 0
        json.loads(shown)
    assert run("convert", archive, out)[0] == 0
    assert run("verify", archive, out)[0] == 0
    # Either form is the original of what was made from the other.
    assert run("verify", module, out)[0] == 0
    assert not unpacked_in(temporary)
    assert [p.name for p in out.parent.iterdir()] == ["out"]


def test_the_result_is_that_of_the_directory(archive, module, tmp_path):
    made = converter.convert(archive, tmp_path / "a" / "out", verify=True)
    assert made.verdict == "equal"
    converter.convert(module, tmp_path / "b")
    one, other = contents(tmp_path / "a" / "out"), contents(tmp_path / "b")
    records = [json.loads(files.pop("assets.extra/conversion.json")) for files in (one, other)]
    assert one == other
    origin = records[0]["source"].pop("origin")
    records[0]["parity"] = None
    assert records[0] == records[1]
    assert origin == {
        "name": archive.name, "digest": made.record.source.origin.digest,
        "size_bytes": archive.stat().st_size,
    }  # fmt: skip


def test_inspect_says_what_it_was_unpacked_from(archive, module, capsys):
    cli.main(cli.parse_arguments(["tf1hub", "inspect", str(archive)]))
    shown = capsys.readouterr().out
    assert f"text  tf1_hub\nSHA-256 {digest(module)}\nfrom {archive.name}, SHA-256 " in shown
    origin = converter.inspect(archive).source.origin
    assert origin.digest in shown.replace("\n", "")


def test_one_that_is_open_is_unpacked_once(archive, tmp_path, temporary):
    with converter.open_source(archive) as source:
        unpacked = unpacked_in(temporary)
        converter.convert(source, tmp_path / "out")
        assert converter.verify(source, tmp_path / "out").verdict == "equal"
        assert converter.inspect(source).source.origin == source.origin
        assert converter.scan(source).source == "text"
        converter.load(source)
        assert unpacked_in(temporary) == unpacked
    assert not unpacked_in(temporary)


def test_a_loaded_module_keeps_its_files_as_long_as_it_is_used(archive, tmp_path, temporary):
    loaded = converter.load(archive)
    words = tf.constant(["a cat", "on the mat"])
    expected = loaded(words).numpy()
    tf.saved_model.save(loaded, str(tmp_path / "saved"))
    again = tf.saved_model.load(str(tmp_path / "saved"))
    np.testing.assert_array_equal(again(words), expected)
    part = loaded.default
    del loaded
    gc.collect()
    assert unpacked_in(temporary)
    np.testing.assert_array_equal(part(words), expected)
    del part
    gc.collect()
    assert not unpacked_in(temporary)


def test_a_module_that_cannot_be_loaded_leaves_no_files(module, temporary):
    (module / "variables" / "variables.data-00000-of-00001").write_bytes(b"x")
    archive = shutil.make_archive(str(module), "tar", module)
    with pytest.raises(errors.ConversionError):
        converter.load(archive)
    gc.collect()
    assert not unpacked_in(temporary)


def test_a_destination_in_use_is_found_before_unpacking(module, tmp_path, monkeypatch):
    archive = pathlib.Path(shutil.make_archive(str(module), "tar", module))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious").touch()
    monkeypatch.setattr("converter.sources.archive.unpack", None)
    with pytest.raises(errors.DestinationError, match="exists already"):
        converter.convert(archive, tmp_path / "out")
    with pytest.raises(errors.DestinationError, match="lie one inside the other"):
        converter.convert(archive, archive, overwrite=True)


def test_weights_may_be_linked_to_those_that_were_unpacked(module, tmp_path):
    archive = shutil.make_archive(str(module), "tar", module)
    conversion = converter.convert(archive, tmp_path / "out", hardlink=True)
    assert conversion.remarks == ()
    assert converter.verify(module, tmp_path / "out").verdict == "equal"


@pytest.mark.parametrize("case", ["tar_parent", "gzip_cut", "page", "no_model"])
@pytest.mark.parametrize("command", ["inspect", "scan", "convert"])
def test_a_bad_one_is_one_line(case, command, tmp_path, temporary, capsys):
    name, make, words = HOSTILE[case]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(make())
    out = [str(tmp_path / "new" / "out")] if command == "convert" else []
    arguments = cli.parse_arguments(["tf1hub", command, str(tmp_path / "in" / name), *out])
    assert cli.main(arguments) == 1
    (line,) = [x for x in capsys.readouterr().err.splitlines() if "error" in x]
    assert words in line
    with pytest.raises(errors.ConversionError, match=words):
        converter.verify(tmp_path / "in" / name, tmp_path)
    assert not unpacked_in(temporary)
    assert not (tmp_path / "new").exists()


def test_a_migration_takes_archives(module, tmp_path, temporary):
    root = module.parent
    shutil.make_archive(str(root / "zipped"), "zip", module)
    shutil.make_archive(str(root / "deep" / "one"), "gztar", root, "text")
    converter.convert(module, tmp_path / "tf2")
    shutil.make_archive(str(root / "new"), "tar", tmp_path / "tf2")
    (root / "page.tgz").write_bytes(b"<!doctype html>")
    (root / "photos.zip").write_bytes((root / "zipped.zip").read_bytes()[-22:])
    (root / "data.tar.gz").write_bytes(gz(tar_of(("words.txt", b"x"))))

    def migrate(**options):
        report = converter.migrate(root, tmp_path / "dst", workers=1, **options)
        return {outcome.path: outcome for outcome in report.outcomes}

    foreseen = migrate(dry_run=True)
    found = migrate()
    kinds = {path: type(outcome) for path, outcome in found.items()}
    assert kinds == {
        "text": Converted, "zipped.zip": Converted, "deep/one.tar.gz": Converted,
        "new.tar": NotLegacy, "data.tar.gz": NotLegacy, "page.tgz": Refused, "photos.zip": Refused,
    }  # fmt: skip
    assert {path: kinds[path] for path in foreseen} == {p: type(o) for p, o in foreseen.items()}
    assert found["new.tar"].reason is Reason.TF2
    assert found["data.tar.gz"].reason is Reason.NO_MODEL
    assert "it is an HTML page" in found["page.tgz"].error.text
    made = sorted(p.parent.relative_to(tmp_path / "dst").as_posix()
                  for p in (tmp_path / "dst").rglob("saved_model.pb"))  # fmt: skip
    assert made == ["deep/one", "text", "zipped"]
    digests = {o.source_digest for o in found.values() if isinstance(o, Converted)}
    assert digests == {digest(module)}
    assert not unpacked_in(temporary)
    # Packed anew, it is the same module.
    shutil.make_archive(str(root / "zipped"), "zip", module)
    assert isinstance(migrate()["zipped.zip"], UpToDate)
    assert not unpacked_in(temporary)


def test_bazel_takes_archives(archive, tmp_path):
    parser = argparse.ArgumentParser()
    build_convert.add_arguments(parser)
    out, record = tmp_path / "out", tmp_path / "record.json"
    out.mkdir()
    arguments = ["--module", str(archive), "--output", str(out), "--record", str(record)]
    assert build_convert.run(parser.parse_args(arguments)) == 0
    source = json.loads(record.read_text())["source"]
    assert (source["name"], source["origin"]["name"]) == ("text", archive.name)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "out", "record.json"]


_OPEN = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # A shell's background job ignores it.
from converter.sources.registry import open_source
try:
    with open_source(sys.argv[1]) as source:
        print(source.directory, flush=True)
        time.sleep(60)
except KeyboardInterrupt:
    pass
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_process_that_is_stopped_leaves_nothing_for_long(number, archive, temporary):
    command = [sys.executable, "-c", _OPEN, str(archive)]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        place = pathlib.Path(process.stdout.readline().strip())
        assert (place / "saved_model.pb").is_file()
        process.send_signal(number)
        process.wait()
    assert place.exists() == (number == signal.SIGKILL)
    # The next one removes what a killed one left.
    with converter.open_source(archive):
        assert not place.exists()
    assert not unpacked_in(temporary)
