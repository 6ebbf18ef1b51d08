"""The lock: held by one, and by nobody who is dead."""

import errno
import os
import signal
import subprocess
import sys

import pytest

from converter import errors
from converter.migration.lock import locked

HOLD = """
import pathlib, sys, time
from converter.migration.lock import locked
with locked(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(1000)
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "dst/lock")],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_another_holder_is_named(holder, tmp_path):
    with (
        pytest.raises(errors.DestinationError, match=rf"process {holder.pid} on .*, since 20"),
        locked(tmp_path / "dst/lock"),
    ):
        pass


def test_the_lock_of_the_dead_is_taken_over(holder, tmp_path):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with locked(tmp_path / "dst/lock"):
        assert str(os.getpid()) in (tmp_path / "dst/lock").read_text()


def test_it_can_be_taken_again(tmp_path):
    for _ in range(2):
        with locked(tmp_path / "lock"):
            pass


@pytest.mark.parametrize(
    "content",
    ["", "[" * 100_000, "[]", '{"since": 1e300}', '{"since": "x"}', '{"since": Infinity}', "{}"],
)
def test_a_holder_that_says_nothing_holds_it_too(content, tmp_path):
    path = tmp_path / "lock"
    with locked(path):
        path.write_text(content)
        with pytest.raises(errors.DestinationError, match="an unknown process"), locked(path):
            pass


def test_a_place_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(errors.DestinationError, match="cannot be written"),
        locked(tmp_path / "file/lock"),
    ):
        pass


def test_a_filesystem_without_locks(tmp_path, monkeypatch):
    def flock(file, operation):
        del file, operation
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", flock)
    with (
        pytest.raises(errors.DestinationError, match="cannot be locked: No locks available"),
        locked(tmp_path / "dst/lock"),
    ):
        pass
