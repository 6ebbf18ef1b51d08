"""The standard files of a process, whatever they are connected to.

A command whose output nobody reads any more (`tf1hub verify SRC DST | head -1`) runs to its end:
its exit status says how that was. So does one that writes to a full disk, and then says so.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Any, TextIO


def connect() -> None:
    """Makes all three usable, where a shell closed them (`>&-`) as well.

    A closed descriptor would be that of the next file to be opened, into which native code prints.
    """
    is_closed = [_is_closed(number) for number in range(3)]
    for number in range(3):
        if is_closed[number]:
            _lead_to_nowhere(number)
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115
    problem = OSError("it is closed") if is_closed[1] else None
    sys.stdout = accepting(sys.stdout, 1, problem)
    sys.stderr = accepting(sys.stderr, 2)


def accepting(stream: TextIO | None, descriptor: int, problem: OSError | None = None) -> TextIO:
    """A text stream on a descriptor, whose writes never fail.

    Args:
      stream: The stream whose encoding it has, if there is one.
      descriptor: The descriptor, which stays open.
      problem: Why nothing can be written there, if that is known.
    """
    raw = _Accepting(descriptor, problem)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=getattr(stream, "encoding", None) or "utf-8",
        errors=getattr(stream, "errors", None) or "backslashreplace",
        line_buffering=getattr(stream, "line_buffering", False) or descriptor == 2,
    )


def output_problem() -> str:
    """Why not all of stdout could be written; empty if it was, or if its reader has left."""
    sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    problem = raw.problem if isinstance(raw, _Accepting) else None
    if problem is None or isinstance(problem, BrokenPipeError):
        return ""
    return problem.strerror or str(problem)


class _Accepting(io.FileIO):
    """A descriptor that takes whatever is written to it.

    Attributes:
      problem: The first error of a write, after which nothing is written any more.
    """

    def __init__(self, descriptor: int, problem: OSError | None) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self.problem = problem

    def write(self, content: Any) -> int:
        if self.problem is None:
            try:
                return super().write(content)
            except OSError as error:
                self.problem = error
        return len(content)


def _is_closed(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return True
    return False


def _lead_to_nowhere(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere == number:
        os.set_inheritable(number, True)
        return
    os.dup2(nowhere, number)
    os.close(nowhere)
