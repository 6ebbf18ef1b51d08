"""A worker process: what it survives, and that it takes all with it when it is killed."""

import os
import pathlib
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
)


@pytest.fixture
def process(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(pathlib.Path(__file__).parents[1]))
    made = WorkerProcess("migration.fake_jobs:convert")
    made.wait_until_ready()
    yield made
    made.close()


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
    assert not psutil.pid_exists(process._process.pid)


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
    assert 1.0 <= time.monotonic() - began < 5
    child = int(pathlib.Path(job.staging).with_suffix(".pid").read_text())
    _wait_until_dead(child)


def test_a_limit_of_time_is_for_each_job(process, make_job):
    for _ in range(3):
        process.run(make_job("slow"), timeout_secs=2.0)


def test_a_greedy_job_is_killed(process, make_job):
    limit = 400 << 20
    with pytest.raises(TooMuchMemoryError) as caught:
        process.run(make_job("grow"), memory_limit_bytes=limit)
    assert limit < caught.value.memory_bytes < 4 * limit


def test_a_worker_that_does_not_start_is_an_internal_error():
    process = WorkerProcess("converter.nowhere:run")
    with pytest.raises(errors.InternalError, match=r"No module named 'converter.nowhere'"):
        process.wait_until_ready()
    process.close()


def test_it_has_no_part_in_the_terminal_s_interrupts(process, make_job):
    pid = pid_of(process.run(make_job("a")))
    assert os.getpgid(pid) == pid != os.getpgid(0)
