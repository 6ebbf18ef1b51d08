"""Files that are written past the page cache."""

import contextlib
import errno
import os

import numpy as np
import pytest

from converter.files import direct_file
from converter.files.direct_file import open_direct
from converter.files.paths import RemotePath

pytestmark = pytest.mark.skipif(not hasattr(os, "O_DIRECT"), reason="the system has no O_DIRECT")

PAGE = 4096


@pytest.fixture
def opened(tmp_path):
    """A file, or a skip on a filesystem without direct writes."""
    file = open_direct(tmp_path / "file")
    if file is None:
        pytest.skip("the filesystem has no direct writes")
    return file


@pytest.fixture(autouse=True)
def small_buffers(monkeypatch):
    monkeypatch.setattr(direct_file, "_BUFFER_BYTES", 4 * PAGE)


def _write(file, content, block_bytes):
    with file as out:
        for start in range(0, len(content), block_bytes):
            block = memoryview(content)[start : start + block_bytes]
            assert out.write(block) == len(block)


@pytest.mark.parametrize("size", [0, 1, PAGE, 4 * PAGE, 8 * PAGE, 9 * PAGE + 5, 100_003])
@pytest.mark.parametrize("block_bytes", [777, PAGE, 70_000])
def test_it_holds_what_was_written(size, block_bytes, tmp_path):
    content = np.random.default_rng(size).bytes(size)
    file = open_direct(tmp_path / "file")
    if file is None:
        pytest.skip("the filesystem has no direct writes")
    _write(file, content, block_bytes)
    assert (tmp_path / "file").read_bytes() == content


def test_writes_may_be_short_or_refused(opened, tmp_path, monkeypatch):
    write, calls = os.write, []

    def write_little(descriptor, block):
        flags = direct_file.fcntl.fcntl(descriptor, direct_file.fcntl.F_GETFL)
        calls.append(bool(flags & os.O_DIRECT))
        if len(calls) == 2:
            raise OSError(errno.EINVAL, "not like this")
        return write(descriptor, block[:PAGE])

    monkeypatch.setattr(os, "write", write_little)
    content = np.random.default_rng(0).bytes(6 * PAGE)
    _write(opened, content, PAGE)
    assert (tmp_path / "file").read_bytes() == content
    assert calls == [True, True, *[False] * 5]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EINVAL])
def test_what_cannot_be_written_is_an_error(code, opened, monkeypatch):
    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "write", refuse)
    with pytest.raises(OSError, match=os.strerror(code)):
        _write(opened, bytes(20 * PAGE), PAGE)


def test_an_interrupt_closes_it(opened):
    descriptor = opened._descriptor
    with contextlib.suppress(KeyboardInterrupt), opened as out:
        out.write(memoryview(bytes(9 * PAGE)))
        raise KeyboardInterrupt
    with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
        os.fstat(descriptor)


def test_none_because_the_filesystem_refuses(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EINVAL, "no direct writes")

    monkeypatch.setattr(os, "open", refuse)
    assert open_direct(tmp_path / "file") is None


def test_none_because_the_path_is_remote():
    assert open_direct(RemotePath("ram://file")) is None


def test_none_because_the_system_has_none(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "O_DIRECT")
    assert open_direct(tmp_path / "file") is None


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_direct(tmp_path / "none" / "file")
