"""TensorFlow survives what the converter lets it import; `scripts/find_aborts` looks for more."""

import json
import os
import subprocess
import sys

import pytest

from converter.ir import op_facts
from converter.safety.op_table import read_table

# In a process of its own: TensorFlow must not have run anything before a fork.
_SWEEP = """
import json, sys
from aborts.sweep import Counts, list_ops, sweep
ops, each, seed, checked = json.loads(sys.argv[1])
counts = Counts()
deaths = [str(death) for death in sweep(ops or list_ops(), each, seed, counts, checked=checked)]
print(json.dumps([deaths, vars(counts)]))
"""
# A tenth of the ops that can be drawn, and those that have ended a process.
_ABORTING = [
    "BatchToSpaceND", "BoostedTreesAggregateStats", "BoostedTreesTrainingPredict", "GatherV2",
    "Pad", "SplitV", "Transpose",
]  # fmt: skip


def _sweep(ops, each, seed, *, checked):
    folders = [folder for folder in sys.path if folder]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}
    arguments = json.dumps([ops, each, seed, checked])
    done = subprocess.run(
        [sys.executable, "-c", _SWEEP, arguments],
        env=environment, stdout=subprocess.PIPE, check=True, timeout=600,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def _some_ops():
    allowed = [op for op, found in sorted(read_table().items()) if found.kind.is_allowed]
    return [op for op in allowed if op_facts.find_op_def(op) is not None][::10]


@pytest.mark.slow
def test_tensorflow_survives_what_is_not_refused():
    ops = sorted({*_some_ops(), *_ABORTING})
    deaths, counts = _sweep(ops, 20, 1, checked=True)
    assert deaths == []
    assert counts["ops"] == len(ops)
    assert counts["imported"] > len(ops)


@pytest.mark.slow
def test_the_search_finds_what_would_end_the_process():
    deaths, _ = _sweep(["SplitV"], 100, 1, checked=False)
    assert deaths
    assert all(death.startswith("SplitV: SIGABRT: Check failed") for death in deaths)
