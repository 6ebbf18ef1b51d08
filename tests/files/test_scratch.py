"""Scratch folders: swept when nobody needs them, and never before."""

import os
import pathlib
import subprocess
import sys

import pytest

from converter.files import scratch
from converter.files.scratch import (
    ASIDE,
    clear,
    folder_beside,
    is_abandoned,
    scratch_folder,
    scratch_name,
    sweep,
)


@pytest.fixture
def free_number():
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    process.wait()
    return process.pid


def _named(number, *, machine=None, boot=None):
    _, here, now, _, rest = scratch_name().split("-")
    return "-".join([".tf1hub", machine or here, boot or now, str(number), rest])


def test_it_goes_with_its_block(tmp_path):
    with scratch_folder(tmp_path) as folder:
        (folder / "file").touch()
        assert list(tmp_path.iterdir()) == [folder]
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not list(tmp_path.iterdir())


def test_a_folder_beside_a_destination_is_made_and_removed_if_it_stays_empty(tmp_path):
    with folder_beside(tmp_path / "new" / "deep" / "out") as folder:
        assert folder == tmp_path / "new" / "deep"
        assert folder.is_dir()
    assert not (tmp_path / "new").exists()
    (tmp_path / "old").mkdir()
    with folder_beside(tmp_path / "old" / "out") as folder:
        assert folder == tmp_path / "old"
    assert folder.is_dir()
    with folder_beside(tmp_path / "new" / "out") as folder:
        (folder / "out").touch()
    assert (folder / "out").exists()


def test_there_is_no_folder_beside_what_is_remote(remote):
    for destination in (None, remote / "out"):
        with folder_beside(destination) as folder:
            assert folder is None


def test_no_two_have_the_same_name(tmp_path):
    with scratch_folder(tmp_path) as one, scratch_folder(tmp_path) as other:
        assert one != other


def test_a_living_process_keeps_what_it_made():
    assert not is_abandoned(scratch_name())
    assert not is_abandoned(_named(1))


def test_a_process_that_has_ended_does_not(free_number):
    assert is_abandoned(_named(free_number))


def test_none_of_an_earlier_boot_lives():
    assert is_abandoned(_named(os.getpid(), boot="0" * 12))


@pytest.mark.parametrize("boot", [None, "0" * 12])
def test_other_machines_keep_theirs(free_number, boot):
    assert not is_abandoned(_named(free_number, machine="0" * 12, boot=boot))


def test_other_names_say_nothing():
    for name in ("", "model", ".model.abcd", ".tf1hub", ".tf1hub-0-0-1-x", "x" + scratch_name()):
        assert not is_abandoned(name)


def test_a_container_is_another_machine(monkeypatch, free_number):
    before = _named(free_number)
    monkeypatch.setattr(scratch, "_PROCESSES", pathlib.Path("/proc/self/ns/mnt"))
    scratch._identify_machine.cache_clear()
    try:
        assert not is_abandoned(before)
    finally:
        scratch._identify_machine.cache_clear()


def test_a_sweep_takes_what_is_abandoned_and_nothing_else(tmp_path, free_number):
    (tmp_path / _named(free_number) / "new").mkdir(parents=True)
    (tmp_path / _named(free_number, machine="0" * 12)).mkdir()
    (tmp_path / "model").mkdir()
    with scratch_folder(tmp_path):
        kept = {path.name for path in tmp_path.iterdir()} - {_named(free_number)}
        before = len(list(tmp_path.iterdir()))
        sweep(tmp_path, clear)
        left = {path.name for path in tmp_path.iterdir()}
        assert len(left) == before - 1
        assert left <= kept


def test_a_sweep_follows_no_link(tmp_path, free_number):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/file").touch()
    (tmp_path / _named(free_number)).symlink_to("precious")
    sweep(tmp_path, clear)
    assert (tmp_path / "precious/file").exists()


def test_a_sweep_leaves_what_another_user_made(tmp_path, free_number, monkeypatch):
    (tmp_path / _named(free_number)).mkdir()
    monkeypatch.setattr(os, "getuid", lambda: os.geteuid() + 1)
    sweep(tmp_path, clear)
    assert list(tmp_path.iterdir())


def test_a_sweep_of_what_is_not_there_does_nothing(tmp_path):
    sweep(tmp_path / "nowhere", clear)


def test_what_is_aside_comes_back(tmp_path, free_number):
    old = tmp_path / _named(free_number) / ASIDE / "model"
    old.mkdir(parents=True)
    (old / "file").touch()
    sweep(tmp_path, clear)
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == [
        "model", "model/file",
    ]  # fmt: skip


def test_what_is_aside_goes_where_it_has_a_successor(tmp_path, free_number):
    (tmp_path / _named(free_number) / ASIDE / "model").mkdir(parents=True)
    (tmp_path / "model").mkdir()
    (tmp_path / "model/new").touch()
    sweep(tmp_path, clear)
    assert [path.name for path in tmp_path.rglob("*")] == ["model", "new"]


def test_what_cannot_come_back_is_kept_and_the_error_says_where(tmp_path, monkeypatch):
    def refuse(self, target):
        raise OSError(1, f"not from {self.name} to {target.name}")

    (tmp_path / "scratch" / ASIDE / "model").mkdir(parents=True)
    monkeypatch.setattr(pathlib.Path, "rename", refuse)
    with pytest.raises(OSError, match=r"to model; what was there is in .*/aside/model"):
        clear(tmp_path / "scratch")
    assert (tmp_path / "scratch" / ASIDE / "model").is_dir()
