"""A worker process, as its parent sees it.

Workers are copies of a fork server, which has imported TensorFlow. Where there can be none, as on
macOS, or if it fails, each worker is a new process that imports it itself.

It is not a library's pool (concurrent.futures, loky, pebble), because none of them limits resident
memory, kills all processes below a worker, and has workers die with their parent; their replies are
pickles; and a Dask worker needs a single child of this kind.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import TypeVar

from converter import errors
from converter.migration import worker
from converter.migration.job import Job
from converter.migration.outcomes import Outcome
from converter.migration.worker import Answer, Ready
from converter.processes import python_process
from converter.processes.forked_process import ForkedProcess, ForkServer, can_fork
from converter.processes.resident_memory import resident_bytes

_DEFAULTS = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # Each worker would take the whole of a GPU otherwise.
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
}
_START_SECS = 300.0  # Importing TensorFlow takes long from a cold network filesystem.
_LOOK_SECS = 0.5
_LAST_BYTES = 4000
_Message = TypeVar("_Message")


class WorkerDiedError(Exception):
    """The worker ended in the middle of a job.

    Attributes:
      exit_status: As `subprocess` gives it.
      last_words: The end of its output.
    """

    def __init__(self, exit_status: int, last_words: str) -> None:
        super().__init__(f"exit status {exit_status}")
        self.exit_status = exit_status
        self.last_words = last_words


class TooSlowError(Exception):
    """The job took too long; its worker was killed."""


class TooMuchMemoryError(Exception):
    """The job used too much memory; its worker was killed."""

    def __init__(self, memory_bytes: int) -> None:
        super().__init__(f"{memory_bytes} bytes")
        self.memory_bytes = memory_bytes


class WorkerProcess:
    """A process that runs one job after the other. Only `kill` may be called from other threads.

    The thread that makes it has to live as long as the process: Linux kills the process when that
    thread ends.

    Args:
      function: The function that runs a job, as `module:function`.
      server: The fork server that starts it, made for the same function; None for a new process.
    """

    def __init__(self, function: str, server: ForkServer | None = None) -> None:
        ours, theirs = socket.socketpair()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        with ours, theirs:
            forked = _fork(server, theirs.fileno(), self._log.fileno())
            self._process = forked or _spawn(function, theirs.fileno(), self._log.fileno())
            self._connection = Connection(ours.detach())
        self._is_killed = False
        self.jobs_done = 0

    def wait_until_ready(self) -> None:
        """Waits until the worker can take a job.

        Raises:
          InternalError: if it does not get that far.
        """
        try:
            self._receive(Ready, time.monotonic() + _START_SECS, None)
        except (WorkerDiedError, TooSlowError) as error:
            words = getattr(error, "last_words", "") or "it said nothing"
            raise errors.InternalError(f"a worker process does not start: {words}") from error

    def run(
        self, job: Job, *, timeout_secs: float | None = None, memory_limit_bytes: int | None = None
    ) -> Outcome | None:
        """Runs a job. If it raises, the worker and all processes that it started are dead.

        Raises:
          WorkerDiedError: if it died by itself, or sent something else than an answer.
          TooSlowError: if it was killed for the time it took.
          TooMuchMemoryError: if it was killed for the memory it used.
        """
        end = None if timeout_secs is None else time.monotonic() + timeout_secs
        self._forget_words()
        try:
            worker.send(self._connection, job)
        except OSError:
            raise self._bury() from None
        answer = self._receive(Answer, end, memory_limit_bytes)
        self.jobs_done += 1
        return answer.outcome

    def _receive(
        self, kind: type[_Message], end: float | None, memory_limit_bytes: int | None
    ) -> _Message:
        try:
            while not self._connection.poll(_wait_secs(end)):
                if end is not None and time.monotonic() >= end:
                    self.kill()
                    raise TooSlowError
                self._check_memory(memory_limit_bytes)
            return worker.receive(self._connection, kind)
        except (EOFError, OSError, ValueError):
            raise self._bury() from None

    def _check_memory(self, limit_bytes: int | None) -> None:
        if limit_bytes is None:
            return
        used = resident_bytes(self._process.pid)
        if used > limit_bytes:
            self.kill()
            raise TooMuchMemoryError(used)

    def _bury(self) -> WorkerDiedError:
        """Waits for the end of a worker that has closed its side, and describes it."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_LOOK_SECS)
        self.kill()
        return WorkerDiedError(self._process.wait(), self._last_words())

    def _forget_words(self) -> None:
        """Drops the output of earlier jobs, which may be large."""
        # The two sides share the position, so the worker writes at the beginning again.
        self._log.seek(0)
        self._log.truncate()

    def _last_words(self) -> str:
        self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, self._log.tell() - _LAST_BYTES))
        return self._log.read().decode(errors="replace").strip()

    def kill(self) -> None:
        """Kills the worker and all processes that it started; from any thread."""
        if not self._is_killed:  # Later, the group's number may be that of another.
            self._is_killed = True
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """Ends the worker, and releases its resources."""
        self._connection.close()
        self.kill()
        if isinstance(self._process, ForkedProcess):
            self._process.close()
        self._log.close()


@contextlib.contextmanager
def serving_forks(function: str) -> Iterator[ForkServer | None]:
    """Starts a fork server for workers, and ends it with them; None where there can be none.

    It imports what they need while the block goes on. The thread has to live as long as the block.

    Args:
      function: The function that runs a job, as `module:function`.
    """
    if not can_fork():
        yield None
        return
    server = ForkServer(
        f"{worker.__name__}:{worker.prepare.__name__}",
        function,
        python_process.environment(_DEFAULTS),
    )
    with contextlib.closing(server):
        yield server


def _fork(server: ForkServer | None, connection: int, output: int) -> ForkedProcess | None:
    if server is None or not server.wait_until_ready(_START_SECS):
        return None
    return server.start(connection, output, _START_SECS)


def _spawn(function: str, connection: int, output: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        python_process.command(worker.__name__, str(connection), str(os.getpid()), function),
        pass_fds=[connection],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=python_process.environment(_DEFAULTS),
        start_new_session=True,  # A group to kill, which the terminal's Ctrl-C spares.
    )


def _wait_secs(end: float | None) -> float:
    return _LOOK_SECS if end is None else max(0.0, min(_LOOK_SECS, end - time.monotonic()))
