"""The progress of long work: steps of which a known part is done."""

from __future__ import annotations

import time
from collections.abc import Callable

from converter.quantities import format_bytes, format_time_left

_SMALL_BYTES = 1 << 28
_PERIOD_SECS = 1.0
_LEAST_SECS = 2.0  # Before that, the pace says little of what comes.


class Amount(str):
    """A step of progress as text, of which the done part is known as well.

    Attributes:
      what: The work, such as `copying weights`; the same in all steps of it.
      done: How much of it is done.
      total: How much there is.
    """

    __slots__ = ("done", "total", "what")

    what: str
    done: int
    total: int

    @classmethod
    def of(cls, text: str, what: str, done: int, total: int) -> Amount:
        """Makes a step of `done` in `total`."""
        amount = cls(text)
        amount.what, amount.done, amount.total = what, done, total
        return amount


class ByteProgress:
    """Reports about once a second how many bytes are done.

    Args:
      say: Receives the text, which is an `Amount` where the total is known.
      what: The work, such as `copying weights`.
      small_bytes: Less takes too little time to report; by default, what a disk reads in a second.
      clock: Tells the time in seconds.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        what: str,
        small_bytes: int | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._say = say
        self._what = what
        self._small_bytes = _SMALL_BYTES if small_bytes is None else small_bytes
        self._clock = clock or time.monotonic
        self._next = 0.0
        self._first: tuple[float, int] | None = None

    def __call__(self, done: int, total: int | None) -> None:
        """Notes that `done` bytes of `total` are done; None if nobody knows how many there are."""
        now = self._clock()
        if (total is not None and total < self._small_bytes) or now < self._next:
            return
        self._next = now + _PERIOD_SECS
        if not total:
            self._say(f"{self._what}: {format_bytes(done)}")
            return
        parts = [f"{format_bytes(done)} of {format_bytes(total)}", f"{done / total:.0%}"]
        text = ", ".join(parts + self._time_left(now, done, total))
        self._say(Amount.of(f"{self._what}: {text}", self._what, done, total))

    def _time_left(self, now: float, done: int, total: int) -> list[str]:
        """The time left at the pace since the first report, if that says something."""
        began, had = self._first = self._first or (now, done)
        if now - began < _LEAST_SECS or done <= had or done >= total:
            return []
        return [format_time_left((now - began) / (done - had) * (total - done))]
