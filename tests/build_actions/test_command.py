import contextlib
import pathlib

import pytest

from converter import errors
from converter.build_actions.command import add_module, run_command


@pytest.fixture
def run(monkeypatch):
    """`run(action, *argv)` runs a program that takes a module, and returns its status."""

    def call(action, *argv):
        monkeypatch.setattr("sys.argv", ["program", *argv])
        # It takes the streams of the whole process.
        monkeypatch.setattr("converter.cli.main.native_output_apart", contextlib.nullcontext)
        with pytest.raises(SystemExit) as stopped:
            run_command("What it does.", add_module, action)
        return stopped.value.code

    return call


def test_arguments_may_lie_in_a_file_one_a_line(run, tmp_path):
    seen = []
    (tmp_path / "arguments").write_text("--module=a b/c\n--module=d\n--import-ops=x\n")
    assert run(lambda arguments: seen.append(arguments) or 0, f"@{tmp_path / 'arguments'}") == 0
    (arguments,) = seen
    assert arguments.module == [pathlib.Path("a b/c"), pathlib.Path("d")]
    assert arguments.import_ops == ["x"]


def test_the_status_of_the_program_is_that_of_the_process(run):
    assert run(lambda _: 1, "--module=a") == 1


def test_an_error_is_one_line(run, capsys):
    def fail(_):
        raise errors.FormatError("no module", remedy="Copy it.")

    assert run(fail, "--module=a") == 1
    assert capsys.readouterr().err == "tf1hub: error: no module. Copy it.\n"


def test_wrong_use_has_status_2(run, capsys):
    assert run(lambda _: 0) == 2
    assert "--module" in capsys.readouterr().err
