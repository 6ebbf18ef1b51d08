"""The loop of a worker process, and the messages it exchanges."""

import json
import os
import socket
import subprocess
import sys
from multiprocessing.connection import Connection

import pytest

from converter.migration import worker
from converter.migration.outcomes import Converted
from converter.migration.worker import Answer, Ready


@pytest.fixture
def start():
    """`start(parent)` starts a worker that takes orders from this process."""
    processes = []

    def call(parent):
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "converter.migration.worker", str(theirs.fileno()),
                 str(parent), "migration.fake_jobs:convert"],
                pass_fds=[theirs.fileno()],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )  # fmt: skip
        processes.append(process)
        return process, Connection(ours.detach())

    yield call
    for process in processes:
        process.kill()
        process.wait()


def test_it_runs_jobs_until_there_are_no_more(start, make_job):
    process, connection = start(os.getpid())
    assert worker.receive(connection, Ready) == Ready()
    for path in ("a", "b"):
        worker.send(connection, make_job(path))
        outcome = worker.receive(connection, Answer).outcome
        assert isinstance(outcome, Converted)
        assert (outcome.path, outcome.worker) == (path, f"here:{process.pid}")
    connection.close()
    assert process.wait(10) == 0


def test_it_ends_when_its_parent_is_another(start):
    process, connection = start(os.getpid() + 1)
    assert process.wait(10) == 1
    with pytest.raises(EOFError):
        worker.receive(connection, Answer)


def test_messages_are_json():
    ours, theirs = socket.socketpair()
    with Connection(ours.detach()) as here, Connection(theirs.detach()) as there:
        worker.send(here, Answer(None))
        assert json.loads(there.recv_bytes()) == {"message": "answer", "outcome": None}
        here.send(os.getpid)  # A pickle.
        with pytest.raises(ValueError, match="decode"):
            worker.receive(there, Answer)


def test_a_message_that_is_larger_than_any_is_not_read(monkeypatch):
    monkeypatch.setattr(worker, "_MAX_BYTES", 100)
    ours, theirs = socket.socketpair()
    with Connection(ours.detach()) as here, Connection(theirs.detach()) as there:
        worker.send(here, "x" * 101)
        with pytest.raises(OSError, match="bad message length"):
            worker.receive(there, Answer)


def test_the_collector_does_not_look_at_what_was_imported():
    script = (
        "import gc\nfrom converter.migration import worker\n"
        "run = worker._import_function('json:dumps')\n"
        "assert gc.isenabled() and gc.get_freeze_count() > 1000 and run(1) == '1'"
    )
    subprocess.run(
        [sys.executable, "-c", script], check=True, env={"PYTHONPATH": ":".join(sys.path)}
    )


def test_functions_are_found_by_name():
    assert worker.find_function("os.path:join") is os.path.join
    for name in (worker.CONVERT, worker.INSPECT):
        assert callable(worker.find_function(name))
