"""The progress of long work, in bytes."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.filesize import decimal

_SMALL_BYTES = 1 << 28
_PERIOD_SECS = 1.0


class ByteProgress:
    """Reports about once a second how many bytes are done.

    Args:
      say: Receives the text.
      what: The work, such as `copying weights`.
      small_bytes: Less takes too little time to report; by default, what a disk reads in a second.
    """

    def __init__(
        self, say: Callable[[str], None], what: str, small_bytes: int | None = None
    ) -> None:
        self._say = say
        self._what = what
        self._small_bytes = small_bytes
        self._next = 0.0

    def __call__(self, done: int, total: int | None) -> None:
        """Notes that `done` bytes of `total` are done; None if nobody knows how many there are."""
        now = time.monotonic()
        small = _SMALL_BYTES if self._small_bytes is None else self._small_bytes
        if (total is not None and total < small) or now < self._next:
            return
        self._next = now + _PERIOD_SECS
        of_all = "" if total is None else f" of {decimal(total)}"
        self._say(f"{self._what}: {decimal(done)}{of_all}")
