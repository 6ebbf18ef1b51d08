"""A runner replaces its worker, and says what became of the job that cost it."""

import pathlib

import pytest

from converter.migration.engines import Limits
from converter.migration.job_runner import JobRunner
from converter.migration.outcomes import Converted, Crashed, TimedOut


@pytest.fixture
def make_runner(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(pathlib.Path(__file__).parents[1]))
    made = []

    def make(**limits):
        made.append(JobRunner("migration.fake_jobs:convert", Limits(**limits)))
        return made[-1]

    yield make
    for runner in made:
        runner.close()


def test_a_crash_in_a_fresh_worker_is_that_of_the_job(make_runner, make_job):
    runner = make_runner()
    crashed = runner.run(make_job("crash"))
    assert isinstance(crashed, Crashed)
    assert (crashed.attempts, crashed.exit_status) == (1, -11)
    assert crashed.error.message == "its worker process was killed by SIGSEGV"
    assert "about to crash crash" in crashed.error.details
    assert isinstance(runner.run(make_job("a")), Converted)


def test_a_crash_in_a_used_worker_is_tried_again_in_a_fresh_one(make_runner, make_job):
    runner = make_runner()
    first = runner.run(make_job("a"))
    crashed = runner.run(make_job("crash"))
    assert crashed.attempts == 2
    assert runner.run(make_job("b")).worker != first.worker


def test_death_by_the_system_hints_at_memory(make_runner, make_job):
    assert "SIGKILL: the system may be out of" in make_runner().run(make_job("killed")).error.text
    assert "ended with status 3" in make_runner().run(make_job("exit")).error.text


def test_a_timeout_is_not_tried_again(make_runner, make_job):
    runner = make_runner(timeout_secs=1.0)
    runner.run(make_job("a"))
    outcome = runner.run(make_job("hang"))
    assert isinstance(outcome, TimedOut)
    assert (outcome.attempts, outcome.limit_secs) == (1, 1.0)
    assert outcome.seconds >= 1
    assert outcome.error.kind == "TimedOut"
    assert isinstance(runner.run(make_job("b")), Converted)


def test_too_much_memory_is_a_crash(make_runner, make_job):
    outcome = make_runner(memory_limit_bytes=300 << 20).run(make_job("grow"))
    assert isinstance(outcome, Crashed)
    assert outcome.memory_bytes > 300 << 20
    assert "more than the 0.29 GiB allowed" in outcome.error.message


def test_a_worker_is_replaced_after_some_jobs(make_runner, make_job):
    runner = make_runner(jobs_per_worker=2)
    workers = [runner.run(make_job(name)).worker for name in "abcde"]
    assert workers[0] == workers[1] != workers[2] == workers[3] != workers[4]


def test_a_killed_slot_does_not_try_again(make_runner, make_job):
    runner = make_runner()
    runner.run(make_job("a"))
    runner.kill()
    assert runner.run(make_job("b")).attempts == 1
