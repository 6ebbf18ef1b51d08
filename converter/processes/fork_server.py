"""The program of a fork server: a process that has imported what its children need.

    python -m converter.processes.fork_server FD PARENT MODULE:FUNCTION ARGUMENT

FUNCTION imports whatever is slow to import, and returns another one, which each child calls with
the descriptor that was sent for it. A child is a copy of this process, made in milliseconds.

Only the thread that forks goes on in the child, and a lock that another one held is held forever.
So this program starts no thread, and refuses to fork while there is one that something else has
started. TensorFlow starts none before its first op makes a context (2.15.1 and 2.21.0), and then
always some; OpenBLAS, which is in NumPy, must be told to start none.

Only one process knows how a child ended, its parent. So this program tells that to whoever asked
for the child, and keeps the child's number from being that of another process until then.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import os
import selectors
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

from converter.processes.parent_death import die_with_parent

NUMBER = struct.Struct("!i")
READY = b"ready"
# For the time of the imports. A thread pool of one thread starts none.
SINGLE_THREADED = {"OPENBLAS_NUM_THREADS": "1"}
# What is sent for a child: the descriptor to call the function with, its standard output, and the
# socket on which its number and its exit status are told.
DESCRIPTORS = 3

Run = Callable[[int], None]


@dataclasses.dataclass(frozen=True, slots=True)
class _Child:
    """A child, alive or not, that somebody holds.

    Attributes:
      pid: Its number.
      pidfd: Becomes readable when it ends.
      owner: The socket to its owner.
    """

    pid: int
    pidfd: int
    owner: socket.socket

    def close(self) -> None:
        """Closes what this process has of it."""
        os.close(self.pidfd)
        self.owner.close()


class _Server:
    """Makes children on request, and tells how they ended."""

    def __init__(self, requests: socket.socket, run: Run) -> None:
        self._requests = requests
        self._run = run
        self._children: list[_Child] = []
        self._selector = selectors.DefaultSelector()
        self._selector.register(requests, selectors.EVENT_READ, self._take_request)

    def serve(self) -> None:
        """Serves until there is nobody to make requests."""
        while self._selector.get_map():
            for key, _ in self._selector.select():
                # It may be gone by now, and its number be that of another.
                if self._selector.get_map().get(key.fd) is key:
                    key.data()

    def _take_request(self) -> None:
        message, descriptors, _, _ = socket.recv_fds(self._requests, 1, DESCRIPTORS)
        if not message:
            self._end()
        elif len(descriptors) == DESCRIPTORS:
            argument, output, owner = descriptors
            self._fork(argument, output, socket.socket(fileno=owner))
        else:  # This process has no descriptors left.
            for descriptor in descriptors:
                os.close(descriptor)

    def _fork(self, argument: int, output: int, owner: socket.socket) -> None:
        parent = os.getpid()
        pid = _fork_if_alone()
        if pid == 0:
            self._forget()
            _become_child(parent, output, owner, lambda: self._run(argument))
        os.close(argument)
        os.close(output)
        if pid is None:
            owner.close()  # This tells whoever asked.
            return
        child = _Child(pid, os.pidfd_open(pid), owner)
        self._children.append(child)
        self._selector.register(child.pidfd, selectors.EVENT_READ, lambda: self._tell(child))
        self._selector.register(owner, selectors.EVENT_READ, lambda: self._bury(child))

    def _forget(self) -> None:
        """Closes, in a child, what only the server may have."""
        self._selector.close()
        self._requests.close()
        for child in self._children:
            child.close()

    def _tell(self, child: _Child) -> None:
        """Tells how a child ended; its number stays taken."""
        self._selector.unregister(child.pidfd)
        with contextlib.suppress(OSError):
            child.owner.send(NUMBER.pack(_exit_status(child.pid)))

    def _bury(self, child: _Child) -> None:
        """Ends a child that its owner has let go, with all processes of its group."""
        self._selector.unregister(child.owner)
        if child.pidfd in self._selector.get_map():
            self._selector.unregister(child.pidfd)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):  # It may not lead its group yet.
            os.kill(child.pid, signal.SIGKILL)
        os.waitpid(child.pid, 0)
        self._children.remove(child)
        child.close()

    def _end(self) -> None:
        self._selector.unregister(self._requests)
        for child in list(self._children):
            self._bury(child)


def _fork_if_alone() -> int | None:
    """Forks, unless another thread runs or the system allows no more processes."""
    if not _has_one_thread():
        return None
    try:
        return os.fork()
    except OSError:
        return None


def _has_one_thread() -> bool:
    """Whether no other thread runs, of Python or not."""
    return len(os.listdir("/proc/self/task")) == 1


def _exit_status(pid: int) -> int:
    """Returns how a process ended, as `subprocess` does; it remains a zombie."""
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert ended is not None
    return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status


def _become_child(
    parent: int, output: int, owner: socket.socket, run: Callable[[], None]
) -> NoReturn:
    """Makes this copy of the server a process of its own, and runs a function in it."""
    status = 1
    try:
        os.setsid()
        die_with_parent(parent)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        owner.send(NUMBER.pack(os.getpid()))
        owner.close()  # So that the owner sees its end when the server dies.
        run()
        status = 0
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)  # The stack below is the server's.


def main(descriptor: str, parent: str, function: str, argument: str) -> None:
    """Imports, says whether children can be made, and makes them."""
    die_with_parent(int(parent))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=int(descriptor)) as requests:
        run = _prepare(function, argument)
        if not _has_one_thread():
            return
        requests.send(READY)
        _Server(requests, run).serve()


def _prepare(function: str, argument: str) -> Run:
    before = {name: os.environ.get(name) for name in SINGLE_THREADED}
    os.environ.update(SINGLE_THREADED)
    module, _, attribute = function.partition(":")
    run: Run = getattr(importlib.import_module(module), attribute)(argument)
    # Processes that children start have pools as they like.
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value
    return run


if __name__ == "__main__":
    main(*sys.argv[1:])
