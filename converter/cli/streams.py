"""Keeps what strangers wrote from a terminal, whoever prints it.

While a command runs, all text on stdout and stderr is made printable: its own lines, tracebacks,
warnings and logs of TensorFlow's Python code, and what argparse says. Rich's consoles write control
characters of their own, so they pass the streams by and make texts printable themselves.
"""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

import absl.logging

from converter.printable import printable_lines


@contextlib.contextmanager
def printable_streams() -> Iterator[None]:
    """Makes all text on stdout and stderr, and in absl's log, printable."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = map(_guard, before)
    handler = absl.logging.get_absl_handler().python_handler
    formatter = handler.formatter
    handler.setFormatter(_Formatter(formatter))
    try:
        yield
    finally:
        handler.setFormatter(formatter)
        sys.stdout, sys.stderr = before


def _guard(stream: TextIO) -> Any:
    if isinstance(stream, io.TextIOWrapper):
        # What the terminal's encoding does not have.
        stream.reconfigure(errors="backslashreplace")
    return _PrintableStream(stream)


class _PrintableStream:
    """A text stream that makes printable what is written to another."""

    def __init__(self, stream: TextIO) -> None:
        self.rich_proxied_file = stream  # By this name, consoles of rich find the original.

    def write(self, text: str) -> int:
        self.rich_proxied_file.write(printable_lines(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rich_proxied_file, name)


class _Formatter(logging.Formatter):
    """Makes printable what another formatter returns."""

    def __init__(self, inner: logging.Formatter | None) -> None:
        super().__init__()
        self._inner = inner or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        return printable_lines(self._inner.format(record))
