"""The terminal, as all commands use it: progress and errors on stderr, results on stdout."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # Imported where it is used, so that help and errors do not wait for it.
    from rich.console import Console
    from rich.table import Table


_SURROGATE = re.compile("[\ud800-\udfff]")


def output_console() -> Console:
    """Returns the console for results; 100 columns wide where stdout is not a terminal."""
    from rich.console import Console

    if isinstance(sys.stdout, io.TextIOWrapper):
        # File names may be any bytes.
        sys.stdout.reconfigure(errors="backslashreplace")
    return Console(width=None if sys.stdout.isatty() else 100, highlight=False, soft_wrap=False)


def say_error(text: str) -> None:
    """Prints an error as one line on stderr."""
    print(f"tf1hub: error: {text}", file=sys.stderr)  # noqa: T201


def say_warning(text: str) -> None:
    """Prints a warning as one line on stderr."""
    print(f"tf1hub: warning: {text}", file=sys.stderr)  # noqa: T201


def say_step(text: str) -> None:
    """Prints a step as one line on stderr, and flushes it."""
    print(f"tf1hub: {text}", file=sys.stderr, flush=True)  # noqa: T201


def print_json(values: Any) -> None:
    """Prints `values` as one JSON document on stdout."""
    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False)
    # Python puts lone surrogates, which cannot be encoded, in place of bytes that are not UTF-8.
    print(_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text))  # noqa: T201


def print_text(text: str) -> None:
    """Prints `text` on stdout, whatever its lines are long; bytes that are not UTF-8 as escapes."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    print(text)  # noqa: T201


def make_table(*columns: str, title: str | None = None) -> Table:
    """Makes a table in the style of all commands."""
    import rich.box
    from rich.table import Table

    table = Table(
        *columns,
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=rich.box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for column in table.columns:
        column.overflow = "fold"
    return table


@contextlib.contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Yields a function that shows a step on stderr: a live line on a terminal, or plain lines."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield say_step
        return
    with console.status("starting") as status:
        yield lambda step: status.update(step)


def import_tensorflow() -> None:
    """Imports TensorFlow, and discards what it writes to stderr while it starts."""
    with _stderr_to_devnull():
        importlib.import_module("tensorflow")


@contextlib.contextmanager
def _stderr_to_devnull() -> Iterator[None]:
    """Discards what native code writes to file descriptor 2."""
    sys.stderr.flush()
    saved = os.dup(2)
    devnull = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(devnull, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(devnull)


def parse_tags(text: str) -> list[str]:
    """Parses a tag set of the command line: `gen,bs8`; the empty string is the empty set."""
    return [tag.strip() for tag in text.split(",") if tag.strip()]
