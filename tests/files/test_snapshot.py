"""A snapshot shows every change that git's index would."""

import os

import pytest

from converter import errors
from converter.files.snapshot import Snapshot, SourceGuard, take_snapshot


@pytest.fixture
def module(tmp_path):
    root = tmp_path / "module"
    (root / "variables").mkdir(parents=True)
    (root / "a").write_text("one")
    (root / "variables/b").write_text("two!")
    return root


def change_content(root):
    (root / "a").write_text("longer")


def touch(root):
    os.utime(root / "variables/b", ns=(1, 1))


def replace(root):
    times = (root / "a").stat()
    (root / "new").write_text("eno")
    os.utime(root / "new", ns=(times.st_atime_ns, times.st_mtime_ns))
    (root / "new").rename(root / "a")


def rename(root):
    (root / "a").rename(root / "c")


def add(root):
    (root / "c").write_text("")


def remove(root):
    (root / "a").unlink()


@pytest.mark.parametrize("change", [change_content, touch, replace, rename, add, remove])
def test_it_sees(module, change):
    before = take_snapshot(module)
    change(module)
    assert take_snapshot(module).stat_digest != before.stat_digest


def test_it_does_not_see_what_changes_nothing(module, tmp_path):
    before = take_snapshot(module)
    (module / "a").chmod(0o600)
    os.link(module / "a", tmp_path / "link")
    module.rename(tmp_path / "moved")
    assert take_snapshot(tmp_path / "moved") == before


def test_it_adds_up_the_sizes(module):
    assert take_snapshot(module).size_bytes == 7
    assert take_snapshot(module / "a").size_bytes == 3


def test_a_file_a_dead_link_and_nothing_have_signatures_of_their_own(module, tmp_path):
    nothing = take_snapshot(tmp_path / "nowhere")
    (tmp_path / "dead").symlink_to("nowhere")
    (module / "dead").symlink_to("nowhere")
    looks = {take_snapshot(p).stat_digest for p in (module, module / "a", tmp_path / "dead")}
    assert len(looks | {nothing.stat_digest}) == 4
    assert nothing == Snapshot(nothing.stat_digest, 0)


# The guard of a source.


def overwrite(root):
    """Keeps size, inode and modification time, as git's index cannot see."""
    before = (root / "a").stat()
    with (root / "a").open("r+") as file:
        file.write("eno")
    os.utime(root / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert take_snapshot(root / "a").size_bytes == 3


def add(root):
    (root / "variables/new").touch()


def remove(root):
    (root / "a").unlink()


def write_through_a_link(root):
    (root / "a").unlink()
    (root / "a").symlink_to("variables/b")


@pytest.mark.parametrize(
    "change",
    [change_content, touch, replace, overwrite, add, remove, write_through_a_link],
    ids=lambda change: change.__name__,
)
def test_a_guard_sees_every_change_at_once(module, change):
    guard = SourceGuard(module)
    guard.check()
    change(module)
    with pytest.raises(errors.FormatError, match="changed while it was converted"):
        guard.check()


def test_a_guard_sees_a_change_in_the_tick_of_the_one_before(module):
    for _ in range(20):
        (module / "a").write_text("one")
        guard = SourceGuard(module)
        overwrite(module)
        with pytest.raises(errors.FormatError):
            guard.check()


def test_reading_and_linking_are_no_changes(module, tmp_path):
    guard = SourceGuard(module)
    (module / "a").read_text()
    os.link(module / "a", tmp_path / "link")
    guard.check()


def test_a_guard_of_nothing_is_content_until_there_is_something(tmp_path):
    guard = SourceGuard(tmp_path / "nowhere")
    guard.check()
    (tmp_path / "nowhere").mkdir()
    (tmp_path / "nowhere/file").touch()
    with pytest.raises(errors.FormatError):
        guard.check()


def test_remote_files_are_guarded(remote):
    (remote / "a").write_bytes(b"one")
    guard = SourceGuard(remote)
    guard.check()
    (remote / "a").write_bytes(b"longer")
    with pytest.raises(errors.FormatError):
        guard.check()
    SourceGuard(remote / "nowhere").check()


def test_folders_that_are_nested_deeper_than_the_stack(module, nest_folders):
    nest_folders(module, 1500)
    assert take_snapshot(module).size_bytes == 7
    with pytest.raises(errors.FormatError, match="more than 64 folders"):
        SourceGuard(module)


@pytest.mark.parametrize("name", ["a" * 5000, "a/" * 3000, "a\0b"])
def test_a_name_that_no_file_can_have_is_one_that_does_not_exist(name, tmp_path):
    assert take_snapshot(tmp_path / name) == take_snapshot(tmp_path / "nowhere")
