"""Progress of long work in bytes, as one of the steps that a user is told."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.filesize import decimal

_SMALL_BYTES = 1 << 28  # Less takes no time worth mentioning.
_PERIOD_SECS = 1.0


class ByteProgress:
    """Tells how many bytes of how many are done, about once a second.

    Args:
      say: Is told the text.
      what: What is being done, such as `copying weights`.
    """

    def __init__(self, say: Callable[[str], None], what: str) -> None:
        self._say = say
        self._what = what
        self._next = 0.0

    def __call__(self, done: int, total: int) -> None:
        """Takes note of the bytes done so far, of `total`."""
        now = time.monotonic()
        if total < _SMALL_BYTES or now < self._next:
            return
        self._next = now + _PERIOD_SECS
        self._say(f"{self._what}: {decimal(done)} of {decimal(total)}")
