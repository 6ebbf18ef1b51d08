"""Nothing of the working directory runs, whatever is there."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from converter.processes import python_process

_ROOT = pathlib.Path(__file__).parents[2]
_TRAP = "import pathlib\npathlib.Path({mark!r}, {name!r}).touch()\nraise SystemExit('trapped')\n"
_PACKAGES = ("psutil", "numpy", "tensorflow", "absl", "rich", "google", "sitecustomize",
             "usercustomize")  # fmt: skip
# Without the modules that Python imports before `python -m converter` runs code of ours.
_LIBRARY = ("json", "socket", "tempfile", "pickle", "secrets", "hashlib", "argparse", "random")
# Modules that `-m` and `-c` import, and that `-m` looks for.
_START = ("converter", "linecache", "runpy", "typing", "dataclasses")


@pytest.fixture
def hostile(tmp_path):
    """Makes a working directory with traps, and returns it and the place of their marks."""

    def make(*names):
        folder, marks = tmp_path / "here", tmp_path / "marks"
        folder.mkdir()
        marks.mkdir()
        for name in names:
            (folder / f"{name}.py").write_text(_TRAP.format(mark=str(marks), name=name))
        return folder, marks

    return make


def _environment(**more):
    variables = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return {**variables, "PYTHONPATH": os.pathsep.join([str(_ROOT), *more.pop("path", [])]), **more}


def _run(argv, folder, **more):
    return subprocess.run(
        [sys.executable, *map(str, argv)], cwd=folder, env=_environment(**more),
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def _marks(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_traps_work(hostile):
    folder, marks = hostile("psutil")
    assert _run(["-c", "import psutil"], folder).returncode
    assert _marks(marks) == ["psutil"]


def test_a_child_meets_none_of_it(hostile, tmp_path):
    folder, marks = hostile(*_PACKAGES, *_LIBRARY, *_START)
    # A script, as the console script is one: its own folder is on its path.
    (tmp_path / "script.py").write_text(
        "import subprocess, sys\n"
        "from converter.processes import python_process as p\n"
        "argv = p.command('converter.processes.parent_death')\n"
        "sys.exit(subprocess.call(argv, env=p.environment()))\n"
    )
    done = _run([tmp_path / "script.py"], folder)
    assert (done.returncode, done.stderr, _marks(marks)) == (0, "", [])


def test_python_m_converter_meets_none_of_it(hostile):
    folder, marks = hostile(*_PACKAGES, *_LIBRARY, "dataclasses")
    for arguments in (["--help"], ["report", str(folder / "nowhere")]):
        done = _run(["-m", "converter", *arguments], folder)
        assert "trapped" not in done.stderr
        assert _marks(marks) == []


def _child_path(folder, cwd, **more):
    """The path of imports that a child has of a process that runs in `cwd`."""
    script = folder / "show.py"
    script.write_text(
        "import ast, json\n"
        "from converter.processes import python_process\n"
        "program = python_process.command('x')[-2]\n"
        "line = program.splitlines()[1]\n"
        "print(json.dumps(ast.literal_eval(line.partition(' = ')[2])))\n"
    )
    done = _run([script], cwd, **more)
    assert not done.returncode, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("empty", ["", "."])
def test_only_a_name_in_pythonpath_brings_the_working_directory_in(tmp_path, empty):
    (tmp_path / "bin").mkdir()
    (tmp_path / "here").mkdir()
    path = _child_path(tmp_path / "bin", tmp_path / "here", path=[empty])
    assert (str(tmp_path / "here") in path) == bool(empty)
    assert str(_ROOT) in path
    assert str(tmp_path / "bin") in path


def test_a_package_that_lies_in_the_working_directory_is_found(tmp_path):
    assert str(_ROOT) in _child_path(tmp_path, _ROOT)


def test_names_that_are_no_text_are_carried_over(tmp_path):
    odd = tmp_path / os.fsdecode(b"\xff'\n")
    odd.mkdir()
    assert str(odd) in _child_path(odd, tmp_path)


def test_a_package_that_only_a_hook_finds_is_found(monkeypatch):
    monkeypatch.setattr(sys, "path", [p for p in sys.path if pathlib.Path(p or ".") != _ROOT])
    command = python_process.command("converter.processes.parent_death")
    assert subprocess.call(command, env=python_process.environment(), cwd="/") == 0


def test_the_environment_keeps_what_pythonpath_names(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", "/a", "", "/b"]))
    assert python_process.environment()["PYTHONPATH"] == os.pathsep.join(["/a", "/b"])
    monkeypatch.setenv("PYTHONPATH", os.pathsep)
    assert "PYTHONPATH" not in python_process.environment()


def test_defaults_yield_to_the_environment(monkeypatch):
    monkeypatch.setenv("A", "1")
    assert python_process.environment({"A": "2", "TF1HUB_B": "3"})["A"] == "1"
    assert python_process.environment({"A": "2", "TF1HUB_B": "3"})["TF1HUB_B"] == "3"


def test_a_working_directory_that_was_removed_is_none(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    # An editable installation may leave the name of an import hook there, which is not a path.
    monkeypatch.setattr(sys, "path", ["", "modules", "__editable__.a.__path_hook__", *sys.path])
    gone.rmdir()
    assert python_process.command("converter.version")[0] == sys.executable


@pytest.mark.slow
@pytest.mark.parametrize("start", ["script", "module"])
def test_no_command_meets_any_of_it(hostile, tmp_path, start):
    """The script stands for the console script; `python -m` looks for `converter` itself."""
    traps = {*_PACKAGES, *_LIBRARY, *_START}
    folder, marks = hostile(*(traps if start == "script" else traps - set(_START)))
    script = tmp_path / "tf1hub"
    script.write_text("from converter.cli.main import entry_point\nentry_point()\n")
    modules = tmp_path / "modules"
    shutil.copytree(_ROOT / "legacy_fixtures/golden/half_plus_two/module", modules / "a")
    one, many = tmp_path / "one", tmp_path / "many"
    for arguments in (
        ["convert", "--verify", modules / "a", one],
        ["verify", modules / "a", one],
        ["migrate", "--verify", "--workers", "1", modules, many],
        ["report", many],
    ):
        done = _run([*([script] if start == "script" else ["-m", "converter"]), *arguments], folder)
        assert (done.returncode, _marks(marks)) == (0, []), done.stderr
