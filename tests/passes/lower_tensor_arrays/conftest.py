"""Runs the pass over text, and over V1 graphs before and after which TensorFlow runs."""

import numpy as np
import pytest
import tensorflow as tf
from passes.lower_tensor_arrays.v1_graphs import read_graph, run

from converter import errors
from converter.ir import check, op_facts
from converter.ir.text import format_graph, parse_graph
from converter.passes.lower_tensor_arrays import lower_tensor_arrays


@pytest.fixture
def lower(make_program):
    """`lower(text)` is the graph of `text`, lowered, as a dict of lines by name."""

    def call(text):
        graph = parse_graph(text)
        check.check_graph(graph)
        lowered = lower_tensor_arrays(graph, make_program())
        check.check_graph(lowered, absent=op_facts.TENSOR_ARRAY_OPS)
        lines = format_graph(lowered).splitlines()
        return {line.split(" = ")[0]: line.partition(" = ")[2] for line in lines}

    return call


@pytest.fixture
def refusal_of(make_program):
    """`refusal_of(text)` is the message that the graph of `text` is refused with."""

    def call(text):
        graph = parse_graph(text)
        check.check_graph(graph)
        with pytest.raises(errors.UnsupportedOpError) as error:
            lower_tensor_arrays(graph, make_program())
        return str(error.value)

    return call


@pytest.fixture(autouse=True)
def _v1_control_flow():
    """Builds loops, conditionals and arrays as TensorFlow 1 does."""
    was_enabled = tf.compat.v1.control_flow_v2_enabled()
    tf.compat.v1.disable_control_flow_v2()
    yield
    if was_enabled:
        tf.compat.v1.enable_control_flow_v2()


@pytest.fixture
def compare(make_program):
    """`compare(build, feeds)` runs what `build` makes before and after the pass.

    Both have to compute the same. Returns the results, and the kinds of list ops.
    """

    def call(build, feeds):
        graph = read_graph(build)
        lowered = lower_tensor_arrays(graph, make_program())
        check.check_graph(lowered, absent=op_facts.TENSOR_ARRAY_OPS)
        expected = run(graph, feeds)
        for one, other in zip(expected, run(lowered, feeds), strict=True):
            np.testing.assert_array_equal(one, other, strict=True)
        ops = {node.op for node in lowered.nodes.values()}
        kinds = {op.removeprefix("TensorList") for op in ops if op.startswith("TensorList")}
        return expected, kinds

    return call
