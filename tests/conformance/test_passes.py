"""Every pass rewrites a fixture, and shows in its docstring what it does."""

import importlib
import inspect

import pytest

from conformance.coverage import assert_covered
from conformance.fixture_modules import calls, module_paths
from converter.passes.pipeline import PIPELINE

_EXEMPT: dict[str, str] = {}


def _rewriting() -> set[str]:
    """The passes that change a graph of a fixture; looks no further than it has to."""
    found: set[str] = set()
    for path in module_paths():
        for graph, program in calls(path):
            for step in PIPELINE:
                after = step.apply(graph, program)
                if after is not graph:
                    found.add(step.name)
                graph = after
        if len(found) == len(PIPELINE):
            break
    return found


def test_every_pass_rewrites_a_fixture():
    assert_covered({step.name for step in PIPELINE}, _rewriting(), _EXEMPT)


@pytest.mark.parametrize("step", PIPELINE, ids=lambda step: step.name)
def test_every_pass_shows_what_it_does(step):
    text = importlib.import_module(step.apply.__module__).__doc__ or inspect.getdoc(step.apply)
    assert "Before" in text
    assert "After" in text
