"""A look sees every change that git's index would."""

import os

import pytest

from converter.migration.signature import Look, look_at


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
    before = look_at(module)
    change(module)
    assert look_at(module).signature != before.signature


def test_it_does_not_see_what_changes_nothing(module, tmp_path):
    before = look_at(module)
    (module / "a").chmod(0o600)
    os.link(module / "a", tmp_path / "link")
    module.rename(tmp_path / "moved")
    assert look_at(tmp_path / "moved") == before


def test_it_adds_up_the_sizes(module):
    assert look_at(module).size_bytes == 7
    assert look_at(module / "a").size_bytes == 3


def test_a_file_a_dead_link_and_nothing_have_signatures_of_their_own(module, tmp_path):
    nothing = look_at(tmp_path / "nowhere")
    (tmp_path / "dead").symlink_to("nowhere")
    (module / "dead").symlink_to("nowhere")
    looks = {look_at(p).signature for p in (module, module / "a", tmp_path / "dead")}
    assert len(looks | {nothing.signature}) == 4
    assert nothing == Look(nothing.signature, 0)
