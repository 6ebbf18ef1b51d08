"""Filesystems that take `a` for `A`, as those of macOS and Windows do, made of links."""

import os

from converter.files.letter_case import tells_case_apart


def test_this_one_tells_them_apart(tmp_path):
    (tmp_path / "a").touch()
    assert tells_case_apart(tmp_path)
    (tmp_path / "A").touch()
    assert tells_case_apart(tmp_path)


def test_one_that_does_not(tmp_path):
    (tmp_path / ".tf1hub").mkdir()
    (tmp_path / ".TF1HUB").symlink_to(".tf1hub")
    assert not tells_case_apart(tmp_path)


def test_a_folder_that_is_not_there_or_empty_is_like_the_one_above(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "A").symlink_to("a")
    assert not tells_case_apart(tmp_path / "a")
    assert not tells_case_apart(tmp_path / "new" / "deeper")


def test_another_filesystem_above_says_nothing(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "A").symlink_to("a")
    monkeypatch.setattr(os.path, "ismount", lambda place: place == tmp_path / "a")
    assert tells_case_apart(tmp_path / "a")


def test_a_folder_that_may_not_be_listed(tmp_path, monkeypatch):
    def deny(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", deny)
    assert tells_case_apart(tmp_path)
