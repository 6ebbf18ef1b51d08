"""A process that shares this one's terminal, and ends when it takes too long or too much memory."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from converter.processes.resident_memory import resident_bytes

_LOOK_SECS = 0.5


class OverTimeError(Exception):
    """The process took too long, and was killed."""


class OverMemoryError(Exception):
    """The process used too much memory, and was killed."""

    def __init__(self, memory_bytes: int) -> None:
        super().__init__(f"{memory_bytes} bytes")
        self.memory_bytes = memory_bytes


def run_limited(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    timeout_secs: float | None,
    memory_limit_bytes: int | None,
    unblocks_interrupts: bool = False,
) -> int:
    """Runs a process to its end, and passes SIGINT and SIGTERM on to it.

    It has this process's standard streams, but a session of its own, so that a Ctrl-C in the
    terminal reaches it once, and all processes below it can be killed with it.

    Args:
      command: The program and its arguments.
      environment: Its environment.
      timeout_secs: How long it may take; None for no limit.
      memory_limit_bytes: How much memory it may hold, its processes together; None for no limit.
      unblocks_interrupts: Whether it starts with SIGINT blocked, and unblocks it when it can handle
        it. A signal that comes before waits for that.

    Returns:
      Its exit status, as `subprocess` gives it: negative for a signal.

    Raises:
      OverTimeError: if it was killed for the time it took.
      OverMemoryError: if it was killed for the memory it used.
    """
    end = None if timeout_secs is None else time.monotonic() + timeout_secs
    with _passing_on() as pass_on_to:
        with _interrupts_blocked() if unblocks_interrupts else contextlib.nullcontext():
            process = subprocess.Popen(command, env=dict(environment), start_new_session=True)
        try:
            pass_on_to(process)
            return _wait(process, end, memory_limit_bytes)
        finally:
            _kill(process)


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _wait(
    process: subprocess.Popen[bytes], end: float | None, memory_limit_bytes: int | None
) -> int:
    while True:
        left = _LOOK_SECS if end is None else min(_LOOK_SECS, end - time.monotonic())
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(max(0.0, left))
        if end is not None and time.monotonic() >= end:
            raise OverTimeError
        if memory_limit_bytes is not None:
            used = resident_bytes(process.pid)
            if used > memory_limit_bytes:
                raise OverMemoryError(used)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kills the process and all below it, unless it has ended by itself."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextlib.contextmanager
def _passing_on() -> Iterator[Callable[[subprocess.Popen[bytes]], None]]:
    """Yields a function that names the process to pass signals on to, earlier ones too.

    Signals that this process ignores, as a background job of a shell does, are left alone.
    """
    receivers: list[subprocess.Popen[bytes]] = []
    waiting: list[int] = []

    def handle(number: int, frame: object) -> None:
        del frame
        waiting.append(number)
        deliver()

    def deliver() -> None:
        while receivers and waiting:
            receivers[0].send_signal(waiting.pop(0))

    def pass_on_to(process: subprocess.Popen[bytes]) -> None:
        receivers.append(process)
        deliver()

    if threading.current_thread() is not threading.main_thread():
        yield pass_on_to  # Only the main thread can set handlers.
        return
    numbers = [n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield pass_on_to
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
