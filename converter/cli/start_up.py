"""The start of a command: a Ctrl-C while Python imports is one line, too.

This imports as little as possible, and first of all.
"""

from __future__ import annotations

import contextlib
import os
import signal

_SAID = b"tf1hub: error: interrupted; no output is half-written.\n"


def entry_point() -> None:
    """Runs the command line; the console script calls it."""
    end_on_interrupt()
    from converter.cli import main

    main.entry_point()


def end_on_interrupt() -> None:
    """Makes SIGINT end this process with one line, until the command has its own handlers.

    Nothing has begun yet that would have to be cleaned up. A process that ignores the signal, as a
    background job of a shell does, goes on ignoring it.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def is_starting() -> bool:
    """Whether SIGINT has that effect."""
    return signal.getsignal(signal.SIGINT) is _end


def _end(number: int, frame: object) -> None:
    del frame
    with contextlib.suppress(OSError):
        os.write(2, _SAID)
    os._exit(128 + number)
