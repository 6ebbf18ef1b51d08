"""Numbers in words."""

import pytest

from converter.page import formatting


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0.0 s"), (0.44, "0.4 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"),
        (59.6, "1:00 min"), (185, "3:05 min"), (3599.7, "1:00 h"), (7260, "2:01 h"),
        (3_600_000, "1,000:00 h"),
    ],
)  # fmt: skip
def test_durations(seconds, expected):
    assert formatting.format_seconds(seconds) == expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (10 << 10, "10 KiB"),
        (4_400_000, "4.2 MiB"), (1 << 40, "1.0 TiB"), (1 << 62, "4,096 PiB"),
    ],
)  # fmt: skip
def test_sizes(size, expected):
    assert formatting.format_bytes(size) == expected


@pytest.mark.parametrize("seconds", [0, -1, 1e300, float("nan"), 253_402_300_800])
def test_what_is_no_date_is_empty(seconds):
    assert formatting.format_time(seconds) == ""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0"), (3.14e-7, "3.1e-7"), (0.25, "0.25"), (1.44, "1.4"), (150.2, "150"),
        (2.5e12, "2.5e+12"), (float("inf"), "infinite"), (float("nan"), "not a number"),
    ],
)  # fmt: skip
def test_differences(value, expected):
    assert formatting.format_error(value) == expected


def test_dates_and_counts():
    assert formatting.format_time(1_700_000_000) == "2023-11-14 22:13:20 UTC"
    assert formatting.format_time(253_402_300_799) == "9999-12-31 23:59:59 UTC"
    assert formatting.format_number(12345) == "12,345"
