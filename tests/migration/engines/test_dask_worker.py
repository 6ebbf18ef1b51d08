"""A Dask worker: which child process runs a job, and when it ends."""

import dataclasses
import pathlib
import threading

import msgspec
import psutil
import pytest

from converter.conversion.options import ConversionOptions
from converter.files.json_values import to_json_values
from converter.migration.engines import Limits, dask_worker
from converter.migration.engines.dask_worker import close_runners, run_on_worker
from converter.migration.outcomes import Converted, Crashed
from converter.migration.worker import Answer

FAKE = "migration.fake_jobs:convert"


@pytest.fixture
def run(monkeypatch, make_job):
    """`run(name, run id, …)` runs a job, and returns its outcome and the child's process id."""
    monkeypatch.setenv("PYTHONPATH", str(pathlib.Path(__file__).parents[2]))
    monkeypatch.setattr(dask_worker, "_HELD", {})

    def call(name="a", run="r1", limits=None, **fields):
        job = to_json_values(make_job(name, **fields))
        values = run_on_worker(job, FAKE, dataclasses.asdict(limits or Limits()), run)
        outcome = msgspec.convert(values, Answer).outcome
        return outcome, int(outcome.worker.partition(":")[2] or 0)

    yield call
    for held in dask_worker._HELD.values():
        held.runner.close()


def is_gone(pid):
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_child_is_used_again_by_the_next_job_and_the_next_run(run):
    (first, one), (second, two) = run("a"), run("b", run="r2")
    assert (type(first), type(second)) == (Converted, Converted)
    assert one == two


def test_a_job_of_another_kind_has_another_child_and_the_first_is_gone(run):
    _, one = run("a")
    _, two = run("b", limits=Limits(timeout_secs=9.0))
    _, three = run(
        "c", limits=Limits(timeout_secs=9.0), options=ConversionOptions(import_ops=("x",))
    )
    assert len({one, two, three}) == 3
    assert is_gone(one)
    assert is_gone(two)
    assert len(dask_worker._HELD) == 1


def test_a_run_closes_what_it_used_last_and_no_other(run):
    _, pid = run("a", run="r1")
    run("b", run="r2")
    close_runners("r1")
    assert run("c", run="r2")[1] == pid
    close_runners("r2")
    assert is_gone(pid)
    assert run("d", run="r2")[1] != pid


def test_closing_ends_a_job_that_is_running(run):
    outcomes = []
    # A child dies with the thread that made it, so this one makes its own.
    thread = threading.Thread(target=lambda: outcomes.append(run("hang")[0]))
    thread.start()
    while not any(held.runner._worker for held in dask_worker._HELD.values()):
        thread.join(0.01)
    thread.join(2)  # It has to be ready first, on a busy machine as well.
    close_runners("r1")
    thread.join(5)
    assert isinstance(outcomes[0], Crashed)


def test_what_goes_wrong_is_a_value(run):
    assert isinstance(run("crash")[0], Crashed)
    assert isinstance(run("a")[0], Converted)
