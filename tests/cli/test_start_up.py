"""The command line imports little before it has something to do: TensorFlow takes seconds."""

import os
import signal
import subprocess
import sys

import pytest

from converter.cli import limited_command, start_up
from converter.cli.interrupts import raising_on_terminate
from converter.processes import python_process
from converter.processes.limited_process import run_limited

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


_INTERRUPTED = "tf1hub: error: interrupted; no output is half-written.\n"
# Interrupts itself while it imports a part of the command line.
_IMPORTING = """
import os, runpy, signal, sys

class Finder:
    def find_spec(self, name, path, target=None):
        if name == "converter.cli.explain":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
signal.signal(signal.SIGINT, {handler})
sys.argv[1:] = ["--version"]
runpy.run_module("converter", run_name="__main__")
"""


def _run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_an_interrupt_while_it_starts_is_one_line():
    code = _IMPORTING.format(handler="signal.default_int_handler")
    assert _run(sys.executable, "-c", code) == (130, _INTERRUPTED)


def test_a_background_job_of_a_shell_is_not_interrupted():
    code = _IMPORTING.format(handler="signal.SIG_IGN")
    assert _run(sys.executable, "-c", code) == (0, "")


def test_an_interrupt_while_the_process_of_a_command_starts_is_one_line():
    command = python_process.command(
        limited_command.__name__, str(os.getpid()), "inspect", "nowhere"
    )
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        # Background jobs of shells, and so all tests, may have been started to ignore it.
        process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        process.send_signal(signal.SIGINT)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    _, said = process.communicate()
    assert (process.returncode, said) == (130, _INTERRUPTED)


def test_a_process_that_is_watched_starts_with_interrupts_blocked():
    code = "import signal, sys; sys.exit(len(signal.pthread_sigmask(signal.SIG_BLOCK, ())))"
    for is_blocked in (False, True):
        status = run_limited(
            [sys.executable, "-c", code], os.environ, timeout_secs=None, memory_limit_bytes=None,
            unblocks_interrupts=is_blocked,
        )  # fmt: skip
        assert status == is_blocked
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_once_it_has_started_an_interrupt_is_an_exception():
    before = signal.getsignal(signal.SIGINT)
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        start_up.end_on_interrupt()
        assert start_up.is_starting()
        with raising_on_terminate(), pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert start_up.is_starting()
    finally:
        signal.signal(signal.SIGINT, before)
