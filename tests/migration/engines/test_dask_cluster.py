"""The Dask engine on a real cluster whose workers are killed, poisoned, frozen; `-s` tells more.

Two workers on one machine show placement, recovery and streaming. They do not show partitions of
a network, what NFS makes of a rename, or speed.
"""

import collections
import contextlib
import dataclasses
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import time

import dask
import pytest
from migration.engines import dask_cluster
from migration.engines.dask_cluster import Cluster, is_alive, kill_group, wait_for
from migration.fake_jobs import migrate_by

import converter
from converter import errors
from converter.migration.engines import dask as engine_module
from converter.migration.journal import read_journal
from converter.migration.outcomes import Converted, Crashed

# Three failures in a row are a fault of ours; one may be a race in Dask.
pytestmark = [pytest.mark.slow, pytest.mark.flaky(reruns=2)]

GOLDEN = dask_cluster.ROOT / "legacy_fixtures" / "golden"
FIXTURES = (
    "half_plus_two", "text_embedding_oov", "image_bn_dropout", "bert_tiny", "odd_endpoints",
)  # fmt: skip
REAL, FAKE = "migration.fake_jobs:real", "migration.fake_jobs:convert"
MODULES = 20


@dataclasses.dataclass(frozen=True)
class Attempt:
    """A line of the log of `fake_jobs`: a job began in process `pid`, a child of `dask_worker`."""

    time: float
    pid: int
    dask_worker: int
    path: str


@pytest.fixture
def log(tmp_path, monkeypatch):
    """`log()` returns all attempts so far."""
    path = tmp_path / "attempts"
    path.touch()
    monkeypatch.setenv("TF1HUB_TEST_LOG", str(path))

    def read():
        for line in path.read_text().splitlines():
            when, pid, parent, name = line.split(" ", 3)
            yield Attempt(float(when), int(pid), int(parent), name)

    return lambda: list(read())


@pytest.fixture
def start(tmp_path, log):
    """`start(**options)` starts a cluster, in a working directory that is none of ours."""
    assert log() == []
    with contextlib.ExitStack() as stack:

        def call(**options):
            (tmp_path / "elsewhere").mkdir()
            cluster = Cluster(tmp_path / "elsewhere", **options)
            stack.callback(cluster.close)
            if "protocol" not in options:
                cluster.wait_for_workers()
            return cluster

        yield call


class Watcher:
    """Notes when each outcome came, and acts after some of them."""

    def __init__(self, act=lambda _: None, after=0):
        self._act, self._after = act, after
        self.finished_at = collections.defaultdict(list)

    def planned(self, plan, workers):
        self.jobs, self.workers = len(plan.jobs), workers

    def started(self, path):
        pass

    def finished(self, path, outcome):
        assert outcome is not None
        self.finished_at[path].append(time.time())
        if len(self.finished_at) == self._after:
            self._act(self)


def find_in_flight(attempts, done, *, max_age_secs):
    """The youngest attempt without an outcome, if it began so lately that it still runs."""
    last = max((a for a in attempts if a.path not in done), key=lambda a: a.time, default=None)
    is_young = last is not None and time.time() - last.time < max_age_secs
    return last if is_young and is_alive(last.pid) else None


def digests(root):
    """The SHA-256 of every file of a migrated tree, but for the migration's own."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".tf1hub" not in path.parts
    }


def say(text):
    print(f"\n  {text}", end="", flush=True)  # noqa: T201


def test_a_worker_node_is_killed_in_the_middle(tmp_path, start, log):
    root = tmp_path / "src"
    for number in range(MODULES):
        # `slow` makes each take a second more, so that one is in flight when its node dies.
        name = FIXTURES[number % len(FIXTURES)]
        shutil.copytree(GOLDEN / name / "module", root / f"{name}/slow{number:02}")
    cluster = start()
    victims = []

    def kill_a_busy_node(watcher):
        attempt = wait_for(
            lambda: find_in_flight(log(), watcher.finished_at, max_age_secs=0.5), seconds=30
        )
        group = os.getpgid(attempt.dask_worker)
        (process,) = [p for p in cluster.workers if p.pid == group]
        at_kill = set(watcher.finished_at)
        kill_group(process)
        victims.append((attempt, at_kill, group, time.time()))

    watcher = Watcher(kill_a_busy_node, after=4)
    began = time.time()
    report = migrate_by(
        REAL, root, tmp_path / "dst", engine="dask", scheduler=cluster.address, watcher=watcher,
        timeout_secs=120,
    )  # fmt: skip
    ended = time.time()
    ((lost, at_kill, killed_group, killed_at),) = victims
    attempts = log()
    by_path = collections.defaultdict(list)
    for attempt in attempts:
        by_path[attempt.path].append(attempt)
    survivor = {a.dask_worker for a in attempts if a.time > killed_at}
    groups = {a.dask_worker for a in attempts}

    assert watcher.workers == 2
    assert {type(o) for o in report.outcomes} == {Converted}
    assert report.passed
    assert [len(times) for times in watcher.finished_at.values()] == [1] * MODULES
    say(f"{MODULES} jobs, each with exactly one outcome, in {ended - began:.0f} s")

    assert len(groups) == 2
    spans = {
        worker: (min(times), max(times))
        for worker in groups
        for times in [[a.time for a in attempts if a.dask_worker == worker]]
    }
    (first_began, first_ended), (second_began, second_ended) = spans.values()
    assert max(first_began, second_began) < min(first_ended, second_ended)
    shares = collections.Counter(a.dask_worker for a in attempts)
    say(f"both workers began jobs, {sorted(shares.values())} of them, in overlapping time")

    again = [a.dask_worker for a in by_path[lost.path]]
    assert len(again) == 2
    assert again[0] == lost.dask_worker
    assert survivor == {again[1]} != {lost.dask_worker}
    say(f"node {killed_group} was killed {killed_at - lost.time:.1f} s into {lost.path}, which ran"
        " again on the other")  # fmt: skip
    assert all(len(by_path[path]) == 1 for path in at_kill)
    assert len(at_kill) == 4
    twice = sorted(path for path, found in by_path.items() if len(found) > 1)
    # The one in flight, and one that may have been done, but not fetched.
    assert lost.path in twice
    assert len(twice) <= 2
    say(
        f"of the {len(at_kill)} jobs with an outcome then, none ran again; in all, {len(twice)} did"
    )

    on_victim = {a.pid for a in attempts if a.dask_worker == lost.dask_worker}
    assert not [pid for pid in on_victim if is_alive(pid)]
    say(f"its child process {sorted(on_victim)} died with it")

    converter.migrate(root, tmp_path / "local", workers=2)
    assert digests(tmp_path / "dst") == digests(tmp_path / "local")
    assert len(digests(tmp_path / "dst")) > 3 * MODULES
    say(f"all {len(digests(tmp_path / 'dst'))} files are those of a local run, byte for byte")
    state = sorted(p.name for p in (tmp_path / "dst/.tf1hub").iterdir())
    assert state == ["journal.jsonl", "lock"]
    assert not list((tmp_path / "dst").rglob(".*.*"))
    assert {p.name for p in (tmp_path / "elsewhere").iterdir()} >= {"log", "scheduler.json"}
    say("no temporary file is left")

    times = sorted(found[0] for found in watcher.finished_at.values())
    last_began = max(a.time for a in attempts)
    assert sum(t < last_began for t in times) >= MODULES - 4
    say(f"outcomes stream: {sum(t < last_began for t in times)} came before the last job began")
    history = read_journal(tmp_path / "dst")
    assert (len(history.entries), history.unfinished) == (MODULES, frozenset())
    again = migrate_by(REAL, root, tmp_path / "dst", engine="dask", scheduler=cluster.address)
    assert len(again.repeated) == MODULES
    assert len(log()) == len(attempts)
    say("run again, there is nothing to do\n")


def test_a_poison_job_has_its_outcome_and_the_others_have_theirs(start, tree, tmp_path, log):
    root = tree({"poison": None, **{f"a{i}": None for i in range(8)}})
    allowed = 1
    cluster = start(environment={"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(allowed)})
    watcher = Watcher()
    report = migrate_by(
        FAKE, root, tmp_path / "dst", engine="dask", scheduler=cluster.address, watcher=watcher,
    )  # fmt: skip
    outcomes = {outcome.path: outcome for outcome in report.outcomes}
    poison = outcomes.pop("poison")
    assert isinstance(poison, Crashed)
    assert "Dask workers that ran it were lost" in poison.error.text
    assert poison.attempts == 2
    assert {type(outcome) for outcome in outcomes.values()} == {Converted}
    assert len(outcomes) == 8
    assert {len(times) for times in watcher.finished_at.values()} == {1}
    tries = [attempt for attempt in log() if attempt.path == "poison"]
    # Dask gives a job up after so many deaths; it is sent once more, then.
    assert len(tries) == 2 * (allowed + 1)
    say(f"a job that kills its Dask worker did so {len(tries)} times, and is Crashed; the other"
        f" {len(outcomes)} are Converted\n")  # fmt: skip


def test_a_frozen_worker_is_noticed_and_its_job_runs_elsewhere(start, tree, tmp_path, log):
    root = tree({f"slow{i}": None for i in range(8)})
    cluster = start(environment={"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "2s"})
    frozen = []

    def freeze(watcher):
        attempt = wait_for(lambda: find_in_flight(log(), watcher.finished_at, max_age_secs=0.5))
        os.kill(attempt.dask_worker, signal.SIGSTOP)
        frozen.append((attempt, time.time()))

    watcher = Watcher(freeze, after=2)
    report = migrate_by(
        FAKE, root, tmp_path / "dst", engine="dask", scheduler=cluster.address, watcher=watcher,
    )  # fmt: skip
    ((attempt, when),) = frozen
    assert {type(outcome) for outcome in report.outcomes} == {Converted}
    assert [len(times) for times in watcher.finished_at.values()] == [1] * 8
    assert not is_alive(attempt.dask_worker)
    first, second = (a.time for a in log() if a.path == attempt.path)
    say(f"{attempt.path} froze with its worker, and began again {second - when:.1f} s later\n")
    assert first < when < second


def test_a_scheduler_that_is_lost_ends_the_run_and_another_goes_on(
    start, tree, tmp_path, monkeypatch
):
    root = tree({f"slow{i}": None for i in range(8)})
    monkeypatch.setattr(engine_module, "_CONNECT_SECS", 5)
    cluster = start()
    watcher = Watcher(lambda _: kill_group(cluster.scheduler), after=3)
    where = {"engine": "dask"}
    with pytest.raises(errors.ConversionError, match="scheduler is lost"):
        migrate_by(
            FAKE, root, tmp_path / "dst", scheduler=cluster.address, watcher=watcher, **where
        )
    done = {outcome.path for outcome in read_journal(tmp_path / "dst").outcomes}
    assert len(done) >= 3
    cluster.close()
    shutil.rmtree(tmp_path / "elsewhere")
    report = migrate_by(FAKE, root, tmp_path / "dst", scheduler=start().address, **where)
    assert report.passed
    assert set(report.repeated) == done
    for path in done:
        assert (tmp_path / "dst" / path / "saved_model.pb").read_text() == "."


def test_tls_as_readme_has_it(start, tree, tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    settings = {"distributed.comm.tls.ca-file": certificate}
    for role in ("scheduler", "worker", "client"):
        settings[f"distributed.comm.tls.{role}.cert"] = certificate
        settings[f"distributed.comm.tls.{role}.key"] = key
    # Dask's own rule for the names of variables.
    variables = {
        f"DASK_{name.replace('.', '__').replace('-', '_').upper()}": str(path)
        for name, path in settings.items()
    }
    variables["DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION"] = "True"
    cluster = start(workers=1, environment=variables, protocol="tls")
    assert cluster.address.startswith("tls://")
    where = {"engine": "dask", "scheduler": cluster.address}
    with dask.config.set({name: str(path) for name, path in settings.items()}):
        assert migrate_by(FAKE, tree({"a": None}), tmp_path / "dst", **where).passed


def test_the_log_is_read_as_fake_jobs_write_it(log, make_job):
    from migration import fake_jobs

    fake_jobs.convert(make_job("a b"))
    (attempt,) = log()
    assert (attempt.pid, attempt.dask_worker, attempt.path) == (os.getpid(), os.getppid(), "a b")
    assert pathlib.Path(f"/proc/{attempt.pid}").exists()
