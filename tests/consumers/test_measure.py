"""A family's cells are measured in processes, which a consumer may end."""

import json
import os

import pytest

from consumers import measure
from consumers.names import CONSUMER_NAMES, HUB, KERAS_3, TFJS_CONVERTER, TFJS_MODULES

_NAMES = CONSUMER_NAMES[:3]
_ORDINARY = f"ordinary:{_NAMES[1]}"


class _Processes:
    """Stands in for `subprocess.run`: tasks of `errors` fail, those of `ends` end the process."""

    def __init__(self, errors, ends):
        self.errors, self.ends, self.started = errors, ends, []

    def __call__(self, command, **_):
        results, tasks = command[4], command[5:]
        self.started.append(tasks)
        with open(results, "a") as file:
            for task in tasks:
                print(json.dumps({"task": task}), file=file)
                if task in self.ends:
                    return _Done(-os.EX_SOFTWARE, "aborted")
                print(json.dumps({"task": task, "error": self.errors.get(task)}), file=file)
        return _Done(0, "")


class _Done:
    def __init__(self, returncode, stderr):
        self.returncode, self.stderr = returncode, stderr


@pytest.mark.parametrize("ordinary", ["fails", "works", "ends"])
def test_a_consumer_that_ends_the_process_is_a_no(ordinary, monkeypatch):
    errors = {_ORDINARY: "an error"} if ordinary == "fails" else {}
    ends = {_NAMES[1]} | ({_ORDINARY} if ordinary == "ends" else set())
    processes = _Processes(errors, ends)
    monkeypatch.setattr(measure.subprocess, "run", processes)
    found = measure.measure("BERT", _NAMES)
    assert found[_NAMES[0]].error is found[_NAMES[2]].error is None
    assert "the process ends" in found[_NAMES[1]].error
    assert found[_NAMES[1]].ordinary_works == (ordinary == "works")
    assert processes.started[:2] == [list(_NAMES), [_ORDINARY, _NAMES[2]]]


def test_a_process_that_ends_outside_of_cells_is_a_fault(monkeypatch):
    monkeypatch.setattr(measure.subprocess, "run", lambda *_, **__: _Done(1, "no such module"))
    with pytest.raises(RuntimeError, match="no such module"):
        measure.measure("BERT", _NAMES)


def test_tools_of_other_environments_are_found_by_variables(monkeypatch):
    monkeypatch.delenv(TFJS_CONVERTER, raising=False)
    assert "TF.js" not in measure.available_consumers()
    monkeypatch.setenv(TFJS_CONVERTER, "a")
    monkeypatch.setenv(TFJS_MODULES, "b")
    assert "TF.js" in measure.available_consumers()


@pytest.mark.parametrize(
    ("versions", "missing", "left_out"),
    [
        ({"tensorflow": "2.21.0", "keras": "3.15.1"}, "nothing", ()),
        ({"tensorflow": "2.15.1", "keras": "2.15.0"}, "tf_keras", KERAS_3),
        ({"tensorflow": "2.21.0", "keras": "3.15.1"}, "tf_keras", HUB),
        ({"tensorflow": "2.21.0", "keras": "3.15.1"}, "tensorflow_hub", HUB),
        ({"tensorflow": "2.21.0", "keras": "3.15.1"}, "tf2onnx", ("ONNX",)),
    ],
)
def test_cells_are_left_out_whose_packages_are_missing(versions, missing, left_out, monkeypatch):
    monkeypatch.setenv(TFJS_CONVERTER, "a")
    monkeypatch.setenv(TFJS_MODULES, "b")
    monkeypatch.setattr(measure.importlib.metadata, "version", versions.__getitem__)
    monkeypatch.setattr(measure, "_is_installed", lambda package: package != missing)
    assert set(CONSUMER_NAMES) - set(measure.available_consumers()) == set(left_out)
