"""Random programs of V1 control flow, converted, saved, reloaded and held to a V1 Session."""

import collections

import hypothesis
import pytest
import tensorflow.compat.v1 as tf1

from fuzz import oracle
from fuzz.program import depth, features, parse
from fuzz.regressions import REGRESSIONS
from fuzz.strategies import programs
from fuzz.v1 import op_types, v1_graph


def _check_many(count, seed):
    @hypothesis.seed(seed)
    @hypothesis.settings(max_examples=count, derandomize=False)
    @hypothesis.given(programs())
    def check(program):
        outcome = oracle.check_program(program)
        hypothesis.assume(outcome.kind is not oracle.Kind.INVALID)

    check()


def test_random_programs():
    _check_many(count=3, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 5))
def test_many_random_programs(seed):
    _check_many(count=100, seed=seed)


@pytest.mark.parametrize("name", REGRESSIONS)
def test_regression(name):
    outcome = oracle.check_program(REGRESSIONS[name])
    assert outcome.kind is oracle.Kind.EQUAL, outcome


# The generator, and V1 alone.


@pytest.mark.parametrize("name", REGRESSIONS)
def test_v1_runs_regressions_the_same_each_time(name, tmp_path):
    oracle.write_program(REGRESSIONS[name], tmp_path / "module")
    original = oracle.run_original(REGRESSIONS[name], tmp_path / "module")
    again = oracle.run_original(REGRESSIONS[name], tmp_path / "module")
    assert original.observations
    for one, other in zip(original.observations, again.observations, strict=True):
        assert not one.gradient_error
        assert repr(one) == repr(other)


def test_graphs_hold_v1_ops_and_settings_are_put_back():
    before = tf1.control_flow_v2_enabled()
    with v1_graph() as graph:
        oracle.build(REGRESSIONS["array_written_in_conds_in_a_loop"])
    assert tf1.control_flow_v2_enabled() == before
    assert {"Enter", "Exit", "LoopCond", "Merge", "NextIteration", "Switch"} <= op_types(graph)
    assert {"TensorArrayV3", "TensorArrayWriteV3", "TensorArrayGatherV3"} <= op_types(graph)
    assert not {"While", "StatelessWhile", "If", "StatelessIf"} & op_types(graph)


def test_differentiating_v1_puts_settings_back(tmp_path):
    before = tf1.control_flow_v2_enabled()
    oracle.write_program(REGRESSIONS["array_that_grows"], tmp_path / "module")
    oracle.run_original(REGRESSIONS["array_that_grows"], tmp_path / "module")
    assert tf1.control_flow_v2_enabled() == before


def test_programs_print_as_they_are_read():
    for program in REGRESSIONS.values():
        assert parse(str(program)) == program


def test_random_programs_hold_everything():
    found = collections.Counter()

    @hypothesis.settings(max_examples=200, phases=[hypothesis.Phase.generate])
    @hypothesis.given(programs())
    def count(program):
        found.update(features(program))
        assert depth(program.body) <= 4

    count()
    assert {"zero-trip loop", "growing loop", "back_prop=False", "loop with effects",
            "cond that writes an array", "maximum_iterations", "ref update", "Check",
            "loop with condition", "depth 3", "Lookup", "Unstack"} <= set(found)  # fmt: skip
