"""A fork server and its children: how they start, end, and what they take with them."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

import psutil
import pytest

from converter.processes import forked_process, python_process
from converter.processes.forked_process import ForkServer

_TESTS = str(pathlib.Path(__file__).parents[1])


@pytest.fixture(autouse=True)
def _path(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", _TESTS)


@pytest.fixture
def serve():
    """`serve(argument, function)` starts a server."""
    with contextlib.ExitStack() as stack:

        def start(argument, function="prepare"):
            name = f"processes.fork_jobs:{function}"
            server = ForkServer(name, argument, python_process.environment())
            stack.enter_context(contextlib.closing(server))
            return server

        yield start


@pytest.fixture
def start():
    """`start(server)` starts a child."""
    with contextlib.ExitStack() as stack:
        yield lambda *args: stack.enter_context(contextlib.closing(_Child(*args)))


class _Child:
    """A child, the other end of its socket, and its output."""

    def __init__(self, server, timeout_secs=20):
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(20)
        self.output = tempfile.TemporaryFile()  # noqa: SIM115
        with theirs:
            self.process = server.start(theirs.fileno(), self.output.fileno(), timeout_secs)

    def close(self):
        self.socket.close()
        self.output.close()
        if self.process is not None:
            self.process.close()

    def tell(self, code):
        self.socket.send(code.encode())
        return self

    def hear(self):
        return self.socket.recv(10_000).decode()

    def words(self):
        self.output.seek(0)
        return self.output.read().decode()


def _is_alive(pid):
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def _wait_until(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def _wait_until_dead(*pids):
    _wait_until(lambda: not any(map(_is_alive, pids)))


def test_children_are_copies_with_a_number_and_a_group_of_their_own(serve, start, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    server = serve("report")
    children = [start(server) for _ in range(3)]
    facts = [json.loads(child.hear()) for child in children]
    assert [f["pid"] for f in facts] == [child.process.pid for child in children]
    assert len({f["pid"] for f in facts}) == 3
    assert all(f["session"] == f["pid"] for f in facts)
    # It was imported once, with one thread; what children start has the user's own pools.
    assert all(f["events"] == ["prepared with OPENBLAS_NUM_THREADS=1"] for f in facts)
    assert all(f["blas"] == "7" for f in facts)
    # A child has what it was given, and nothing of its siblings or the server.
    assert all(f["descriptors"] == [0, 1, 2, f["own"]] for f in facts)
    assert all(f["interrupt"] for f in facts)
    assert os.getcwd() not in facts[0]["path"] or os.getcwd() in python_process._path_of_children()


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("pass", 0),
        ("sys.exit(3)", 3),
        ("sys.exit('words')", 1),
        ("os._exit(4)", 4),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("os.abort()", -signal.SIGABRT),
        ("1 / 0", 1),
    ],
)
def test_the_exit_status_is_that_of_subprocess(serve, start, code, status):
    child = start(serve("obey")).tell(code)
    assert child.process.wait(20) == status
    assert child.process.wait(20) == status
    assert ("ZeroDivisionError" in child.words()) == (code == "1 / 0")
    child.process.close()


def test_children_share_the_seed_of_hashes_but_no_random_numbers(serve, start):
    """As SECURITY.md says; another server has another seed."""
    server = serve("report")
    facts = [json.loads(start(s).hear()) for s in (server, server, serve("report"))]
    assert len({f["random"] for f in facts}) == 3
    assert [f["hash"] == facts[0]["hash"] for f in facts] == [True, True, False]


def test_output_goes_where_it_should(serve, start):
    child = start(serve("obey")).tell("print('a'); os.system('echo b >&2')")
    assert child.process.wait(20) == 0
    assert sorted(child.words().split()) == ["a", "b"]


def test_waiting_has_an_end(serve, start):
    child = start(serve("report"))
    child.hear()
    began = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        child.process.wait(0.2)
    assert time.monotonic() - began >= 0.2
    os.kill(child.process.pid, signal.SIGTERM)
    assert child.process.wait() == -signal.SIGTERM


def test_its_number_is_taken_until_it_is_let_go(serve, start):
    child = start(serve("obey")).tell("pass")
    assert child.process.wait(20) == 0
    assert psutil.Process(child.process.pid).status() == psutil.STATUS_ZOMBIE
    child.process.close()
    _wait_until(lambda: not psutil.pid_exists(child.process.pid))


@pytest.mark.parametrize("ended", [False, True])
def test_what_is_let_go_is_killed_with_its_group(serve, start, ended):
    child = start(serve("obey"))
    child.tell("start_sleeper(descriptor)" + ("" if ended else "; time.sleep(1000)"))
    sleeper = int(child.hear())
    if ended:
        assert child.process.wait(20) == 0
    child.process.close()
    _wait_until_dead(child.process.pid, sleeper)


def test_other_children_go_on(serve, start):
    server = serve("obey")
    first, second = start(server), start(server)
    first.tell("os.abort()").process.wait(20)
    first.process.close()
    assert second.tell("os.write(descriptor, b'x')").hear() == "x"
    assert start(server).tell("os.write(descriptor, b'y')").hear() == "y"


@pytest.mark.parametrize("end", ["kill", "close"])
def test_children_die_with_the_server(serve, start, end):
    server = serve("report")
    child = start(server)
    child.hear()
    getattr(server, end)()
    _wait_until_dead(child.process.pid)
    assert child.process.wait(20) == -signal.SIGKILL
    if end == "kill":
        assert start(server).process is None


@pytest.mark.parametrize(
    ("argument", "function"),
    [
        ("report", "prepare_with_a_thread"),  # A copy of it could hang.
        ("nothing", "prepare"),
        ("report", "nothing"),
    ],
)
def test_a_server_that_cannot_fork_says_so(serve, start, argument, function):
    server = serve(argument, function)
    assert not server.wait_until_ready(20)
    assert start(server).process is None


def test_it_does_not_fork_while_something_has_started_a_thread(serve, start):
    server = serve("report", "prepare_to_start_a_thread")
    child = start(server)
    child.hear()
    os.kill(server._process.pid, signal.SIGUSR1)
    _wait_until(lambda: psutil.Process(server._process.pid).num_threads() == 2)
    assert start(server).process is None
    assert _is_alive(child.process.pid)


def test_it_survives_a_fork_that_the_system_refuses(serve, start):
    server = serve("report", "prepare_without_room")
    assert start(server).process is None
    assert json.loads(start(server).hear())["events"] == []


def test_a_server_that_does_not_answer_starts_nothing(serve, start):
    server = serve("report")
    assert server.wait_until_ready(20)
    os.kill(server._process.pid, signal.SIGSTOP)
    assert start(server, 0.2).process is None


@pytest.mark.slow
@pytest.mark.parametrize("cores", [1, 2])
def test_the_threads_of_a_context_of_tensorflow_are_seen(serve, cores):
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(everywhere)[:cores])
    try:
        server = serve("report", "prepare_a_context")
    finally:
        os.sched_setaffinity(0, everywhere)
    assert not server.wait_until_ready(120)
    server._process.wait(20)
    assert server._process.returncode == 0  # It refused; it did not fail.


def test_being_ready_is_told_to_all_who_ask(serve):
    server = serve("report")
    assert server.wait_until_ready(20)
    assert server.wait_until_ready(20)


def test_a_server_that_takes_too_long_is_not_ready(serve):
    assert not serve("report").wait_until_ready(0.001)


def test_all_die_with_whoever_started_them():
    program = (
        "import os, socket, sys, time\n"
        "from converter.processes import python_process\n"
        "from converter.processes.forked_process import ForkServer\n"
        "e = python_process.environment()\n"
        "server = ForkServer('processes.fork_jobs:prepare', 'report', e)\n"
        "ours, theirs = socket.socketpair()\n"
        "child = server.start(theirs.fileno(), 1, 20)\n"
        "ours.recv(1)\n"
        "print(server._process.pid, child.pid, flush=True)\n"
        "time.sleep(1000)\n"
    )
    root = str(pathlib.Path(_TESTS).parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, _TESTS])}
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as parent:
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert all(map(_is_alive, pids))
        parent.kill()
    _wait_until_dead(*pids)


def test_only_linux_forks(monkeypatch):
    assert forked_process.can_fork()
    monkeypatch.setattr("sys.platform", "darwin")
    assert not forked_process.can_fork()


def test_a_kernel_without_pidfd_does_not_fork(monkeypatch):
    def refuse(_):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr("os.pidfd_open", refuse)
    assert not forked_process.can_fork()
