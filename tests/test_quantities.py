"""Numbers with their units, and counts with their nouns."""

import pytest

from converter import quantities


@pytest.mark.parametrize(
    ("number", "expected"), [(0, "0 modules"), (1, "1 module"), (2, "2 modules"),
                             (12345, "12,345 modules")],
)  # fmt: skip
def test_counts(number, expected):
    assert quantities.count(number, "module") == expected


def test_a_plural_may_have_another_ending():
    assert quantities.count(2, "loss", "es") == "2 losses"
    assert quantities.count(1, "loss", "es") == "1 loss"


@pytest.mark.parametrize(
    ("size", "expected"), [(0, "0 bytes"), (1, "1 byte"), (2, "2 bytes"), (3 << 29, "1.5 GiB")]
)
def test_sizes(size, expected):
    assert quantities.format_bytes(size) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.2, "0 s left"), (42.4, "42 s left"), (185, "3:05 min left"), (7260, "2:01 h left")],
)
def test_times_left_are_no_finer_than_a_second(seconds, expected):
    assert quantities.format_time_left(seconds) == expected
