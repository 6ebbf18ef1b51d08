"""Workers that a fork server made convert and compare as new processes do."""

import contextlib
import os
import pathlib
import subprocess
import sys

import pytest

from converter.conversion.options import ConversionOptions
from converter.files.source_files import digest
from converter.migration.job import Job
from converter.migration.outcomes import Converted
from converter.migration.worker import CONVERT
from converter.migration.worker_process import WorkerProcess, serving_forks
from converter.processes.forked_process import ForkedProcess

_GOLDEN = pathlib.Path(__file__).parents[2] / "legacy_fixtures/golden"
# Variables and control flow; tables and assets; gradients, losses and update ops.
_NAMES = ("while_nested", "text_embedding_oov", "conditional_batch_norm")

_THREADS = """
import os, sys
from converter.processes import fork_server
run = fork_server._prepare("converter.migration.worker:prepare", sys.argv[1])
print(len(os.listdir("/proc/self/task")), "tensorflow" in sys.modules, "numpy" in sys.modules)
"""


def _job(name, place):
    (place / "staging").mkdir(parents=True, exist_ok=True)
    return Job(
        path=name,
        source=str(_GOLDEN / name / "module"),
        destination=str(place / name),
        staging=str(place / "staging" / name),
        parity_report=str(place / "parity" / f"{name}.json"),
        options=ConversionOptions(verify=True),
    )


def _convert(server, place):
    with contextlib.closing(WorkerProcess(CONVERT, server)) as worker:
        worker.wait_until_ready()
        outcomes = {name: worker.run(_job(name, place)) for name in _NAMES}
        return outcomes, type(worker._process)


@pytest.mark.slow
def test_forked_workers_write_and_find_the_same(tmp_path):
    """Each compares its result: in a Session, called, trained, saved and loaded again."""
    with serving_forks(CONVERT) as server:
        forked, kind = _convert(server, tmp_path / "forked")
        assert kind is ForkedProcess
        again, _ = _convert(server, tmp_path / "again")  # The server is as before.
    spawned, kind = _convert(None, tmp_path / "spawned")
    assert kind is subprocess.Popen
    for name in _NAMES:
        for outcome in (forked[name], again[name], spawned[name]):
            assert isinstance(outcome, Converted), outcome
            assert outcome.parity.passed
        assert forked[name].parity.tensors == spawned[name].parity.tensors > 0
        digests = [digest(tmp_path / p / name) for p in ("forked", "again", "spawned")]
        assert len(set(digests)) == 1
    assert forked[_NAMES[0]].worker != again[_NAMES[0]].worker


@pytest.mark.slow
def test_what_is_imported_before_the_fork_starts_no_thread():
    done = subprocess.run(
        [sys.executable, "-c", _THREADS, CONVERT], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.stdout.split() == ["1", "True", "True"]
