"""Ctrl-C: the first lets running work finish, the second stops it."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

from converter.cli import terminal


@contextlib.contextmanager
def finishing_on_interrupt() -> Iterator[Callable[[], bool]]:
    """Yields a function that says whether a first SIGINT or SIGTERM has come.

    The second raises a KeyboardInterrupt.
    """
    stopping = threading.Event()

    def handle(number: int, frame: object) -> None:
        del number, frame
        if stopping.is_set():
            raise KeyboardInterrupt
        stopping.set()
        terminal.say_warning("finishing what is running; interrupt again to stop at once")

    if threading.current_thread() is not threading.main_thread():
        yield stopping.is_set  # Signals are handled in the main thread only.
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopping.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
