"""A file is the old one or the new one."""

import pytest

from converter.files.replacing import replacing


def test_it_replaces_what_is_there(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with replacing(path) as file:
        file.write(b"new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_what_was_there(tmp_path):
    path = tmp_path / "file"
    with pytest.raises(OSError, match="full"), replacing(path):
        raise OSError("the disk is full")
    assert list(tmp_path.iterdir()) == []
