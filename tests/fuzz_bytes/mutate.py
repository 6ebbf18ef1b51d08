"""Random changes of bytes, without a library."""

import random
import re
from collections.abc import Sequence

# What lengths, offsets and counts are compared with.
_NUMBERS = (
    b"\0", b"\x7f", b"\xff", b"\xff\xff", b"\0\0\0\x80", b"\xff" * 4, b"\xff" * 8,
    b"\xff" * 4 + b"\x0f", b"\xff" * 9 + b"\x01", b"\x80" * 12, b"-1", b"0", b"1e400", b"9" * 19,
    b"9" * 400, b"null", b"[[", b"{", b'"', b"\n", b" ", b"\xc3", b"\xed\xa0\x80", b"\\u0000",
    b"\\ud800",
)  # fmt: skip
_MOST_CHANGES = 5
# Python's stack ends at a thousand calls.
_DEPTHS = (100, 400, 900, 5000)
# Of JSON, TOML, and protobuf as text.
_VALUE = re.compile(rb'(?<=[:=])\s*("[^"]*"|[\w.+-]+|\[\]|\{\})')


def mutate(data: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """Changes some places of `data`; parts of `others` are mixed in."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, _MOST_CHANGES)):
        rng.choice(_CHANGES)(changed, others, rng)
    return bytes(changed)


def _place(data, rng, longest=16):
    start = rng.randint(0, len(data))
    return slice(start, start + rng.randint(1, longest))


def _flip(data, _, rng):
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _overwrite(data, _, rng):
    number = rng.choice(_NUMBERS)
    start = rng.randint(0, len(data))
    data[start : start + len(number)] = number


def _insert(data, _, rng):
    start = rng.randint(0, len(data))
    data[start:start] = rng.choice((*_NUMBERS, rng.randbytes(4)))


def _delete(data, _, rng):
    del data[_place(data, rng)]


def _truncate(data, _, rng):
    del data[rng.randint(0, len(data)) :]


def _repeat(data, _, rng):
    place = _place(data, rng, longest=64)
    data[place.start : place.start] = data[place] * rng.choice((1, 2, 50))


def _splice(data, others, rng):
    other = rng.choice(others)
    start = rng.randint(0, len(data))
    data[start : start + rng.randint(0, 64)] = other[_place(other, rng, longest=256)]


def _nest(data, _, rng):
    """Puts lists or objects of some depth in the place of a value."""
    opening, closing = rng.choice(((b"[", b"]"), (b'{"a":', b"}")))
    depth = rng.choice(_DEPTHS)
    values = [match.span() for match in _VALUE.finditer(data)]
    start, end = rng.choice(values or [(0, 0)])
    data[start:end] = opening * depth + b"1" + closing * depth


# The first is the most frequent, since it keeps the structure.
_CHANGES = (
    _flip, _flip, _flip, _overwrite, _overwrite, _insert, _delete, _truncate, _repeat, _splice,
    _nest,
)  # fmt: skip
