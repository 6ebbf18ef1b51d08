"""The program of a worker process: receives jobs, and sends outcomes, until there are no more.

    python -m converter.migration.worker FD PARENT MODULE:FUNCTION

A fork server runs `prepare` in place of that, and the result in each worker.

Messages are JSON, so that a module that takes over a worker cannot make the parent unpickle
anything. The parent's program names the function; no data of a module does.
"""

from __future__ import annotations

import faulthandler
import functools
import importlib
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TypeVar

import msgspec

from converter.files.json_values import decode, encode
from converter.migration.job import Job
from converter.migration.outcomes import Outcome
from converter.processes import garbage_collection
from converter.processes.parent_death import die_with_parent

Function = Callable[[Job], Outcome | None]

CONVERT = "converter.migration.convert_job:convert_job"
INSPECT = "converter.migration.convert_job:inspect_job"

_MAX_BYTES = 1 << 26
_Message = TypeVar("_Message")


class Ready(msgspec.Struct, frozen=True, tag="ready", tag_field="message"):
    """The worker can take a job."""


class Answer(msgspec.Struct, frozen=True, tag="answer", tag_field="message"):
    """The worker has done a job.

    Attributes:
      outcome: The job's outcome; None from `inspect_job` for a module that would be converted.
    """

    outcome: Outcome | None


def main(descriptor: str, parent: str, function: str) -> None:
    """Serves jobs over an inherited socket."""
    die_with_parent(int(parent))
    prepare(function)(int(descriptor))


def prepare(function: str) -> Callable[[int], None]:
    """Imports the function that runs jobs, and returns one that serves jobs over a socket."""
    # Ctrl-C is the parent's business: it lets running jobs finish.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable()
    return functools.partial(_serve, _import_function(function))


def _serve(run: Function, descriptor: int) -> None:
    with Connection(descriptor) as connection:
        send(connection, Ready())
        try:
            while True:
                send(connection, Answer(run(receive(connection, Job))))
        except (EOFError, BrokenPipeError):
            return  # The parent has no more jobs, or is gone.


def _import_function(name: str) -> Function:
    """Imports the function that runs jobs, and exempts its imports from garbage collection."""
    with garbage_collection.importing():
        return find_function(name)


def find_function(name: str) -> Function:
    """Imports the function that `module:function` names."""
    module, _, attribute = name.partition(":")
    function: Function = getattr(importlib.import_module(module), attribute)
    return function


def send(connection: Connection, message: Job | Ready | Answer) -> None:
    """Sends one message."""
    connection.send_bytes(encode(message, ascii_only=True))


def receive(connection: Connection, kind: type[_Message]) -> _Message:
    """Waits for one message.

    Raises:
      EOFError: if the other side has closed the connection.
      OSError: if the message is larger than any that `send` has a use for.
      ValueError: if the message is not a `kind`.
    """
    return decode(connection.recv_bytes(_MAX_BYTES), kind)


if __name__ == "__main__":
    main(*sys.argv[1:])
