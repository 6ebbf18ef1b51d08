"""Formats numbers with their units, and counts with their nouns."""

from __future__ import annotations

_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB")


def format_bytes(size: float) -> str:
    """Formats a size: `1 byte`, `512 bytes`, `4.2 MiB`, `120 GiB`."""
    if size < 1024:
        return f"{size:.0f} byte{'' if size == 1 else 's'}"
    for unit in _UNITS:
        size /= 1024
        if size < 1024 or unit == _UNITS[-1]:
            break
    return f"{size:,.1f} {unit}" if size < 9.95 else f"{size:,.0f} {unit}"


def format_seconds(seconds: float) -> str:
    """Formats a duration: `0.4 s`, `42 s`, `3:05 min`, `2:00 h`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02} min"
    return f"{minutes // 60:,}:{minutes % 60:02} h"


def format_time_left(seconds: float) -> str:
    """Formats a time that is only estimated: `0 s left`, `42 s left`, `3:05 min left`."""
    return f"{seconds:.0f} s left" if seconds < 59.5 else f"{format_seconds(seconds)} left"


def count(number: int, noun: str, plural: str = "s") -> str:
    """Formats a number of things: `1 variable`, `2 variables`, `12,000 variables`.

    Args:
      number: How many there are.
      noun: The noun in the singular.
      plural: The ending of the plural.
    """
    return f"{number:,} {noun}{'' if number == 1 else plural}"
