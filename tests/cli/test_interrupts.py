"""Ctrl-C and SIGTERM end a command as an exception does: it cleans up."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading

import pytest

from converter.cli.interrupts import (
    Terminated,
    exit_status,
    finishing_on_interrupt,
    raising_on_terminate,
)

_GOLDEN = pathlib.Path(__file__).parents[2] / "legacy_fixtures/golden"
# Sends itself a signal in the midst of a command.
_INTERRUPTED = """\
import os, signal
from converter.cli.main import run_in_this_process
from converter.{module} import {name} as interrupted

def interrupt(*args, **kwargs):
    os.kill(os.getpid(), int(os.environ["NUMBER"]))
    return before(*args, **kwargs)

before = interrupted.{function}
interrupted.{function} = interrupt
signal.signal(signal.SIGINT, signal.default_int_handler)  # A background job of a shell ignores it.
run_in_this_process()
"""


def test_a_sigterm_is_an_exception_in_the_block_alone():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated), raising_on_terminate():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_other_threads_leave_signals_alone():
    seen = []

    def look():
        with raising_on_terminate(), finishing_on_interrupt() as stopping:
            seen.append((signal.getsignal(signal.SIGTERM), stopping()))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [(signal.getsignal(signal.SIGTERM), False)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_asks_to_stop_and_the_second_does(number, capsys):
    with finishing_on_interrupt() as stopping:
        os.kill(os.getpid(), number)
        assert stopping()
        assert stopping.number == number
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert "interrupt again" in capsys.readouterr().err


def test_statuses_are_those_of_shells():
    assert (exit_status(signal.SIGINT), exit_status(signal.SIGTERM)) == (130, 143)


def _interrupt(number, where, *arguments, temporary):
    module, name, function = where
    program = _INTERRUPTED.format(module=module, name=name, function=function)
    environment = {**os.environ, "NUMBER": str(int(number)), "TMPDIR": str(temporary)}
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_cleans_up_and_leaves_the_old_version(tmp_path, number):
    module, place, temporary = tmp_path / "m", tmp_path / "d", tmp_path / "tmp"
    temporary.mkdir()
    shutil.copytree(_GOLDEN / "half_plus_two/module", module)
    command = [sys.executable, "-m", "converter", "convert", str(module), str(place)]
    subprocess.run(command, check=True, capture_output=True)
    before = sorted(place.rglob("*"))
    convert = ("convert", "--verify", "--overwrite")
    for where, arguments in (
        (("export", "saved_model", "_write_attachments"), convert),
        (("parity", "converted_process", "_run_in_process"), convert),
        (("parity", "converted_process", "_run_in_process"), ("verify",)),
    ):
        done = _interrupt(number, where, *arguments, module, place, temporary=temporary)
        assert done.returncode == 128 + number, done.stderr
        assert "interrupted" in done.stderr
        assert sorted(place.rglob("*")) == before
        assert sorted(path.name for path in tmp_path.iterdir()) == ["d", "m", "tmp"]
        assert not [path for path in temporary.iterdir() if path.name.startswith(".tf1hub")]
