"""The command line imports little before it has something to do: TensorFlow takes seconds."""

import subprocess
import sys

import pytest

_HEAVY = ("tensorflow", "numpy", "rich", "google.protobuf", "concurrent.futures", "hashlib",
          "jinja2")  # fmt: skip
_SCRIPT = """
import sys
from converter.cli import main
try:
    main.parse_arguments(["tf1hub", *sys.argv[1:]])
except SystemExit:
    pass
print([name for name in {heavy} if name in sys.modules], file=sys.__stdout__)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["convert", "--help"],
        ["verify", "--help"],
        ["migrate", "--help"],
        ["migrate"],
        ["report", "--help"],
        ["--version"],
        ["convert"],
        ["what"],
    ],
)
def test_help_and_wrong_use_import_nothing_heavy(arguments):
    script = _SCRIPT.format(heavy=_HEAVY)
    finished = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
    )
    assert finished.stdout.splitlines()[-1] == "[]"


def test_the_check_sees_imports():
    script = "import numpy\n" + _SCRIPT.format(heavy=_HEAVY)
    finished = subprocess.run(
        [sys.executable, "-c", script, "--help"], capture_output=True, text=True, check=True
    )
    assert "numpy" in finished.stdout.splitlines()[-1]


def test_the_library_is_imported_without_tensorflow():
    script = "import sys, converter\nprint('tensorflow' in sys.modules, 'numpy' in sys.modules)"
    finished = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert finished.stdout.split() == ["False", "False"]
