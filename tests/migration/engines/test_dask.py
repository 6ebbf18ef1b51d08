"""The Dask engine, with a scheduler and a worker of two threads in this process."""

import contextlib
import importlib
import itertools
import os
import pathlib
import socket
import subprocess
import sys
import time
import types

import distributed
import psutil
import pytest

from converter import errors
from converter.files.json_values import to_json_values
from converter.migration.engines import Finished, Limits, Started, dask_worker
from converter.migration.engines import dask as engine_module
from converter.migration.engines.dask import DaskEngine
from converter.migration.outcomes import Converted, Crashed, TimedOut
from converter.migration.worker import Answer

FAKE = "migration.fake_jobs:convert"
THREADS = 2


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=THREADS,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address=":0",
    ) as started:
        yield started
    for held in dask_worker._HELD.values():
        held.runner.close()
    dask_worker._HELD.clear()


@pytest.fixture(autouse=True)
def _path(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(pathlib.Path(__file__).parents[2]))


@pytest.fixture
def make_engine(cluster):
    numbers = itertools.count()

    def make(limits=None):
        run = f"{os.getpid()}-{next(numbers)}"
        return DaskEngine(cluster.scheduler_address, limits or Limits(), run)

    return make


def never():
    return False


def collect(events):
    outcomes, started = {}, set()
    for event in events:
        if isinstance(event, Started):
            started.add(event.job.path)
        else:
            assert event.job.path not in outcomes
            outcomes[event.job.path] = event.outcome
    assert started == set(outcomes)
    return outcomes


def our_tasks(cluster):
    return [key for key in list(cluster.scheduler.tasks) if str(key).startswith("tf1hub-")]


def is_soon(condition):
    """Whether it holds within some seconds; the scheduler hears of things a moment later."""
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def children():
    found = psutil.Process().children()
    return [child for child in found if "converter.migration.worker" in child.cmdline()]


def test_every_job_has_one_outcome_whatever_the_others_do(make_engine, make_job, cluster):
    names = ["a1", "crash", "a2", "hang", "a3", "exit", "a4"]
    engine = make_engine(Limits(timeout_secs=2))
    assert engine.workers == THREADS
    outcomes = collect(engine.run([make_job(name) for name in names], FAKE, never))
    assert {name: type(outcome) for name, outcome in outcomes.items()} == {
        **dict.fromkeys(["a1", "a2", "a3", "a4"], Converted),
        **dict.fromkeys(["crash", "exit"], Crashed),
        "hang": TimedOut,
    }
    assert is_soon(lambda: not our_tasks(cluster))
    assert not children()


def test_no_more_is_sent_than_can_begin_soon_and_results_are_released(
    make_engine, make_job, cluster
):
    jobs = [make_job(f"a{i}") for i in range(20)]
    most = 0
    for event in make_engine().run(jobs, FAKE, never):
        if isinstance(event, Finished):
            most = max(most, len(our_tasks(cluster)))
    assert 1 <= most <= 2 * THREADS + 1


def test_two_runs_with_the_same_jobs_do_not_share_results(make_engine, make_job):
    jobs = [make_job(f"slow{i}") for i in range(2)]
    first, second = (make_engine().run(jobs, FAKE, never) for _ in range(2))
    begun = [next(first), next(second)]
    assert all(isinstance(event, Started) for event in begun)
    assert len(collect(itertools.chain(begun[:1], first))) == 2
    assert len(collect(itertools.chain(begun[1:], second))) == 2
    for job in jobs:
        assert pathlib.Path(job.destination, "saved_model.pb").read_text() == ".."


def test_names_may_be_any_bytes(make_engine, make_job):
    name = os.fsdecode(b"a\xff")
    assert isinstance(collect(make_engine().run([make_job(name)], FAKE, never))[name], Converted)


def test_stopping_finishes_what_was_sent(make_engine, make_job, cluster):
    done = []
    jobs = [make_job(f"slow{i}") for i in range(9)]
    for event in make_engine().run(jobs, FAKE, lambda: bool(done)):
        if isinstance(event, Finished):
            done.append(event.outcome)
    assert 2 <= len(done) <= 2 * THREADS + 1
    assert {type(outcome) for outcome in done} == {Converted}
    assert is_soon(lambda: not our_tasks(cluster))


def test_closing_stops_everything_at_once(make_engine, make_job, cluster):
    with contextlib.closing(
        make_engine().run([make_job("hang"), make_job("hang2")], FAKE, never)
    ) as events:
        next(events)
        next(events)
        assert is_soon(lambda: len(children()) == 2)
    assert is_soon(lambda: not our_tasks(cluster))
    assert is_soon(lambda: not children())


# What a cluster makes of lost workers, told by a script; `test_dask_cluster.py` has the real thing.


class Future:
    """One whose state is gone, as that of a result which was lost while it was fetched."""

    status = "pending"

    def __init__(self, key, answers):
        self.key, self.is_released, self._answers = key, False, answers

    def result(self):
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def release(self):
        self.is_released = True


class Client:
    """Runs nothing: `answers` has what comes of each job that is sent, in that order."""

    loop = None

    def __init__(self, answers):
        self.answers, self.sent, self.is_closed = list(answers), [], False

    def ncores(self):
        return {"tcp://1": 1}

    def submit(self, function, *arguments, key, pure):
        assert function is dask_worker.run_on_worker
        assert not pure
        self.sent.append((key, arguments[0]))
        return Future(key, self.answers)

    def cancel(self, futures, force):
        assert force
        self.cancelled = [future.key for future in futures]

    def run(self, function, run, on_error):
        assert function is dask_worker.close_runners
        assert on_error == "ignore"
        self.closed_run = run

    def close(self):
        self.is_closed = True


@pytest.fixture
def scripted(monkeypatch):
    """`scripted(answers)` is an engine and its client; an answer is a value or an exception."""

    def make(answers):
        client = Client(answers)
        futures = []

        class Completed:
            def __init__(self, **options):
                assert options == {"loop": None}

            def add(self, future):
                futures.append(future)

            def __iter__(self):
                while futures:
                    future = futures.pop(0)
                    yield future
                    assert future.is_released

        monkeypatch.setattr(engine_module, "_connect", lambda _: client)
        monkeypatch.setattr(distributed, "as_completed", Completed)
        return DaskEngine("tcp://x:1", Limits(), "run"), client

    return make


def killed():
    return distributed.KilledWorker("key", types.SimpleNamespace(address="w"), 3)


def good(job):
    outcome = Converted(path=job.path, source="", destination="", destination_bytes=1, record="r")
    return to_json_values(Answer(outcome))


def test_a_job_that_is_lost_with_its_worker_is_sent_again_once(scripted, make_job):
    job = make_job("a")
    engine, client = scripted([killed(), good(job)])
    assert isinstance(collect(engine.run([job], FAKE, never))["a"], Converted)
    assert [values["attempt"] for _, values in client.sent] == [1, 2]
    assert len({key for key, _ in client.sent}) == 2
    assert client.is_closed


def test_one_that_is_lost_twice_has_crashed_and_the_others_go_on(scripted, make_job):
    jobs = [make_job(name) for name in "abc"]
    # Two are sent at once; `a` again after `b`.
    engine, _ = scripted([killed(), good(jobs[1]), killed(), good(jobs[2])])
    outcomes = collect(engine.run(jobs, FAKE, never))
    assert {p: type(o) for p, o in outcomes.items()} == {
        "a": Crashed,
        "b": Converted,
        "c": Converted,
    }
    assert outcomes["a"].attempts == 2


def test_a_worker_that_cannot_run_jobs_ends_the_run(scripted, make_job):
    engine, client = scripted([ModuleNotFoundError("converter")] * 2)
    with pytest.raises(
        errors.ConversionError, match=r"ModuleNotFoundError: converter.*all machines"
    ):
        collect(engine.run([make_job("a")], FAKE, never))
    assert client.closed_run == "run"
    assert client.is_closed


def test_a_scheduler_that_has_dropped_the_jobs_ends_the_run(scripted, make_job):
    engine, client = scripted([distributed.CancelledError("x")])
    with pytest.raises(errors.ConversionError, match="run the same command to resume"):
        collect(engine.run([make_job("a"), make_job("b")], FAKE, never))
    assert client.cancelled == ["tf1hub-run-1"]


def test_a_scheduler_that_does_not_answer_ends_the_run(scripted, make_job, monkeypatch):
    job = make_job("a")
    engine, client = scripted([good(job)])
    events = engine.run([job], FAKE, never)
    next(events)

    def fail():
        raise OSError("Timed out")

    monkeypatch.setattr(client, "ncores", fail)
    with pytest.raises(errors.ConversionError, match="scheduler is lost"):
        list(events)


# Wrong use.


def test_the_engine_names_the_extra_that_it_needs(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, engine_module.__name__)
    with pytest.raises(errors.UsageError, match=r"Install tf1hub-converter\[dask\]"):
        importlib.import_module(engine_module.__name__)


def test_no_scheduler_is_wrong_use(monkeypatch):
    monkeypatch.setattr(engine_module, "_CONNECT_SECS", 0.5)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(errors.UsageError, match="there is no Dask scheduler at"):
            DaskEngine(address, Limits(), "run")
    with pytest.raises(errors.UsageError, match="there is no Dask scheduler at"):
        DaskEngine("what://is:this", Limits(), "run")


def test_a_scheduler_without_workers_is_wrong_use(monkeypatch):
    monkeypatch.setattr(engine_module, "_WAIT_FOR_WORKERS_SECS", 0.5)
    with (
        distributed.LocalCluster(
            n_workers=0, processes=False, protocol="tcp", host="127.0.0.1", dashboard_address=":0"
        ) as empty,
        pytest.raises(errors.UsageError, match="has no workers"),
    ):
        DaskEngine(empty.scheduler_address, Limits(), "run")


def test_without_the_package_it_says_what_to_install():
    script = (
        "import sys; sys.modules['distributed'] = None\n"
        "import converter\n"
        "try: import converter.migration.engines.dask\n"
        "except converter.UsageError as error: print(error)\n"
    )
    root = pathlib.Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    assert "Install tf1hub-converter[dask]" in done.stdout
