"""The lock in tensorflow_hub's cache, held by others that live, died, or do nothing."""

import os
import pathlib
import socket
import subprocess
import sys
import threading

import pytest

from converter import errors
from converter.sources import hub_lock
from converter.sources.hub_lock import HubLock

UID = "0123456789abcdef" * 2
HERE = socket.gethostname()


@pytest.fixture
def lock(tmp_path):
    return HubLock(tmp_path / "sha1", UID)


@pytest.fixture
def held_by(tmp_path, monkeypatch):
    """`held_by(holder)` makes the lock, and the files of its holder."""
    monkeypatch.setattr(hub_lock, "_POLL_SECS", 0.01)

    def hold(holder):
        (tmp_path / "sha1.lock").write_text(holder)
        files = tmp_path / f"sha1.{holder.split('.')[-1]}.tmp"
        files.mkdir(parents=True)
        (files / "part").write_text("x")
        return files

    return hold


def never():
    return False


def dead_process():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_it_is_a_file_that_says_who_holds_it(lock, tmp_path):
    with lock.held(never, print) as is_held:
        assert is_held
        assert (tmp_path / "sha1.lock").read_text() == f"{HERE}.{os.getpid()}.{UID}"
        assert lock.temporary == tmp_path / f"sha1.{UID}.tmp"
    assert not list(tmp_path.iterdir())


def test_it_is_released_on_an_error_unless_somebody_took_it(lock, tmp_path):
    with pytest.raises(KeyboardInterrupt), lock.held(never, print):
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())
    with lock.held(never, print):
        (tmp_path / "sha1.lock").write_text("host.1.other")
    assert (tmp_path / "sha1.lock").read_text() == "host.1.other"


def test_that_of_a_process_that_died_is_taken(lock, held_by, tmp_path):
    holder, said = f"{HERE}.{dead_process()}.{'f' * 32}", []
    files = held_by(holder)
    with lock.held(never, said.append) as is_held:
        assert is_held
        assert not files.exists()
    assert said == [f"the download of {holder} was not finished: it begins again"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "holder",
    ["{host}.{process}.f", "{host}.x.f", "elsewhere.com.1.f", "", "no one", "a.b/../c"],
)
def test_that_of_another_one_is_waited_for(holder, lock, held_by, tmp_path):
    holder = holder.format(host=HERE, process=os.getpid())
    held_by(holder)
    said = []
    timer = threading.Timer(0.3, (tmp_path / "sha1.lock").unlink)
    timer.start()
    with lock.held(never, said.append) as is_held:
        assert is_held
    timer.join()
    assert said == [f"waiting for {holder}, which downloads the same module"]


def test_the_wait_ends_when_somebody_else_is_done(lock, held_by, tmp_path):
    held_by("elsewhere.1.f")
    answers = [False, False, True]
    with lock.held(lambda: answers.pop(0), print) as is_held:
        assert not is_held
    assert (tmp_path / "sha1.lock").read_text() == "elsewhere.1.f"


def test_that_of_one_that_does_nothing_is_taken_in_the_end(lock, held_by, monkeypatch):
    files, said = held_by("elsewhere.1.f"), []
    clock = [0.0]

    def sleep(_):
        clock[0] += 100.0
        if clock[0] == 500.0:  # It does something, and the time begins anew.
            (files / "part").write_text("xy")
        (files / "part").stat()

    monkeypatch.setattr(hub_lock.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(hub_lock.time, "sleep", sleep)
    with lock.held(never, said.append) as is_held:
        assert is_held
        assert clock[0] == 1200.0
    assert said[1:] == ["the download of elsewhere.1.f has stopped: it begins again"]
    assert files.exists()  # It may live.


def test_a_place_that_cannot_be_written(tmp_path):
    lock = HubLock(tmp_path / "nowhere" / "sha1", UID)
    refused = pytest.raises(errors.DestinationError, match=r"sha1\.lock cannot be written")
    with refused, lock.held(never, print):
        pass


def test_one_that_goes_while_it_is_looked_at(lock, tmp_path, monkeypatch):
    (tmp_path / "sha1.lock").write_text("elsewhere.1.f")
    read = HubLock.read

    def vanish(self):
        pathlib.Path(tmp_path / "sha1.lock").unlink(missing_ok=True)
        monkeypatch.setattr(HubLock, "read", read)
        return read(self)

    monkeypatch.setattr(HubLock, "read", vanish)
    with lock.held(never, print) as is_held:
        assert is_held
