"""The table of exit statuses in docs/commands.md: each command, in each situation.

0 well; 1 refused, failed or different; 2 wrong use; 3 not compared; 130 interrupted, or 143
terminated.
"""

import pathlib
import re
import shutil
import types

import pytest

from converter.cli import main as cli
from converter.cli.interrupts import Terminated
from converter.errors import ConversionError, OutOfMemoryError
from converter.parity.verdict import DIFFERS, EQUAL, NOT_COMPARED
from converter.processes import limited_process

_ROOT = pathlib.Path(__file__).parents[2]
_MODULE = _ROOT / "legacy_fixtures/golden/half_plus_two/module"

# Of `places` below: `module` converts, to `result`; `damaged` does not; `nowhere` is not there;
# `file` is an empty file; `folder` has one, and no model; `tree` has a module.
_ROWS = [
    # 0: all is well.
    ("", "no command: help", 0),
    ("help", "help", 0),
    ("help debug passes", "help of a topic", 0),
    ("--version", "the version", 0),
    ("inspect module", "a module", 0),
    ("inspect no_weights", "a module that cannot be converted, described", 0),
    ("scan module", "no finding", 0),
    ("scan reads_file", "a finding below the level of --fail-on", 0),
    ("convert module new", "converted", 0),
    ("card result", "a converted module", 0),
    ("export result new.tflite --to litert", "exported and equal", 0),
    ("migrate folder new_root", "a tree without a module", 0),
    ("report migrated", "the root of a migration", 0),
    ("explain pkg_resources", "a message that is known", 0),
    ("debug passes module", "a signature", 0),
    ("completion bash", "a script", 0),
    # 1: refused, failed or different.
    ("inspect damaged", "a damaged module", 1),
    ("inspect file", "a file that is not an archive", 1),
    ("inspect folder", "a folder without a model", 1),
    ("scan damaged", "a damaged module", 1),
    ("scan reads_file --fail-on low", "a finding", 1),
    ("convert damaged new", "a damaged module", 1),
    ("convert no_weights new", "a module without weights", 1),
    ("verify other result", "another module's conversion", 1),
    ("verify module file", "a file in place of a SavedModel", 1),
    ("verify module folder", "a folder without a record", 1),
    ("card module", "a model without a record", 1),
    ("export damaged new.tflite --to litert", "a damaged module", 1),
    ("explain qwertz yxcvb", "a message that is not known", 1),
    ("debug passes damaged", "a damaged module", 1),
    # 2: wrong use.
    ("nonsense", "an unknown command", 2),
    ("help nonsense", "help of an unknown command", 2),
    ("-q", "flags without a command", 2),
    *((f"{command.NAME} --nonsense", "an unknown flag", 2) for command in cli.COMMANDS),
    ("inspect nowhere", "a path where nothing is", 2),
    ("inspect module --tags nope", "an unknown tag set", 2),
    ("inspect module --call-signature nope", "an unknown signature", 2),
    ("inspect module --trainable (", "what is not a regular expression", 2),
    ("inspect module --allow-op Nope", "an unknown op", 2),
    ("inspect module --import-ops nope", "an unknown package", 2),
    ("scan nowhere", "a path where nothing is", 2),
    ("scan module --fail-on nope", "an unknown level", 2),
    ("scan module --sarif nowhere/a", "a file in a folder that is not there", 2),
    ("convert nowhere new", "a path where nothing is", 2),
    ("convert module result", "a destination that exists", 2),
    ("convert module folder --overwrite", "a destination that is not a SavedModel", 2),
    ("convert module module/new", "a destination in the source", 2),
    ("convert module file/new", "a destination that nothing can be at", 2),
    ("convert module new --training-tags nope", "an unknown tag set", 2),
    ("convert module new --compress file", "an archive that exists", 2),
    ("convert module new --compress nowhere/a", "an archive in a folder that is not there", 2),
    ("convert module new --inputs file", "inputs without a comparison", 2),
    ("convert module new --verify --inputs nowhere", "inputs that are not there", 2),
    ("verify nowhere result", "a path where nothing is", 2),
    ("verify module nowhere", "a path where nothing is", 2),
    ("verify result module", "swapped arguments", 2),
    ("verify module result --inputs file", "inputs that are no arrays", 2),
    ("verify module result --atol -1", "a tolerance below 0", 2),
    ("card nowhere", "a path where nothing is", 2),
    ("card result --output nowhere/a", "a file in a folder that is not there", 2),
    ("export nowhere new.tflite --to litert", "a path where nothing is", 2),
    ("export result file --to litert", "a file that exists", 2),
    ("export result new.tflite", "no format", 2),
    ("export result new.tflite --to nope", "an unknown format", 2),
    ("export result new.tflite --to litert --signature nope", "an unknown signature", 2),
    ("export result new.tflite --to litert --shape nope=1", "an unknown input", 2),
    ("migrate nowhere new_root", "a path where nothing is", 2),
    ("migrate module new_root", "a module in place of a tree", 2),
    ("migrate tree tree/new", "a destination in the source", 2),
    ("migrate tree new_root --include nope*", "a pattern that matches nothing", 2),
    ("migrate tree new_root --options nope.toml", "options for a pattern without a match", 2),
    ("migrate tree new_root --options nowhere", "a file that is not there", 2),
    ("migrate tree new_root --from-list file", "a list without a module", 2),
    ("migrate tree new_root --engine dask", "an engine without a scheduler", 2),
    ("migrate tree new_root --workers 0", "no worker", 2),
    ("report nowhere", "a path where nothing is", 2),
    ("report folder", "a folder without a migration", 2),
    ("report migrated --output a.txt", "a page of another type", 2),
    ("report migrated --output nowhere/a.html", "a page in a folder that is not there", 2),
    ("report migrated --output precious.html", "a file that is not a report", 2),
    ("explain", "no text", 2),
    ("debug", "no topic", 2),
    ("debug passes nowhere", "a path where nothing is", 2),
    ("debug passes module --signature nope", "an unknown signature", 2),
    ("debug passes module --only nope", "an unknown pass", 2),
    ("completion nope", "an unknown shell", 2),
]


def run(*words):
    """The exit status of a command line, as the console script has it but in this process."""
    try:
        return cli.main(cli.parse_arguments(["tf1hub", *words]))
    except SystemExit as stop:
        return stop.code


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder of places to name in command lines."""
    here = tmp_path_factory.mktemp("places")
    shutil.copytree(_MODULE, here / "module")
    shutil.copytree(_MODULE, here / "tree/module")
    shutil.copytree(_MODULE, here / "no_weights", ignore=lambda _, names: {"variables"} & {*names})
    shutil.copytree(_MODULE.parents[1] / "gan_spectral/module", here / "other")
    shutil.copytree(_MODULE, here / "damaged")
    (here / "damaged/saved_model.pb").write_bytes(b"x")
    graph = (_MODULE / "saved_model.pb").read_bytes()
    shutil.copytree(_MODULE, here / "reads_file")
    (here / "reads_file/saved_model.pb").write_bytes(_with_read_file(graph))
    (here / "file").touch()
    (here / "folder").mkdir()
    (here / "folder/file").touch()
    (here / "nope.toml").write_text('["nope*"]\nverify = true\n')
    (here / "precious.html").write_text("precious")
    assert run("-q", "convert", str(here / "module"), str(here / "result")) == 0
    assert run("-q", "migrate", str(here / "folder"), str(here / "migrated")) == 0
    return here


def _with_read_file(content):
    from tensorflow.core.protobuf import saved_model_pb2

    saved_model = saved_model_pb2.SavedModel.FromString(content)
    nodes = saved_model.meta_graphs[0].graph_def.node
    nodes.add(name="hostile", op="ReadFile", input=[nodes[0].name])
    return saved_model.SerializeToString()


@pytest.fixture
def places(prepared, tmp_path, monkeypatch):
    """The working directory: the folder, in which a row may write."""
    for place in prepared.iterdir():
        (tmp_path / place.name).symlink_to(place)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize(
    ("line", "situation", "status"), _ROWS, ids=[f"{status} {line}" for line, _, status in _ROWS]
)
def test_a_command_ends_with_the_status_of_the_table(capsys, line, situation, status):
    assert run(*line.split()) == status, situation
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert said.count("error: ") == (0 if status == 0 or situation == "a finding" else 1)


_VERDICTS = [(EQUAL, 0), (DIFFERS, 1), (NOT_COMPARED, 3)]


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize(("verdict", "status"), _VERDICTS)
@pytest.mark.parametrize(
    ("line", "function"),
    [
        ("verify module result", "converter.conversion.verify.verify"),
        ("convert module new --verify", "converter.conversion.convert.convert_digested"),
        ("export result new --to litert", "converter.exporters.export_model.export_model"),
    ],
)
def test_verdicts_have_statuses(monkeypatch, line, function, verdict, status):
    """What compares is tested elsewhere, for it takes long; here a stand-in gives the verdict."""
    result = types.SimpleNamespace(
        verdict=verdict, warnings=(), remarks=(), not_compared=None, to_json=dict
    )
    monkeypatch.setattr(function, lambda *_, **__: result)
    monkeypatch.setattr("converter.files.json_values.to_json_values", lambda _: {})
    assert run(*line.split(), "--json") == status


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize(
    ("passed", "not_compared", "status"), [(True, (), 0), (False, (), 1), (True, ("a",), 3)]
)
def test_migrations_have_statuses(monkeypatch, passed, not_compared, status):
    report = types.SimpleNamespace(
        passed=passed, not_compared=not_compared, interrupted=False, to_json=dict
    )
    monkeypatch.setattr("converter.migration.migrate.migrate", lambda *_, **__: report)
    assert run("migrate", "tree", "new_root", "--json", "--no-report") == status


_RIGHT = {
    "inspect": "module", "scan": "module", "convert": "module new", "verify": "module result",
    "export": "result new --to litert", "card": "result", "migrate": "tree new_root",
    "report": "migrated", "explain": "text", "debug": "passes module", "completion": "bash",
}  # fmt: skip
_ENDS = [
    (KeyboardInterrupt(), 130), (Terminated(), 143), (ConversionError("it is refused"), 1),
    (OutOfMemoryError("it takes all"), 1), (OSError(28, "No space left on device"), 1),
    (RuntimeError("nobody foresaw it"), 1), (BrokenPipeError(), 1),
]  # fmt: skip


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize("command", cli.COMMANDS, ids=lambda command: command.NAME)
def test_every_command_ends_in_one_way(monkeypatch, command):
    monkeypatch.setattr("os.dup2", lambda *_: None)
    for error, status in _ENDS:

        def fail(_, error=error):
            raise error

        monkeypatch.setattr(command, "run", fail)
        assert run(command.NAME, *_RIGHT[command.NAME].split()) == status, error


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize(
    "error", [limited_process.OverTimeError(), limited_process.OverMemoryError(1)],
    ids=["time", "memory"],
)  # fmt: skip
def test_a_limit_is_a_failure(monkeypatch, error):
    def stop(*_, **__):
        raise error

    monkeypatch.setattr(limited_process, "run_limited", stop)
    monkeypatch.setattr("sys.argv", ["tf1hub", "inspect", "module"])
    arguments = cli.parse_arguments(["tf1hub", "inspect", "module"])
    assert cli._main_within_limits(arguments) == 1


def test_every_command_has_rows():
    for command in cli.COMMANDS:
        statuses = {status for line, _, status in _ROWS if line.split()[:1] == [command.NAME]}
        elsewhere = {"verify": {0}, "migrate": {1}, "report": {1}, "completion": {1}}
        assert statuses | elsewhere.get(command.NAME, set()) == {0, 1, 2}


def test_the_page_has_the_table():
    page = (_ROOT / "docs/commands.md").read_text("utf-8")
    table = page.partition("## Exit status")[2].partition("\n## ")[0]
    assert re.findall(r"^\| (\d+) \|", table, re.MULTILINE) == ["0", "1", "2", "3", "130"]
    assert "143 by SIGTERM" in table
