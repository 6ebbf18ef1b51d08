"""A worker process: what it survives, and that it takes all with it when it is killed."""

import contextlib
import os
import pathlib
import threading
import time

import psutil
import pytest

from converter import errors
from converter.migration.outcomes import Converted, Refused
from converter.migration.worker_process import (
    TooMuchMemoryError,
    TooSlowError,
    WorkerDiedError,
    WorkerProcess,
    serving_forks,
)
from converter.processes.forked_process import ForkedProcess

FAKE = "migration.fake_jobs:convert"


@pytest.fixture(autouse=True)
def _path(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(pathlib.Path(__file__).parents[1]))


@pytest.fixture(params=["forked", "spawned"])
def process(request):
    started = serving_forks(FAKE) if request.param == "forked" else contextlib.nullcontext()
    with started as server, contextlib.closing(WorkerProcess(FAKE, server)) as made:
        made.wait_until_ready()
        assert isinstance(made._process, ForkedProcess) == (request.param == "forked")
        yield made


def _wait_until_dead(pid):
    """The kernel may need a moment; nobody may be there to bury what is dead."""
    end = time.monotonic() + 10
    while _is_alive(pid):
        assert time.monotonic() < end, f"process {pid} lives"
        time.sleep(0.02)


def _is_alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def pid_of(outcome):
    return int(outcome.worker.split(":")[1])


def test_it_is_used_again(process, make_job):
    first, second = process.run(make_job("a")), process.run(make_job("refuse"))
    assert isinstance(first, Converted)
    assert isinstance(second, Refused)
    assert first.worker == second.worker
    assert process.jobs_done == 2


def test_a_crash_tells_the_last_words(process, make_job):
    with pytest.raises(WorkerDiedError) as caught:
        process.run(make_job("crash"))
    assert caught.value.exit_status == -11
    assert "about to crash" in caught.value.last_words
    assert "Segmentation fault" in caught.value.last_words
    assert "fake_jobs.py" in caught.value.last_words


def test_an_exit_tells_its_status(process, make_job):
    with pytest.raises(WorkerDiedError) as caught:
        process.run(make_job("exit"))
    assert caught.value.exit_status == 3


def test_what_an_earlier_job_wrote_is_forgotten(process, make_job):
    process.run(make_job("chatty"))
    assert process._log.seek(0, os.SEEK_END) > 10_000
    process.run(make_job("a"))
    assert process._log.seek(0, os.SEEK_END) == 0
    with pytest.raises(WorkerDiedError) as caught:
        process.run(make_job("crash"))
    assert caught.value.last_words.startswith("about to crash")


@pytest.mark.parametrize("name", ["answer_nothing", "answer_other", "answer_text", "answer_large"])
def test_an_answer_that_is_no_outcome_costs_the_worker_its_life(process, make_job, name):
    with pytest.raises(WorkerDiedError):
        process.run(make_job(name))
    assert not _is_alive(process._process.pid)


def test_it_cannot_be_used_after_its_death(process, make_job):
    process.run(make_job("a"))
    process.kill()
    with pytest.raises(WorkerDiedError):
        process.run(make_job("b"))


def test_a_slow_job_is_killed_with_all_it_started(process, make_job):
    job = make_job("child")
    began = time.monotonic()
    with pytest.raises(TooSlowError):
        process.run(job, timeout_secs=1.0)
    assert 1.0 <= time.monotonic() - began < 30
    child = int(pathlib.Path(job.staging).with_suffix(".pid").read_text())
    _wait_until_dead(child)


def test_a_limit_of_time_is_for_each_job(process, make_job):
    for _ in range(5):
        process.run(make_job("slow"), timeout_secs=4.0)


def test_a_greedy_job_is_killed(process, make_job):
    limit = 400 << 20
    with pytest.raises(TooMuchMemoryError) as caught:
        process.run(make_job("grow"), memory_limit_bytes=limit)
    assert limit < caught.value.memory_bytes < 4 * limit


@pytest.mark.parametrize("is_forked", [True, False])
def test_a_worker_that_does_not_start_is_an_internal_error(is_forked):
    name = "converter.nowhere:run"
    with serving_forks(name) as server:
        process = WorkerProcess(name, server if is_forked else None)
        with pytest.raises(errors.InternalError, match=r"No module named 'converter\.nowhere'"):
            process.wait_until_ready()
        process.close()


def test_a_worker_is_replaced_in_no_time(make_job):
    with serving_forks(FAKE) as server:
        WorkerProcess(FAKE, server).close()
        began = time.monotonic()
        for _ in range(10):
            with contextlib.closing(WorkerProcess(FAKE, server)) as process:
                process.wait_until_ready()
                assert isinstance(process.run(make_job("a")), Converted)
        assert time.monotonic() - began < 3  # A new Python alone takes a tenth of that each.


def test_without_its_server_a_worker_dies_and_the_next_is_a_new_process(make_job):
    with serving_forks(FAKE) as server, contextlib.ExitStack() as stack:
        process = stack.enter_context(contextlib.closing(WorkerProcess(FAKE, server)))
        process.wait_until_ready()
        pid = pid_of(process.run(make_job("a")))
        server.kill()
        _wait_until_dead(pid)
        with pytest.raises(WorkerDiedError) as caught:
            process.run(make_job("b"))
        assert caught.value.exit_status == -9
        other = stack.enter_context(contextlib.closing(WorkerProcess(FAKE, server)))
        other.wait_until_ready()
        assert not isinstance(other._process, ForkedProcess)
        assert isinstance(other.run(make_job("b")), Converted)


def test_there_is_no_server_where_forks_are_unsafe(monkeypatch):
    monkeypatch.setattr("sys.platform", "darwin")
    with serving_forks(FAKE) as server:
        assert server is None


def test_it_can_be_killed_while_another_thread_waits_for_it(process, make_job):
    threading.Timer(0.3, process.kill).start()
    with pytest.raises(WorkerDiedError) as caught:
        process.run(make_job("hang"))
    assert caught.value.exit_status == -9


def test_it_has_no_part_in_the_terminal_s_interrupts(process, make_job):
    pid = pid_of(process.run(make_job("a")))
    assert os.getpgid(pid) == pid != os.getpgid(0)
