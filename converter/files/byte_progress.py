"""The progress of long work, in bytes."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.filesize import decimal

_SMALL_BYTES = 1 << 28  # Less takes too little time to report.
_PERIOD_SECS = 1.0


class ByteProgress:
    """Reports about once a second how many bytes are done.

    Args:
      say: Receives the text.
      what: The work, such as `copying weights`.
    """

    def __init__(self, say: Callable[[str], None], what: str) -> None:
        self._say = say
        self._what = what
        self._next = 0.0

    def __call__(self, done: int, total: int) -> None:
        """Notes that `done` bytes of `total` are done."""
        now = time.monotonic()
        if total < _SMALL_BYTES or now < self._next:
            return
        self._next = now + _PERIOD_SECS
        self._say(f"{self._what}: {decimal(done)} of {decimal(total)}")
