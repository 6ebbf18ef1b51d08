"""The local engine: jobs in, events out, and nothing left behind."""

import contextlib
import pathlib
import subprocess
import sys
import time

import psutil
import pytest

from converter import errors
from converter.files.json_values import encode
from converter.migration.engines import Finished, Limits, Started
from converter.migration.engines.local import LocalEngine
from converter.migration.outcomes import Converted, Crashed, TimedOut

FAKE = "migration.fake_jobs:convert"
_SERVER = "converter.processes.fork_server"


@pytest.fixture(autouse=True)
def _path(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(pathlib.Path(__file__).parents[2]))


def never():
    return False


def collect(events):
    outcomes, started = {}, []
    for event in events:
        if isinstance(event, Started):
            started.append(event.job.path)
        else:
            assert event.job.path not in outcomes
            outcomes[event.job.path] = event.outcome
    assert sorted(started) == sorted(outcomes)
    return outcomes


def processes_below(pid):
    """The fork server and the workers that it has started."""
    found = psutil.Process(pid).children(recursive=True)
    return [process for process in found if _SERVER in process.cmdline()]


def test_every_job_has_one_outcome_whatever_the_others_do(make_job):
    names = ["a1", "crash", "a2", "hang", "a3", "exit", "a4"]
    engine = LocalEngine(2, Limits(timeout_secs=2))
    outcomes = collect(engine.run([make_job(name) for name in names], FAKE, never))
    assert {name: type(outcome) for name, outcome in outcomes.items()} == {
        **dict.fromkeys(["a1", "a2", "a3", "a4"], Converted),
        **dict.fromkeys(["crash", "exit"], Crashed),
        "hang": TimedOut,
    }
    assert not processes_below(psutil.Process().pid)


def test_jobs_run_side_by_side(make_job):
    outcomes = collect(LocalEngine(2).run([make_job(f"slow{i}") for i in range(4)], FAKE, never))
    assert len({outcome.worker for outcome in outcomes.values()}) == 2


def test_there_are_no_more_workers_than_jobs(make_job):
    outcomes = collect(LocalEngine(8).run([make_job("a")], FAKE, never))
    assert list(outcomes) == ["a"]


def test_stopping_finishes_what_is_running(make_job):
    done = []
    jobs = [make_job(f"slow{i}") for i in range(9)]
    for event in LocalEngine(2).run(jobs, FAKE, lambda: bool(done)):
        if isinstance(event, Finished):
            done.append(event.outcome)
    assert 2 <= len(done) <= 4
    assert all(isinstance(outcome, Converted) for outcome in done)


def test_closing_stops_everything_at_once(make_job):
    jobs = [make_job("hang"), make_job("hang2")]
    with contextlib.closing(LocalEngine(2).run(jobs, FAKE, never)) as events:
        next(events)
        next(events)
        assert len(processes_below(psutil.Process().pid)) == 3
        began = time.monotonic()
    assert time.monotonic() - began < 30
    assert not processes_below(psutil.Process().pid)


def test_workers_that_do_not_start_are_an_error(make_job):
    with pytest.raises(errors.InternalError, match="does not start"):
        collect(LocalEngine(2).run([make_job("a"), make_job("b")], "converter.nowhere:x", never))


SCRIPT = """
import sys
from converter.files.json_values import decode
from converter.migration.engines.local import LocalEngine
from converter.migration.job import Job
job = decode(sys.argv[1], Job)
for event in LocalEngine(1).run([job], "migration.fake_jobs:convert", lambda: False):
    print("started", flush=True)
"""


def test_workers_die_with_their_parent(make_job):
    root = pathlib.Path(__file__).parents[3]
    script = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, encode(make_job("hang"))],
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": f"{root}:{root / 'tests'}"},
    )
    with script:
        assert script.stdout.readline() == b"started\n"
        processes = processes_below(script.pid)
        assert len(processes) == 2
        script.kill()
    gone, alive = psutil.wait_procs(processes, timeout=5)
    assert (len(gone), alive) == (2, [])
