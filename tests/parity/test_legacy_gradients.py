import numpy as np
import pytest
import tensorflow as tf
import tensorflow.compat.v1 as tf1
from tensorflow.core.framework import graph_pb2

import converter
from converter.assemble import overridden_gradients
from converter.ir import serde
from converter.ir.text import parse_graph
from converter.parity.checks import CHECKS
from converter.parity.legacy_gradients import (
    STOPPED,
    UNRESOLVED,
    find_marked_functions,
    passes_unresolved,
    prepare_overrides,
    register_gradients,
)
from converter.parity.verify import verify


def _graph_def(*lines, functions=()):
    graph_def = graph_pb2.GraphDef()
    graph_def.CopyFrom(serde.graph_def_from_nodes(parse_graph("\n".join(lines)).nodes.values(), 0))
    graph_def.library.function.extend(functions)
    return graph_def


def _override(node):
    return node.attr["_gradient_op_type"].s.decode() if "_gradient_op_type" in node.attr else None


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ('n = Sign[_gradient_op_type="Identity"](x)', "Identity"),
        ('n = Sign[_gradient_op_type="Shape"](x)', STOPPED),
        ('n = Sign[_gradient_op_type="Mine"](x)', UNRESOLVED),
        ('n = Maximum[_gradient_op_type="GDNLowerBound"](x)', "TF1Hub/GDNLowerBound"),
        ('n = PartitionedCall[_gradient_op_type="PartitionedCall-3"](x)', None),
        ("n = EuclideanNorm(x)", STOPPED),
        ("n = LSTMBlockCell(x)", "TF1Hub/LSTMBlockCell"),
        ("n = Sign(x)", None),
    ],
)
def test_overrides_that_a_session_here_resolves(node, expected):
    graph_def = _graph_def("x = Placeholder[dtype=float]()", node)
    unresolved = prepare_overrides(graph_def)
    assert _override(graph_def.node[1]) == expected
    assert unresolved == ({"n": "Mine"} if expected == UNRESOLVED else {})


def test_functions_of_branches_have_overrides_and_those_of_calls_have_none(make_function):
    body = 'n = Sign[T=float, _gradient_op_type="Mine"](x)'
    functions = [
        make_function(name, {"x": "float"}, body, {"out": "n:y:0"}) for name in ("then", "called")
    ]
    graph_def = _graph_def(
        "x = Placeholder[dtype=float]()",
        'a = If[then_branch={func { name: "then" }}, else_branch={func { name: "then" }}](x, x)',
        'b = PartitionedCall[f={func { name: "called" }}](a)',
        functions=functions,
    )
    assert prepare_overrides(graph_def) == {"then/n": "Mine"}
    then, called = graph_def.library.function
    assert _override(then.node_def[0]) == UNRESOLVED
    assert _override(called.node_def[0]) is None


def _needed(tensor):
    seen, stack = set(), [tensor.op]
    while stack:
        op = stack.pop()
        if op not in seen:
            seen.add(op)
            stack += [source.op for source in op.inputs]
    return seen


def test_gradients_through_what_nobody_resolves_are_told_from_others():
    register_gradients()
    register_gradients()  # A second time does nothing.
    with tf.Graph().as_default() as graph:
        touched, beside = tf1.placeholder(tf.float32, [2]), tf1.placeholder(tf.float32, [2])
        with graph.gradient_override_map({"Sign": UNRESOLVED, "Exp": STOPPED}):
            y = tf.sign(touched) * beside + tf.exp(beside)
        found = tf1.gradients(y, [touched, beside])
        marked = find_marked_functions(graph)
        assert not marked
        assert [passes_unresolved(_needed(gradient), marked) for gradient in found] == [True, False]
        with tf1.Session(graph=graph) as session:
            by_touched, by_beside = session.run(found, {touched: [1.0, -2.0], beside: [3.0, 4.0]})
    np.testing.assert_array_equal(by_touched, [0.0, 0.0])
    np.testing.assert_array_equal(by_beside, [1.0, -1.0])  # None through the exponential.


def _tests_of(report, name):
    assert name in dict(CHECKS)
    return {row.tensor for row in report.rows if row.check == name}


@pytest.mark.parametrize(
    ("fixture", "touched"),
    [
        ("gradient_unresolved", {"touched"}),
        ("gradient_unresolved_in_loop", {"kernel"}),
        ("layers_custom_gradient", {"hidden/kernel", "hidden/bias"}),
    ],
)
def test_a_gradient_that_no_file_holds_is_not_compared(fixture, touched, golden, tmp_path):
    converter.convert(golden(fixture), tmp_path / "out")
    report = verify(golden(fixture), tmp_path / "out", fresh_process=False)
    compared = _tests_of(report, "gradients")
    assert compared
    assert compared.isdisjoint(touched)
    (entry,) = report.not_compared
    assert entry.case == "default"
    assert set(entry.what.removeprefix("gradients of ").split(", ")) == touched
    assert report.verdict == "not compared"


def test_it_finds_a_wrong_gradient_of_a_library(golden, tmp_path, monkeypatch):
    def wrong(op, *upstream):
        made = overridden_gradients._fold_fused_batch_norm(op, *upstream)
        return [made[0] * 1.01, *made[1:]]

    monkeypatch.setitem(overridden_gradients._GRADIENTS, "FoldFusedBatchNormGrad", wrong)
    converter.convert(golden("gradient_quantized"), tmp_path / "out")
    report = verify(golden("gradient_quantized"), tmp_path / "out", fresh_process=False)
    assert not report.passed
    # The endpoints for Keras are differentiated as well.
    assert {row.check for row in report.failures} == {"gradients", "conventions"}
