"""README and the pages behind it in one shell, as a reader follows them, in fresh environments."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import pytest
from page_blocks import ROOT, as_shell, read_blocks

from converter.migration.options_file import read_rules

README = (ROOT / "README.md").read_text()
PYPROJECT = (ROOT / "pyproject.toml").read_text()
PAGES = [ROOT / "README.md",
         *(ROOT / "docs" / name for name in ("example.md", "commands.md", "bulk.md"))]  # fmt: skip
BLOCKS = [block for page in PAGES for block in read_blocks(page)]
VERSIONS = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', PYPROJECT)
OLDEST, NEWEST = VERSIONS[0], VERSIONS[-1]
# CI runs all tests. Here, all are collected, and those run that need what trains.
SOME_TESTS = "-k 'keras_text or (keras and usage)'"


def find_python(version):
    """An interpreter of this version that can make virtual environments, or None."""
    pyenv = pathlib.Path(os.environ.get("PYENV_ROOT", pathlib.Path.home() / ".pyenv"))
    installed = pyenv.glob(f"versions/{version}.*/bin/python{version}")
    # A shim of pyenv is on the path for versions that it does not run.
    for candidate in (shutil.which(f"python{version}"), *sorted(installed)):
        if candidate is not None:
            program = "import ensurepip, sys, venv; print(sys.executable)"
            found = subprocess.run([candidate, "-c", program], capture_output=True, text=True)
            if found.returncode == 0:
                return found.stdout.strip()
    return None


def copy_project(directory):
    """The project without what was built in it, and what README calls the reader's modules."""
    leave_out = shutil.ignore_patterns(
        ".git", ".venv*", ".*_cache", "__pycache__", "*.egg-info", "bazel-*", "build", "converted"
    )
    project = pathlib.Path(shutil.copytree(ROOT, directory / "project", ignore=leave_out))
    module = project / "legacy_fixtures/golden/text_embedding_oov/module"
    shutil.copytree(module, project / "module")
    shutil.copytree(module, project / "modules/text")
    return project


def as_commands(block):
    """A block as commands of a shell."""
    if block.kind == "python":
        return f"python - <<'END OF BLOCK'\n{block.text}END OF BLOCK\n"
    return as_shell(block.text) if block.kind == "console" else block.text


def write_session(path):
    """Writes the blocks as one script, which prints a line before each.

    The tests' command comes last: it installs more than the others need, and a reader may leave
    it out.
    """
    order = [block for block in BLOCKS if block.is_run]
    order.sort(key=lambda block: "-m pytest" in block.text)
    marked = [f"echo '== block {n}'\n{as_commands(block)}" for n, block in enumerate(order)]
    path.write_text("set -eu\n" + "\n".join(marked))
    return order


def run_session(python, directory):
    """Runs the blocks; returns each with what it printed."""
    project = copy_project(directory)
    order = write_session(directory / "session.sh")
    (directory / "bin").mkdir()
    command = directory / "bin" / "python3"
    command.write_text(f'#!/bin/sh\nexec {python} "$@"\n')
    command.chmod(0o755)
    ours = ("COVERAGE", "PYTEST", "PYTHON", "VIRTUAL_ENV")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    environment["PATH"] = f"{directory / 'bin'}:{os.environ['PATH']}"
    environment["PYTEST_ADDOPTS"] = SOME_TESTS
    done = subprocess.run(
        ["bash", str(directory / "session.sh")], cwd=project, env=environment, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    printed = re.split(r"^== block \d+\n", done.stdout, flags=re.MULTILINE)[1:]
    return list(zip(order, printed, strict=True))


def outline(text):
    """The words that the lines begin with; `test_readme` has every number."""
    return [line.split()[0] for line in text.splitlines() if line.strip()]


def check_session(python):
    with tempfile.TemporaryDirectory(prefix="readme_") as directory:
        session = run_session(python, pathlib.Path(directory))
    for block, printed in session:
        if block.kind == "console":
            assert outline(printed) == outline(block.text.split("\n", 1)[1])
    block, printed = session[-1]
    assert "-m pytest" in block.text
    assert re.search(r"^\d+ passed", printed, re.MULTILINE), printed


@pytest.mark.slow
@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_readme_works_in_order(version):
    python = find_python(version)
    if python is None:
        pytest.skip(f"no Python {version} that can make virtual environments is on this machine")
    check_session(python)


@pytest.mark.slow
def test_readme_works_in_order_with_the_python_that_is_here():
    if find_python(OLDEST) or find_python(NEWEST):
        pytest.skip("a Python that tells more is on this machine")
    check_session(sys.executable)


def test_blocks_of_every_kind_are_run_or_read():
    assert {block.kind for block in BLOCKS if block.is_run} == {"console", "python", "sh"}
    assert {block.kind for block in BLOCKS} == {"console", "python", "sh", "toml"}


def test_the_oldest_and_the_newest_python_are_those_that_the_project_names():
    assert f'requires-python = ">={OLDEST}"' in PYPROJECT
    assert f"Python {OLDEST} to {NEWEST}" in README


def test_the_file_of_options_is_read_as_it_stands(tmp_path):
    (text,) = (block.text for block in BLOCKS if block.kind == "toml")
    (tmp_path / "options.toml").write_text(text)
    rules = read_rules(tmp_path / "options.toml")
    assert [rule.pattern for rule in rules] == re.findall(r'^\["(.*)"\]', text, re.MULTILINE)
    assert all(rule.options for rule in rules)
