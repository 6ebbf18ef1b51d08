"""How much a command says: the flags `-q` and `-v` of all commands."""

from __future__ import annotations

import argparse
import contextlib
import contextvars
import enum
from collections.abc import Iterator

from absl import logging


class Loudness(enum.Enum):
    """How much a command says."""

    QUIET = "results and errors"
    NORMAL = "results, errors, warnings and progress"
    VERBOSE = "all that, details, and the traceback of an error"


_current = contextvars.ContextVar("loudness", default=Loudness.NORMAL)


def add_loudness(parser: argparse.ArgumentParser) -> None:
    """Adds the flags to a parser that lets them take the place of absl's."""
    group = parser.add_mutually_exclusive_group()
    for short, name, value, text in (
        ("-q", "--quiet", Loudness.QUIET, "print results and errors only"),
        ("-v", "--verbose", Loudness.VERBOSE, "print details, and the traceback of an error"),
    ):
        group.add_argument(
            short, name, dest="loudness", action="store_const", const=value,
            default=argparse.SUPPRESS, help=text,
        )  # fmt: skip


@contextlib.contextmanager
def speaking(arguments: argparse.Namespace) -> Iterator[None]:
    """Makes all that the command prints as loud as the arguments say."""
    token = _current.set(getattr(arguments, "loudness", Loudness.NORMAL))
    try:
        yield
    finally:
        _current.reset(token)


def is_quiet() -> bool:
    """Whether to print results and errors only."""
    return _current.get() is Loudness.QUIET


def is_verbose() -> bool:
    """Whether to print details, by `-v` or by absl's `--verbosity`."""
    return _current.get() is Loudness.VERBOSE or logging.get_verbosity() >= logging.DEBUG
