"""A fork server and its children, as the process that wants them sees them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping

from converter.processes import fork_server, python_process


def can_fork() -> bool:
    """Whether a fork server works here.

    On macOS, system libraries start threads that no process knows of, and crash in forked children.
    """
    return sys.platform == "linux" and hasattr(os, "pidfd_open") and _has_pidfd()


def _has_pidfd() -> bool:
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:  # Linux before 5.3, or a sandbox.
        return False
    return True


class ForkServer:
    """Starts processes as copies of one that has done the imports; from any thread.

    The thread that makes it has to live as long as the server and its children: Linux kills them
    when that thread ends.

    Args:
      function: Imports what the children need, and returns what they call, as `module:function`.
      argument: Its argument.
      environment: The environment of the server and its children.
    """

    def __init__(self, function: str, argument: str, environment: Mapping[str, str]) -> None:
        self._requests, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                python_process.command(
                    fork_server.__name__, str(theirs.fileno()), str(os.getpid()), function, argument
                ),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=dict(environment),
                start_new_session=True,  # The terminal's Ctrl-C spares it.
            )

    def wait_until_ready(self, timeout_secs: float) -> bool:
        """Waits until the server has done its imports; returns whether it can start processes.

        It cannot if an import fails or leaves a thread running, or takes too long.
        """
        self._requests.settimeout(timeout_secs)
        try:
            return self._requests.recv(len(fork_server.READY), socket.MSG_PEEK) == fork_server.READY
        except OSError:
            return False

    def start(self, argument: int, output: int, timeout_secs: float) -> ForkedProcess | None:
        """Starts a process; returns None if the server is gone, or cannot fork now.

        Args:
          argument: The descriptor of which it gets a copy, and that its function is called with.
          output: The descriptor of which a copy becomes its standard output and standard error.
          timeout_secs: How long it may take.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._requests, [b"\0"], [argument, output, theirs.fileno()])
            except OSError:
                ours.close()
                return None
        ours.settimeout(timeout_secs)
        try:
            pid = _receive_number(ours)
        except TimeoutError:
            pid = None
        if pid is None:
            ours.close()
            return None
        return ForkedProcess(pid, ours)

    def kill(self) -> None:
        """Kills the server, and with it what it has started; from any thread.

        To also kill what those have started, kill their groups before.
        """
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Kills the server and releases its resources, while no other thread uses it."""
        self.kill()
        self._requests.close()


class ForkedProcess:
    """A process that a fork server has started; has the part of `subprocess.Popen` in use.

    It leads its own session and process group. Its number is not used again before `close`.

    Attributes:
      pid: Its number.
    """

    def __init__(self, pid: int, told: socket.socket) -> None:
        self.pid = pid
        self._told = told
        self._status: int | None = None
        self._lock = threading.Lock()

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end; returns its exit status, negative for a signal.

        Raises:
          TimeoutExpired: if it has not ended by then.
        """
        with self._lock:  # It is told once.
            if self._status is None:
                self._told.settimeout(timeout)
                try:
                    status = _receive_number(self._told)
                except TimeoutError:
                    raise subprocess.TimeoutExpired([str(self.pid)], timeout or 0.0) from None
                # Without a server to tell, it has died with that.
                self._status = -signal.SIGKILL if status is None else status
            return self._status

    def close(self) -> None:
        """Lets go of it; kills it if it runs."""
        self._told.close()


def _receive_number(source: socket.socket) -> int | None:
    """Waits for a number; returns None if there will be none.

    Raises:
      TimeoutError: if that takes longer than the socket's timeout.
    """
    data = b""
    while len(data) < fork_server.NUMBER.size:
        try:
            part = source.recv(fork_server.NUMBER.size - len(data))
        except ConnectionError:
            return None
        if not part:
            return None
        data += part
    number: int = fork_server.NUMBER.unpack(data)[0]
    return number
