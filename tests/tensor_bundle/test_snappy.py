import contextlib

import pytest
from checkpoint_files import compress
from hypothesis import given, settings
from hypothesis import strategies as st

from converter.tensor_bundle.snappy import decompress

_LARGE = 1 << 20


@pytest.mark.parametrize(
    ("data", "compressed"),
    [
        (b"", "00"),
        (b"a", "010061"),
        (b"abc" * 24, "4808616263fe03000503"),
        (bytes(100), "640000fe01008a0100"),
        (
            b"layer_1/kernel layer_2/kernel layer_13/bias",
            "2b386c617965725f312f6b65726e656c20090f0032360f001831332f62696173",
        ),
    ],
)
def test_blocks_of_another_library(data, compressed):
    """Source: `cramjam.snappy.compress_raw` of cramjam 2.14.0, which is snap of Rust."""
    assert decompress(bytes.fromhex(compressed), _LARGE) == data


@settings(max_examples=300)
@given(st.lists(st.sampled_from([b"a", b"kernel", b"\0" * 9, bytes(range(70))]), max_size=60))
def test_what_is_compressed_is_decompressed(parts):
    data = b"".join(parts)
    assert decompress(compress(data), len(data)) == data


@pytest.mark.parametrize("size", [61, 257, 70_000])
def test_long_literals_and_far_copies(size):
    data = b"".join(i.to_bytes(3, "big") for i in range(size // 3))
    data += b"\xff" * 4 + data[:90]
    assert decompress(compress(data), len(data)) == data


def test_a_copy_from_beyond_two_bytes():
    numbers = range(1 << 20, (1 << 20) + 20_000)
    far = b"\1" * 4 + b"".join(i.to_bytes(4, "big") for i in numbers)
    block = compress(far + b"\1" * 4)
    assert decompress(block, _LARGE) == far + b"\1" * 4
    assert block[-5:] == bytes([3 << 2 | 3]) + (len(far)).to_bytes(4, "little")


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (b"", "size does not end"),
        (b"\xff" * 6, "size does not end"),
        (b"\x01", "another size"),
        (b"\x01\x04ab", "another size"),
        (b"\x03\x08ab", "literal ends after"),
        (b"\x03\xf0", "literal ends after"),
        (b"\x05\x00a\x01\x00", "copy is not of what"),
        (b"\x05\x00a\x01\x02", "copy is not of what"),
        (b"\x05\x00a\x01", "copy is not of what"),
        (b"\x05\x00a\x0e\x01", "copy is not of what"),
        (b"\x05" + b"\x00a" * 30, "5 bytes decompressed, and 61 compressed"),
        (b"\xff\xff\xff\xff\x0f", "4294967295 bytes decompressed, expected 1048576 or fewer"),
    ],
)
def test_damaged_blocks(block, message):
    with pytest.raises(ValueError, match=message):
        decompress(block, _LARGE)


@settings(max_examples=500)
@given(st.binary(max_size=60))
def test_any_bytes_are_decompressed_or_refused(block):
    with contextlib.suppress(ValueError):
        assert len(decompress(block, 1000)) <= 1000
