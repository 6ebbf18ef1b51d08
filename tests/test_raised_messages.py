"""The plugin that says which messages no test raises, on a small run of its own."""

import os
import pathlib
import subprocess
import sys

import pytest
import raised_messages
from error_catalogue.raise_sites import RaiseSite

TESTS = pathlib.Path(__file__).parent
SITES = [
    RaiseSite("a.py", 3, 5, "FormatError", "one", ""),
    RaiseSite("a.py", 8, 8, "FormatError", "two", ""),
    RaiseSite("b.py", 4, 4, "FormatError", "two", ""),
]


def test_every_message_made_somewhere_is_fine():
    assert raised_messages.find_problems(SITES, {("a.py", 5), ("b.py", 4)}, {}) == []


def test_a_message_that_no_test_makes_is_named():
    problems = raised_messages.find_problems(SITES, {("a.py", 7), ("b.py", 4), ("b.py", 3)}, {})
    assert problems == ["no test raises the message 'one'"]


def test_exemptions_are_only_for_what_needs_them():
    noted, exempt = {("a.py", 3)}, {"one": "made", "two": "not made", "three": "gone"}
    assert raised_messages.find_problems(SITES, noted, exempt) == [
        "exempt, but raised by a test: 'one'",
        "exempt, but not in the code: 'three'",
    ]


INNER = """
import pytest
from converter import errors
from converter.errors import unwritable

@pytest.mark.parametrize("_", range(2))
def test_one(_):
    unwritable("x", OSError())

def test_two():
    pass
"""


INI = """
[pytest]
testpaths = tests
markers =
  slow
  browser
"""


def run(directory, *arguments):
    """Runs the tests of `INNER` with the plugin; returns how it ended and what it printed."""
    (directory / "tests").mkdir()
    (directory / "tests/test_inner.py").write_text(INNER)
    (directory / "pytest.ini").write_text(INI)
    paths = [TESTS, TESTS.parent, TESTS.parent / "scripts"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "raised_messages", "-p", "no:cacheprovider",
         "-m", "not slow and not browser", *arguments],
        cwd=directory, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), "PYTEST_ADDOPTS": ""},
    )  # fmt: skip
    return done.returncode, done.stdout


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_a_whole_run_fails_where_messages_are_not_raised(tmp_path, workers):
    status, printed = run(tmp_path, *workers)
    assert "no test raises the message 'op {op} lacks attribute {attr}'" in printed
    assert "'{path} cannot be written: {what}'" not in printed
    assert (status, "3 passed" in printed) == (1, True)


@pytest.mark.parametrize(
    "some", [["-k", "one"], ["tests"], ["--deselect", "tests/test_inner.py::test_two"]]
)
def test_a_run_of_some_tests_says_nothing(tmp_path, some):
    status, printed = run(tmp_path, *some)
    assert (status, "no test raises" in printed) == (0, False)
