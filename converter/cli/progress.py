"""Progress of one command on stderr: a live line on a terminal, plain lines in a log."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from converter.cli import terminal
from converter.cli.loudness import is_quiet
from converter.files.byte_progress import Amount
from converter.quantities import format_seconds

_PERIOD_SECS = 10.0  # Between two lines of a log about the same work.
_LONG_SECS = 3.0  # A step that takes longer says so.


@contextlib.contextmanager
def showing_steps() -> Iterator[Callable[[str], None]]:
    """Yields a function that shows a step, and how much of it is done; with -q, nothing."""
    if is_quiet():
        yield lambda _: None
    elif not is_live():
        yield Lines()
    else:
        with live(step := LiveStep()):
            yield step


def is_live() -> bool:
    """Whether stderr can show what moves: a terminal, and FORCE_COLOR makes none of a pipe."""
    return sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


@contextlib.contextmanager
def live(shown: Any, *, transient: bool = True) -> Iterator[None]:
    """Draws on stderr, four times a second, what an object with `__rich__` looks like."""
    from rich.live import Live

    from converter.display.console import Console

    with Live(shown, console=Console(stderr=True), refresh_per_second=4, transient=transient):
        yield


class Lines:
    """Prints a line for each step, and for long work one each ten seconds.

    Args:
      clock: Tells the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._what = ""
        self._next = 0.0

    def __call__(self, step: str) -> None:
        """Prints a step, unless the last line about the same work is new."""
        now = self._clock()
        if isinstance(step, Amount):
            is_last = step.done >= step.total
            if step.what == self._what and now < self._next and not is_last:
                return
            self._what, self._next = step.what, now + _PERIOD_SECS
        terminal.say_step(step)


class LiveStep:
    """A line with the step, a bar of what is done, and the time that a long step takes.

    Args:
      clock: Tells the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        from rich.spinner import Spinner

        self._clock = clock
        self._spinner = Spinner("dots")  # It turns only while it stays the same object.
        self._shown: tuple[str, float] = ("starting", clock())

    def __call__(self, step: str) -> None:
        """Shows a step from now on."""
        last, since = self._shown
        is_same = isinstance(step, Amount) and isinstance(last, Amount) and step.what == last.what
        self._shown = step, since if is_same else self._clock()

    def __rich__(self) -> Any:
        from rich.table import Table

        from converter.display.console import escape

        step, since = self._shown
        seconds = self._clock() - since
        row: list[Any] = [self._spinner]
        if isinstance(step, Amount):
            row.append(bar(step.done, step.total))
        row.append(escape(step))
        if seconds >= _LONG_SECS:
            row.append(f"[dim]{format_seconds(seconds)}[/dim]")
        table = Table.grid(padding=(0, 1))
        table.add_row(*row)
        return table


def bar(done: int, total: int) -> Any:
    """Makes a bar of which the done part is filled."""
    from rich.progress_bar import ProgressBar

    return ProgressBar(total=max(total, 1), completed=min(done, total), width=24)
