"""Copies of data files, and new ones."""

import dataclasses
import errno
import itertools
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converter import errors
from converter.files.paths import RemotePath
from converter.tensor_bundle import shards
from converter.tensor_bundle.checkpoint_index import Entry
from converter.tensor_bundle.shards import ShardWriter, copy_shard
from converter.tensor_bundle.tensor_bytes import make_checksum


def _entry(data, start, end, dtype=4):
    entry = Entry(dtype, (end - start,), 0, start, end - start)
    checksum = make_checksum(entry)
    checksum.update(memoryview(data[start:end]))
    return dataclasses.replace(entry, checksum=checksum.value())


def _copy(source, destination, entries, *, hardlink=False, number=0, advance=lambda _: None):
    owners = {entry: f"v{i}" for i, entry in enumerate(entries)}
    return copy_shard(
        source,
        os.stat(source).st_size,
        destination,
        owners,
        number=number,
        hardlink=hardlink,
        advance=advance,
    )


@pytest.fixture(params=["kernel", "user", "clone", "direct"])
def way(request, monkeypatch):
    """The ways of copying: by the kernel, by reading and writing, shared blocks, no page cache."""
    if request.param == "direct":
        monkeypatch.setattr(shards, "_DIRECT_FROM_BYTES", 0)
        monkeypatch.delattr(os, "copy_file_range", raising=False)
    if request.param == "user":
        monkeypatch.delattr(os, "copy_file_range", raising=False)
    if request.param == "clone":

        def clone(out, _, file):
            os.copy_file_range(file, out, os.fstat(file).st_size, offset_src=0)

        monkeypatch.setattr(shards.fcntl, "ioctl", clone)
    return request.param


@pytest.fixture
def data(tmp_path):
    content = np.random.default_rng(0).bytes(3_000_000)
    (tmp_path / "source").write_bytes(content)
    return content


@pytest.mark.usefixtures("way")
def test_a_whole_file(data, tmp_path):
    entries = [_entry(data, 0, 1_500_000), _entry(data, 1_500_000, 2_999_000)]
    seen = []
    copied = _copy(tmp_path / "source", tmp_path / "out", entries, number=3, advance=seen.append)
    assert (tmp_path / "out").read_bytes() == data
    assert sum(seen) == len(data)
    assert copied.link is None
    assert [copied.entries[e] for e in entries] == [
        dataclasses.replace(e, shard=3) for e in entries
    ]


@pytest.mark.usefixtures("way")
def test_what_nobody_owns_is_dropped_when_it_is_much(data, tmp_path):
    entries = [_entry(data, 10, 1_000_000), _entry(data, 2_000_000, 2_900_000)]
    copied = _copy(tmp_path / "source", tmp_path / "out", entries)
    content = (tmp_path / "out").read_bytes()
    assert len(content) == 1_899_990
    for old, new in copied.entries.items():
        assert content[new.offset : new.end] == data[old.offset : old.end]


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("position", [0, 700_000, 1_499_999, 1_500_000, 2_998_999])
def test_a_damaged_byte_names_the_variable(position, data, tmp_path):
    entries = [_entry(data, 0, 1_500_000), _entry(data, 1_500_000, 2_999_000)]
    damaged = bytearray(data)
    damaged[position] ^= 1
    (tmp_path / "source").write_bytes(damaged)
    with pytest.raises(errors.WeightsError, match=f"'v{position // 1_500_000}' is damaged"):
        _copy(tmp_path / "source", tmp_path / "out", entries)


def test_values_without_bytes_have_checksums_too(data, tmp_path):
    whole, empty = _entry(data, 0, 3_000_000), _entry(data, 3_000_000, 3_000_000)
    copied = _copy(tmp_path / "source", tmp_path / "out", [whole, empty])
    assert copied.entries[empty].size == 0
    wrong = dataclasses.replace(empty, checksum=empty.checksum ^ 1)
    with pytest.raises(errors.WeightsError, match="'v1' is damaged"):
        _copy(tmp_path / "source", tmp_path / "other", [whole, wrong])


def test_a_damaged_byte_that_nobody_owns_does_no_harm(data, tmp_path):
    damaged = bytearray(data)
    damaged[-1] ^= 1
    (tmp_path / "source").write_bytes(damaged)
    _copy(tmp_path / "source", tmp_path / "out", [_entry(data, 0, 2_999_000)])


def test_links(data, tmp_path):
    entries = [_entry(data, 0, 100)]
    copied = _copy(tmp_path / "source", tmp_path / "out", entries, hardlink=True)
    assert copied.link is not None
    assert os.path.samefile(tmp_path / "source", tmp_path / "out")
    assert copied.entries[entries[0]].offset == 0


def test_links_are_verified(data, tmp_path):
    wrong = dataclasses.replace(_entry(data, 0, 100), checksum=7)
    with pytest.raises(errors.WeightsError, match="damaged"):
        _copy(tmp_path / "source", tmp_path / "out", [wrong], hardlink=True)


def test_links_to_links_are_to_the_file(data, tmp_path):
    (tmp_path / "link").symlink_to("source")
    _copy(tmp_path / "link", tmp_path / "out", [_entry(data, 0, 100)], hardlink=True)
    assert not (tmp_path / "out").is_symlink()
    assert os.path.samefile(tmp_path / "source", tmp_path / "out")


def test_where_there_are_no_links_all_of_it_is_copied(data, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EXDEV, "another filesystem")

    monkeypatch.setattr(os, "link", refuse)
    copied = _copy(tmp_path / "source", tmp_path / "out", [_entry(data, 0, 100)], hardlink=True)
    assert copied.link is None
    assert (tmp_path / "out").read_bytes() == data


@pytest.mark.parametrize("code", [errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP])
def test_what_the_kernel_cannot_copy_is_copied_here(code, data, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(code, "not here")

    monkeypatch.setattr(os, "copy_file_range", refuse)
    _copy(tmp_path / "source", tmp_path / "out", [_entry(data, 0, 3_000_000)])
    assert (tmp_path / "out").read_bytes() == data


def test_a_full_disk_is_an_error(data, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "copy_file_range", refuse)
    with pytest.raises(OSError, match="No space left"):
        _copy(tmp_path / "source", tmp_path / "out", [_entry(data, 0, 3_000_000)])


def test_a_copy_that_the_kernel_leaves_off_is_an_error(data, tmp_path, monkeypatch):
    """All the bytes were read and are right; those that were written are too few."""
    copy, sizes = os.copy_file_range, itertools.chain([1_000_000], itertools.repeat(0))

    def leave_off(file, out, _, *, offset_src):
        return copy(file, out, size, offset_src=offset_src) if (size := next(sizes)) else 0

    monkeypatch.setattr(shards, "_KERNEL_BLOCK_BYTES", 1_000_000)
    monkeypatch.setattr(os, "copy_file_range", leave_off)
    with pytest.raises(OSError, match="ended early"):
        _copy(tmp_path / "source", tmp_path / "out", [_entry(data, 0, 3_000_000)])


def test_overlapping_values_are_refused(data, tmp_path):
    entries = [_entry(data, 0, 100), _entry(data, 50, 200)]
    with pytest.raises(errors.WeightsError, match="'v0' and 'v1' overlap"):
        _copy(tmp_path / "source", tmp_path / "out", entries)


def test_empty_values(data, tmp_path):
    entries = [_entry(data, 50, 50), _entry(data, 100, 200), _entry(data, 300, 300)]
    copied = _copy(tmp_path / "source", tmp_path / "out", entries)
    assert set(copied.entries) == set(entries)
    wrong = dataclasses.replace(entries[0], checksum=1)
    with pytest.raises(errors.WeightsError, match="damaged"):
        _copy(tmp_path / "source", tmp_path / "out2", [wrong, entries[1]])


def test_a_file_that_became_shorter(data, tmp_path):
    entry = _entry(data, 0, 3_000_000)
    (tmp_path / "source").write_bytes(data[:-1])
    with pytest.raises(errors.WeightsError, match="damaged"):
        copy_shard(
            tmp_path / "source",
            len(data),
            tmp_path / "out",
            {entry: "v0"},
            number=0,
            hardlink=False,
            advance=lambda _: None,
        )


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=8), st.integers(1, 60))
def test_any_layout(tmp_path_factory, pieces, block):
    """Pieces, each after a gap, with blocks of any size."""
    directory = tmp_path_factory.mktemp("shards")
    position, places = 0, []
    for gap, size in pieces:
        places.append((position + gap, position + gap + size))
        position += gap + size
    content = np.random.default_rng(1).bytes(position + 5)
    (directory / "source").write_bytes(content)
    entries = [_entry(content, *place) for place in places]
    before = shards._BLOCK_BYTES
    shards._BLOCK_BYTES = block
    try:
        if not any(entry.size for entry in entries):
            return
        copied = _copy(directory / "source", directory / "out", entries)
    finally:
        shards._BLOCK_BYTES = before
    written = (directory / "out").read_bytes()
    assert copied.entries.keys() == set(entries)
    for old, new in copied.entries.items():
        assert written[new.offset : new.end] == content[old.offset : old.end]


def test_a_remote_copy(data, tmp_path):
    root = RemotePath("ram://shards/copy")
    root.mkdir()
    (root / "source").write_bytes(data)
    entry = _entry(data, 0, 3_000_000)
    for source, target in [(root / "source", root / "out"), (root / "source", tmp_path / "out")]:
        copy_shard(
            source, len(data), target, {entry: "v"}, number=0, hardlink=True, advance=lambda _: None
        )
        assert target.read_bytes() == data


def test_tensors_are_written_one_after_the_other(tmp_path):
    with ShardWriter(tmp_path / "shard", 2) as shard:
        one = shard.add(np.arange(3, dtype=np.int32), 3)
        other = shard.add(np.array([b"a", b"bc"], dtype=object), 7)
    assert (one.shard, one.offset, one.size, one.shape) == (2, 0, 12, (3,))
    assert (other.offset, other.size) == (12, 2 + 4 + 3)
    assert (tmp_path / "shard").read_bytes().endswith(b"abc")
