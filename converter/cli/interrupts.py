"""Ctrl-C and SIGTERM: both end a command as an exception does, so that it cleans up.

Of a migration, the first lets running work finish, and the second stops it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import threading
from collections.abc import Callable, Iterator

from converter.cli import terminal


class Terminated(KeyboardInterrupt):
    """What SIGTERM raises."""


def exit_status(number: int) -> int:
    """The exit status of a command that a signal has ended, as shells have it: 130 for SIGINT."""
    return 128 + number


@contextlib.contextmanager
def raising_on_terminate() -> Iterator[None]:
    """Has SIGTERM raise `Terminated`, where Python would end the process on the spot."""

    def handle(number: int, frame: object) -> None:
        del number, frame
        raise Terminated

    with _handling((signal.SIGTERM,), handle):
        yield


@dataclasses.dataclass(slots=True)
class Stopping:
    """Says whether a signal has asked to stop.

    Attributes:
      number: The first signal; 0 if none has come.
    """

    number: int = 0

    def __call__(self) -> bool:
        """Whether one has come."""
        return bool(self.number)


@contextlib.contextmanager
def finishing_on_interrupt() -> Iterator[Stopping]:
    """Yields a function that says whether a first SIGINT or SIGTERM has come.

    The second raises a KeyboardInterrupt.
    """
    stopping = Stopping()

    def handle(number: int, frame: object) -> None:
        del frame
        if stopping():
            raise KeyboardInterrupt
        stopping.number = number
        terminal.say_warning("finishing what is running; interrupt again to stop at once")

    with _handling((signal.SIGINT, signal.SIGTERM), handle):
        yield stopping


@contextlib.contextmanager
def _handling(
    numbers: tuple[signal.Signals, ...], handle: Callable[[int, object], None]
) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # Signals are handled in the main thread only.
        return
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
