"""Ctrl-C and SIGTERM: both end a command by an exception, so that it cleans up.

In a migration, the first lets running jobs finish, and the second stops them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import threading
from collections.abc import Callable, Iterator

from converter.cli import terminal
from converter.cli.start_up import is_starting


class Terminated(KeyboardInterrupt):
    """Raised on SIGTERM."""


def exit_status(number: int) -> int:
    """The exit status of a command ended by a signal, as in shells: 130 for SIGINT."""
    return 128 + number


@contextlib.contextmanager
def raising_on_terminate() -> Iterator[None]:
    """Makes SIGTERM raise `Terminated`; by default, Python ends the process at once.

    SIGINT raises KeyboardInterrupt again, which it does not while a command starts.
    """

    def handle(number: int, frame: object) -> None:
        del frame
        raise Terminated if number == signal.SIGTERM else KeyboardInterrupt

    with _handling((signal.SIGTERM, signal.SIGINT)[: 1 + is_starting()], handle):
        yield


@dataclasses.dataclass(slots=True)
class Stopping:
    """Tells whether a signal has asked the command to stop.

    Attributes:
      number: The first signal; 0 if there was none.
    """

    number: int = 0

    def __call__(self) -> bool:
        """Whether there was a signal."""
        return bool(self.number)


@contextlib.contextmanager
def finishing_on_interrupt() -> Iterator[Stopping]:
    """Yields a function that tells whether there was a first SIGINT or SIGTERM.

    A second one raises KeyboardInterrupt.
    """
    stopping = Stopping()

    def handle(number: int, frame: object) -> None:
        del frame
        if stopping():
            raise KeyboardInterrupt
        stopping.number = number
        terminal.say_warning(
            "finishing the running jobs; interrupt again to stop at once", even_if_quiet=True
        )

    with _handling((signal.SIGINT, signal.SIGTERM), handle):
        yield stopping


@contextlib.contextmanager
def _handling(
    numbers: tuple[signal.Signals, ...], handle: Callable[[int, object], None]
) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # Only the main thread can set handlers.
        return
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
