"""Runs the cells of families, each family in processes of its own."""

import dataclasses
import importlib.metadata
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from consumers.names import CONSUMER_NAMES, EXTERNAL_TOOLS, HUB, KERAS_3, PACKAGES

_ROOT = pathlib.Path(__file__).parents[2]
_ORDINARY = "ordinary:"
# Far more than a family takes: what hangs has to end.
_TIMEOUT_SECS = 3600


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a cell came to.

    Attributes:
      error: What the converted module fails with; None if all is as it should be.
      ordinary_works: Whether an ordinary model works where the converted module fails.
    """

    error: str | None
    ordinary_works: bool | None = None


def available_consumers():
    """The consumers whose packages and tools are here."""
    return [name for name in CONSUMER_NAMES if _is_available(name)]


def _is_available(name):
    has_keras_3 = _minor_version("tensorflow") >= (2, 16) and _minor_version("keras") >= (3, 5)
    has_hub = _is_installed("tensorflow_hub")
    # From 2.16 on, `tf.keras` is Keras 3, and tensorflow_hub needs tf_keras.
    has_hub = has_hub and (_minor_version("tensorflow") < (2, 16) or _is_installed("tf_keras"))
    return (
        (name not in KERAS_3 or has_keras_3)
        and (name not in HUB or has_hub)
        and all(map(_is_installed, PACKAGES.get(name, ())))
        and all(os.environ.get(tool) for tool in EXTERNAL_TOOLS.get(name, ()))
    )


def _is_installed(package):
    return importlib.util.find_spec(package) is not None


def _minor_version(package):
    return tuple(int(part) for part in importlib.metadata.version(package).split(".")[:2])


def measure(family, consumers):
    """Runs the cells of a family; returns their outcomes by consumer."""
    with tempfile.TemporaryDirectory() as folder:
        results = pathlib.Path(folder) / "results.jsonl"
        results.touch()
        tasks = list(consumers)
        while tasks:
            tasks = _run(family, results, tasks)
        lines = [json.loads(line) for line in results.read_text().splitlines()]
    errors = {line["task"]: line["error"] for line in lines if "error" in line}
    return {name: _outcome(name, errors) for name in consumers}


def _run(family, results, tasks):
    """Runs tasks in a process until it ends; returns those that are left."""
    path = os.pathsep.join([str(_ROOT), str(_ROOT / "tests")])
    done = subprocess.run(
        [sys.executable, "-m", "consumers.child", family, str(results), *tasks],
        env={**os.environ, "PYTHONPATH": path}, timeout=_TIMEOUT_SECS,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode == 0:
        return []
    lines = results.read_text().splitlines()
    last = json.loads(lines[-1]) if lines else {"error": None}
    if "error" in last:  # Not in a cell: a fault of this test.
        raise RuntimeError(f"the process of {family} ended: {done.stderr[-4000:]}")
    task = last["task"]
    with results.open("a") as file:
        error = f"the process ends ({done.returncode}): {done.stderr[-200:]}"
        print(json.dumps({"task": task, "error": error}), file=file)
    name = task.removeprefix(_ORDINARY)
    rest = tasks[[t.removeprefix(_ORDINARY) for t in tasks].index(name) + 1 :]
    return rest if task.startswith(_ORDINARY) else [_ORDINARY + name, *rest]


def _outcome(name, errors):
    if errors[name] is None:
        return Outcome(None)
    return Outcome(errors[name], errors[_ORDINARY + name] is None)
