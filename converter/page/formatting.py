"""Formats numbers for the page; `web/text.js` does the same in the browser."""

from __future__ import annotations

import datetime
import math

from converter.quantities import format_bytes as format_bytes
from converter.quantities import format_seconds as format_seconds

_LATEST = 253_402_300_800  # The year 10,000, which `datetime` does not reach.


def format_time(seconds: float) -> str:
    """Formats seconds since 1970 as a date in UTC; empty for 0, and outside of the calendar."""
    if not 0 < seconds < _LATEST:
        return ""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def format_day(seconds: float) -> str:
    """Formats seconds since 1970 as a short date in UTC: `11-29 15:06`."""
    return format_time(seconds)[5:16]


def format_error(value: float) -> str:
    """Formats a difference: `0`, `3.1e-7`, `0.25`."""
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "infinite"
    if value == 0 or 0.01 <= abs(value) < 1000:
        return f"{float(f'{value:.2g}'):g}"
    digits, _, exponent = f"{value:.1e}".partition("e")
    return f"{digits}e{int(exponent):+d}"


def format_number(value: float) -> str:
    """Formats a count: `12,345`."""
    return f"{value:,}"
