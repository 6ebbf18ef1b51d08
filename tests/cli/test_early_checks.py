"""Wrong arguments are refused before TensorFlow is imported and before a process is started."""

import json
import pathlib
import subprocess
import sys

import pytest

from converter import errors
from converter.cli import early_checks
from converter.cli import main as cli

_MODULE = str(pathlib.Path(__file__).parents[2] / "legacy_fixtures/golden/half_plus_two/module")

# The command line, what is said of it, and the exit status. {here} has a `file`, and a `folder`
# that holds one too.
_WRONG = [
    ("inspect {here}/nowhere", "nowhere does not exist", 2),
    ("inspect {here}/file", "is not an archive of a module: it is", 1),
    ("inspect {here}/empty", "is empty", 1),
    ("inspect {here}/folder", "it has neither tfhub_module.pb nor saved_model.pb", 1),
    ("inspect {here}/" + "n" * 300, "does not exist", 2),
    ("inspect {here}/caf\udce9", "does not exist", 2),
    ("inspect {module} --import-ops no_ops", "'no_ops' of --import-ops cannot be imported", 2),
    ("inspect {module} --import-ops no.ops", "'no.ops' of --import-ops cannot be imported", 2),
    ("inspect {module} --timeout-secs inf", "expected a finite number above 0", 2),
    ("inspect {module} --what", "unrecognized arguments: --what", 2),
    ("inspect https://", "'https://' is not the URL of a module: it names no host", 2),
    ("inspect https://me:secret@host/m", "'https://host/m' is not the URL of a module", 2),
    ("scan http://host:port/m", "is not the URL of a module", 2),
    ("convert http://127.0.0.1:9/m {here}/folder", "folder exists already", 2),
    ("convert {here}/nowhere {here}/new", "nowhere does not exist", 2),
    ("convert {module} {here}/folder", "folder exists already", 2),
    ("convert {module} {here}/file --overwrite", "neither a SavedModel nor an empty directory", 2),
    ("convert {module} {module}/new", "lie one inside the other", 2),
    ("convert {module} {here}/caf\udce9", "is not UTF-8", 2),
    ("convert {here}/caf\udce9 {here}/new", "is not UTF-8", 2),
    ("verify {module} {here}/caf\udce9", "is not UTF-8", 2),
    ("convert {module} {here}/new --verify --inputs {here}/no", "there is no file of inputs", 2),
    ("convert {module} {here}/file/new", "cannot be written: Not a directory", 2),
    ("convert {module} {here}/dangling/new", "cannot be written", 2),
    ("convert {module} {here}/" + "n" * 300, "cannot be written: File name too long", 2),
    ("convert {module} {here}/new --inputs {here}/file", "inputs are for comparing", 2),
    ("verify {here}/result {module}", "is not: they are swapped", 2),
    ("verify {here}/nowhere {here}/folder", "nowhere does not exist", 2),
    ("verify {module} {here}/nowhere", "nowhere does not exist", 2),
    ("verify {module} {here}/file", "is a file, expected the directory of a SavedModel", 1),
    ("verify {module} {here}/folder", "folder has no readable assets.extra/conversion.json", 1),
    ("verify {module} {here}/folder --atol -1", "expected 0 or more", 2),
    ("verify {module} {here}/folder --rtol nan", "expected 0 or more", 2),
    ("export {module} {here}/new", "the following arguments are required: --to", 2),
    ("export {here}/nowhere {here}/new --to litert", "nowhere does not exist", 2),
    ("export {module} {here}/file --to litert", "file exists already", 2),
    ("export {module} {module}/new --to litert", "lies in the model", 2),
    ("export {module} {here}/nowhere/new --to litert", "cannot be written: No such file", 2),
    ("export {module} {here}/new --to litert --shape x", "expected INPUT=1,?,3, not 'x'", 2),
    ("export {module} {here}/new --to litert --inputs {here}/no", "there is no file of inputs", 2),
    ("card {here}/nowhere", "nowhere does not exist", 2),
    ("card {here}/folder", "has no readable assets.extra/conversion.json", 1),
    ("convert {module} {here}/dangling", "is a link that leads nowhere", 2),
    ("card {here}/folder --output {here}/nowhere/a.md", "cannot be written: No such file", 2),
    ("scan {here}/nowhere", "nowhere does not exist", 2),
    ("scan {here}/file", "is not an archive of a module: it is", 1),
    ("scan {module} --sarif {here}/nowhere/a.sarif", "cannot be written: No such file", 2),
    ("scan {module} --sarif {here}/folder", "cannot be written: Is a directory", 2),
    ("debug passes {here}/nowhere", "nowhere does not exist", 2),
    ("debug passes {module} --only nothing", "there is no pass 'nothing'", 2),
    ("migrate {here}/nowhere {here}/new", "nowhere is not a directory", 2),
    ("migrate {here} {here}/folder", "lie one inside the other", 2),
    ("migrate {here}/folder {here}/file", "cannot be written", 1),
    ("migrate {here}/folder {here}/new --import-ops no_ops", "'no_ops' of --import-ops", 2),
    ("migrate {here}/folder {here}/new --options {here}/no.toml", "no.toml cannot be read", 2),
    ("migrate {here}/folder {here}/new --from-list {here}/no", "no cannot be read", 2),
    ("migrate {here}/folder {here}/new --from-list {here}/file", "file names no module", 2),
    ("migrate {here}/folder {here}/new --include x/*", "no module matches 'x/*'", 2),
    ("explain", "the following arguments are required: TEXT", 2),
    ("completion", "the following arguments are required: shell", 2),
    ("completion csh", "invalid choice: 'csh'", 2),
    ("report {here}/nowhere", "nowhere does not exist", 2),
    ("report {here}/folder", "has no journal of a migration", 2),
    ("report {here}/folder --output {here}/a.txt", "a.txt", 2),
]  # fmt: skip

_PROGRAM = """
import contextlib, io, json, subprocess, sys
from converter.cli import main as cli

def refuse(*arguments, **options):
    raise AssertionError("a process was started")

subprocess.Popen = refuse
results = []
for argv in json.loads(sys.argv[1]):
    words = io.StringIO()
    sys.argv[1:] = argv
    with contextlib.redirect_stderr(words):
        try:
            status = cli._main_within_limits(cli.parse_arguments(["tf1hub", *argv]))
        except SystemExit as stop:
            status = stop.code
    heavy = [name for name in ("tensorflow", "numpy") if name in sys.modules]
    results.append([status, words.getvalue(), heavy])
print(json.dumps(results))
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The exit status, stderr and heavy imports of each wrong command line; one process for all."""
    here = tmp_path_factory.mktemp("here")
    (here / "file").touch()
    (here / "empty").mkdir()
    (here / "folder").mkdir()
    (here / "folder/file").touch()
    (here / "result/assets.extra").mkdir(parents=True)
    (here / "result/assets.extra/conversion.json").touch()
    (here / "dangling").symlink_to(here / "gone")
    before = sorted(here.rglob("*"))
    lines = [
        [word.format(here=here, module=_MODULE) for word in line.split()] for line, *_ in _WRONG
    ]
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, json.dumps(lines)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert sorted(here.rglob("*")) == before
    return dict(zip([line for line, *_ in _WRONG], json.loads(done.stdout), strict=True))


@pytest.mark.parametrize(("line", "message", "status"), _WRONG, ids=[x[:60] for x, *_ in _WRONG])
def test_wrong_arguments_are_refused_at_once(results, line, message, status):
    found, words, heavy = results[line]
    assert message in words.splitlines()[-1]
    assert (found, heavy) == (status, [])


def test_every_command_has_a_wrong_line():
    assert {line.split()[0] for line, *_ in _WRONG} == {command.NAME for command in cli.COMMANDS}


def test_right_arguments_pass(tmp_path):
    early_checks.check_module(_MODULE)
    early_checks.check_destination(_MODULE, str(tmp_path / "a/b/c"), overwrite=False)
    early_checks.check_new_file(str(tmp_path / "new.sarif"))
    early_checks.check_inputs(None)
    assert not list(tmp_path.iterdir())


def test_inputs_that_are_not_a_file_are_refused(tmp_path):
    with pytest.raises(errors.PathNotFoundError, match="there is no file of inputs at"):
        early_checks.check_inputs(str(tmp_path))


def test_swapped_arguments_are_recognized(tmp_path):
    (tmp_path / "assets.extra").mkdir()
    (tmp_path / "assets.extra/conversion.json").touch()
    with pytest.raises(errors.UsageError, match="they are swapped"):
        early_checks.check_order(str(tmp_path), _MODULE)
    early_checks.check_order(_MODULE, str(tmp_path))
    early_checks.check_order("gs://bucket/a", str(tmp_path))


def test_nothing_is_asked_of_servers(tmp_path, monkeypatch):
    monkeypatch.setattr("socket.socket", None)
    early_checks.check_module("https://host/m")
    early_checks.check_destination("https://host/m", str(tmp_path / "new"), overwrite=False)


def test_nothing_is_asked_of_remote_file_systems():
    """That would take TensorFlow; the command itself finds out."""
    early_checks.check_module("gs://bucket/nowhere")
    early_checks.check_model("gs://bucket/nowhere")
    early_checks.check_destination("gs://bucket/a", "/proc/nowhere", overwrite=False)
    early_checks.check_destination(_MODULE, "gs://bucket/a", overwrite=False)
