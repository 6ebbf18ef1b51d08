import os

import pytest

from converter import errors
from converter.files.bounded_read import read_bounded


def test_a_file_of_the_largest_size_is_read(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    assert read_bounded(tmp_path / "file", 3, "it") == b"abc"


def test_a_larger_file_is_not_read(tmp_path):
    (tmp_path / "file").touch()
    os.truncate(tmp_path / "file", 3 << 30)
    with pytest.raises(errors.FormatError, match="it has 3,221,225,472 bytes, expected 100 or"):
        read_bounded(tmp_path / "file", 100, "it")


def test_remote_files_too(remote):
    (remote / "file").write_bytes(b"abc")
    assert read_bounded(remote / "file", 3, "it") == b"abc"
    with pytest.raises(errors.FormatError, match="it has 3 bytes, expected 2 or fewer"):
        read_bounded(remote / "file", 2, "it")
