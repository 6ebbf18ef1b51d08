import gzip
import io
import zlib

import pytest

from converter import errors, limits
from converter.sources.byte_stream import ByteStream, inflate, read_plain

DATA = bytes(range(256)) * 9999


def stream(data, step=1000, check=lambda _: None):
    blocks = (memoryview(data[i : i + step]) for i in range(0, len(data), step))
    return ByteStream(blocks, check)


def inflated(data):
    seen = []
    out = b"".join(inflate(io.BytesIO(data), lambda block: seen.append(bytes(block))))
    assert b"".join(seen) == data
    return out


def test_reading_forward():
    one = stream(DATA)
    assert one.peek()[:3] == DATA[:3]
    assert one.read(5) == one.last_read == DATA[:5]
    assert one.seek(2500) == one.tell() == 2500
    assert b"".join(bytes(piece) for piece in one.pieces(3000)) == DATA[2500:5500]
    assert one.read(0) == b""
    one.seek(len(DATA) + 99)
    assert (one.tell(), one.read(1), bytes(one.peek())) == (len(DATA), b"", b"")


def test_not_backward():
    one = stream(DATA)
    one.read(5)
    with pytest.raises(errors.FormatError, match="overlaps another"):
        one.seek(4)


@pytest.mark.parametrize("size", [-1, limits.MAX_MEMBER_HEADER_BYTES + 1])
def test_not_all_at_once(size):
    with pytest.raises(errors.FormatError, match="a header of more"):
        stream(DATA).read(size)


def test_the_bytes_are_counted_before_they_are_read():
    counts = []
    stream(DATA, check=counts.append).seek(len(DATA))
    assert counts == [*range(1000, len(DATA), 1000), len(DATA)]


def test_zeros():
    assert stream(bytes(5000)).holds_only_zeros()
    assert stream(b"").holds_only_zeros()
    assert not stream(bytes(4999) + b"x").holds_only_zeros()


def test_plain_files_are_noted():
    seen = []
    blocks = read_plain(io.BytesIO(DATA), lambda block: seen.append(bytes(block)))
    assert b"".join(map(bytes, blocks)) == b"".join(seen) == DATA


def test_gzip_of_one_and_of_several_members():
    assert inflated(gzip.compress(DATA)) == DATA
    assert inflated(gzip.compress(DATA) + gzip.compress(b"more")) == DATA + b"more"


def test_zeros_may_follow_as_on_tapes():
    assert inflated(gzip.compress(DATA) + bytes(1 << 20)) == DATA


def test_a_member_that_ends_where_a_block_does(monkeypatch):
    data = gzip.compress(DATA)
    monkeypatch.setattr("converter.sources.byte_stream._PACKED_BLOCK_BYTES", len(data))
    assert inflated(data + gzip.compress(b"more")) == DATA + b"more"
    assert inflated(data + bytes(99)) == DATA


def test_blocks_are_small_however_well_they_compress():
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    data = compressor.compress(bytes(1 << 24)) + compressor.flush()
    assert max(map(len, inflate(io.BytesIO(data), lambda _: None))) <= 1 << 20


@pytest.mark.parametrize("cut", [5, 15, 100, -1, -8])
def test_cut_off(cut):
    with pytest.raises(errors.FormatError, match="cut off"):
        inflated(gzip.compress(DATA)[:cut])


def test_damaged():
    data = bytearray(gzip.compress(DATA))
    data[-5] ^= 1
    with pytest.raises(errors.FormatError, match="incorrect data check"):
        inflated(bytes(data))
    with pytest.raises(errors.FormatError, match="other data follow"):
        inflated(gzip.compress(DATA) + b"\0" * 600000 + b"x")
