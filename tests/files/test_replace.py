"""Replacing a directory: whatever happens, the old version or the new one, whole."""

import contextlib
import errno
import os
import pathlib
import subprocess
import sys

import pytest

from converter.files import replace
from converter.files.replace import exchange, put_in_place
from converter.files.scratch import clear, scratch_folder, sweep

_KILLED = """\
import os, pathlib, signal, sys
from converter.files import replace, staging
from converter.files.scratch import scratch_folder

place, calls, after = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "after"
rename = pathlib.Path.rename
replace.exchange = lambda one, other: False


def fatal(self, target):
    global calls
    calls -= 1
    if not calls and not after:
        os.kill(os.getpid(), signal.SIGKILL)
    try:
        return rename(self, target)
    finally:
        if not calls:
            os.kill(os.getpid(), signal.SIGKILL)


pathlib.Path.rename = fatal
with staging.staged(place, overwrite=True) as new:
    (new / "saved_model.pb").write_text("new")
    (new / "more").write_text("new")
"""


def _make(place, text):
    place.mkdir(parents=True)
    for name in ("saved_model.pb", "more"):
        (place / name).write_text(text)
    return place


def _version(place):
    """Returns the version at a path; fails for a mixture of versions, or a part of one."""
    texts = {path.read_text() for path in place.iterdir()}
    assert len(list(place.iterdir())) == 2
    assert len(texts) == 1
    return texts.pop()


@pytest.fixture(params=["exchange", "two steps"])
def way(request, monkeypatch):
    if request.param == "two steps":
        monkeypatch.setattr(replace, "exchange", lambda *_: False)
    return request.param


def test_this_system_exchanges(tmp_path):
    one, other = _make(tmp_path / "a", "one"), _make(tmp_path / "b", "other")
    assert exchange(one, other)
    assert (_version(one), _version(other)) == ("other", "one")


def test_what_cannot_be_exchanged_stays(tmp_path):
    one = _make(tmp_path / "a", "one")
    assert not exchange(one, tmp_path / "nowhere")
    assert _version(one) == "one"


def test_no_library_to_exchange_with_is_no_error(tmp_path, monkeypatch):
    monkeypatch.setattr(replace.ctypes, "CDLL", lambda _: object())
    put_in_place(_make(tmp_path / "s/new", "new"), _make(tmp_path / "d", "old"), overwrite=True)
    assert _version(tmp_path / "d") == "new"


@pytest.mark.usefixtures("way")
def test_it_replaces(tmp_path):
    old = _make(tmp_path / "d", "old")
    put_in_place(_make(tmp_path / "s/new", "new"), old, overwrite=True)
    assert _version(old) == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d", "s"]


@pytest.mark.usefixtures("way")
def test_a_link_is_replaced_and_not_what_it_leads_to(tmp_path):
    old = _make(tmp_path / "elsewhere", "old")
    (tmp_path / "d").symlink_to("elsewhere")
    put_in_place(_make(tmp_path / "s/new", "new"), tmp_path / "d", overwrite=True)
    assert (_version(tmp_path / "d"), _version(old)) == ("new", "old")
    assert not (tmp_path / "d").is_symlink()


@pytest.mark.usefixtures("way")
def test_an_empty_directory_is_replaced(tmp_path):
    (tmp_path / "d").mkdir()
    put_in_place(_make(tmp_path / "s/new", "new"), tmp_path / "d", overwrite=True)
    assert _version(tmp_path / "d") == "new"


def test_nothing_is_replaced_that_may_not_be(tmp_path):
    old = _make(tmp_path / "d", "old")
    with pytest.raises(OSError, match="not empty"):
        put_in_place(_make(tmp_path / "s/new", "new"), old, overwrite=False)
    assert _version(old) == "old"


class _Faults:
    """Fails before or after the n-th of all calls that change a directory or wait for the disk."""

    def __init__(self, monkeypatch, error, when, number):
        self.left, self._error, self._when = number, error, when
        for owner, name in ((pathlib.Path, "rename"), (pathlib.Path, "mkdir"), (os, "fsync"),
                            (replace, "exchange")):  # fmt: skip
            monkeypatch.setattr(owner, name, self._wrap(getattr(owner, name)))

    def _wrap(self, call):
        def faulty(*args, **kwargs):
            self.left -= 1
            if not self.left and self._when == "before":
                raise self._error
            result = call(*args, **kwargs)
            if not self.left:
                raise self._error
            return result

        return faulty


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "full")], ids=["^C", "full"]
)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("was_there", [True, False])
def test_a_fault_at_any_step_leaves_one_of_the_two(tmp_path, error, when, was_there):
    for number in range(1, 40):
        root = tmp_path / str(number)
        place = root / "d"
        if was_there:
            _make(place, "old")
        new = _make(root / "s/new", "new")
        with pytest.MonkeyPatch.context() as patched, contextlib.suppress(type(error)):
            faults = _Faults(patched, error, when, number)
            put_in_place(new, place, overwrite=True)
        if was_there or place.exists():
            assert _version(place) in ("old", "new")
        assert {path.name for path in root.iterdir()} <= {"d", "s"}
        if faults.left > 0:
            assert number > 5
            return
    pytest.fail("the steps have no end")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_at_any_step_leaves_one_of_the_two_and_the_next_run_sweeps(tmp_path, when):
    """Without an exchange, the old version may be aside until the sweep."""
    statuses = []
    for number in range(1, 6):
        place = _make(tmp_path / str(number) / "d", "old")
        command = [sys.executable, "-c", _KILLED, str(place), str(number), when]
        statuses.append(subprocess.run(command, check=False).returncode)
        sweep(place.parent, clear)
        assert _version(place) in ("old", "new")
        assert list(place.parent.iterdir()) == [place]
        if not statuses[-1]:
            break
    assert statuses == [-9, -9, -9, 0]


@pytest.mark.usefixtures("way")
def test_twins_that_come_between_are_replaced(tmp_path):
    new, place = _make(tmp_path / "s/new", "new"), _make(tmp_path / "d", "old")
    twins, rename = iter([_make(tmp_path / "twin", "twin")]), pathlib.Path.rename

    def be_slow(self, target):
        if self == new and not place.exists():
            for twin in twins:
                rename(twin, target)
        return rename(self, target)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pathlib.Path, "rename", be_slow)
        put_in_place(new, place, overwrite=True)
    assert _version(place) == "new"


def test_twins_without_end_are_an_error_that_leaves_the_last(tmp_path, monkeypatch):
    monkeypatch.setattr(replace, "exchange", lambda *_: False)
    new, place = _make(tmp_path / "s/new", "new"), _make(tmp_path / "d", "old")
    rename = pathlib.Path.rename

    def be_slow(self, target):
        if self == new and not place.exists():
            _make(place, "twin")
        return rename(self, target)

    monkeypatch.setattr(pathlib.Path, "rename", be_slow)
    with pytest.raises(OSError, match="not empty"):
        put_in_place(new, place, overwrite=True)
    assert _version(place) == "twin"


def test_all_of_it_is_on_the_disk_before_it_is_in_place(tmp_path, monkeypatch):
    new, seen, fsync = _make(tmp_path / "s/new", "new"), [], os.fsync

    def note(descriptor):
        seen.append((os.readlink(f"/proc/self/fd/{descriptor}"), (tmp_path / "d").exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    put_in_place(new, tmp_path / "d", overwrite=True)
    assert sorted(seen) == [
        (str(tmp_path), True), (str(new), False), (str(new / "more"), False),
        (str(new / "saved_model.pb"), False),
    ]  # fmt: skip


@pytest.mark.usefixtures("way")
def test_a_folder_of_another_is_not_in_the_way(tmp_path):
    with scratch_folder(tmp_path):
        put_in_place(_make(tmp_path / "s/new", "new"), _make(tmp_path / "d", "old"), overwrite=True)
    assert _version(tmp_path / "d") == "new"
