import numpy as np
import tensorflow as tf

import converter
from converter.conversion.trace import trace_signature
from converter.formats import hub_module
from converter.ir.text import parse_graph
from converter.passes import lower_unfed_defaults as module
from converter.passes.lower_unfed_defaults import lower_unfed_defaults
from converter.passes.pipeline import lower


def test_the_example_of_the_docstring(docstring_example, make_program):
    before, after = docstring_example(module)
    assert lower_unfed_defaults(before, make_program()) == after


def test_control_inputs_and_gradient_overrides_are_kept(make_program):
    before = parse_graph(
        'x = _Arg[T=float]()\nn = NoOp()\np = PlaceholderWithDefault[dtype=float, shape=[?],'
        ' _gradient_op_type="Neg"](x, ^n)\nreturn p'
    )  # fmt: skip
    after = parse_graph(
        'x = _Arg[T=float]()\nn = NoOp()\np = Identity[T=float, _gradient_op_type="Neg"](x, ^n)\n'
        "return p"
    )
    assert lower_unfed_defaults(before, make_program()) == after


def test_an_override_survives_the_whole_pipeline(make_program):
    graph = parse_graph(
        'x = _Arg[T=float]()\np = PlaceholderWithDefault[dtype=float, shape=[],'
        ' _gradient_op_type="Neg"](x)\nreturn p'
    )  # fmt: skip
    region = lower(graph, make_program())
    (kept,) = [node for node in region.nodes() if "_gradient_op_type" in node.attrs]
    assert (kept.name, kept.attrs["_gradient_op_type"].s) == ("p", b"Neg")


def test_it_does_nothing_because_there_is_no_default(make_program):
    before = parse_graph("x = _Arg[T=float]()\ny = Neg[T=float](x)\nreturn y")
    assert lower_unfed_defaults(before, make_program()) is before


def test_no_function_of_a_converted_module_has_a_placeholder_with_a_default(
    golden_module, tmp_path
):
    source = golden_module("image_bn_dropout")
    assert b"PlaceholderWithDefault" in (source / "saved_model.pb").read_bytes()
    changed = {step.name for step in trace_signature(source).passes if step.after != step.before}
    assert "lower_unfed_defaults" in changed
    converter.convert(source, tmp_path / "result")
    saved_model = hub_module.read_saved_model(tmp_path / "result")
    (graph,) = [meta_graph.graph_def for meta_graph in saved_model.meta_graphs]
    bodies = [function.node_def for function in graph.library.function]
    assert len(bodies) > 1
    assert "PlaceholderWithDefault" not in {node.op for body in bodies for node in body}


def test_the_gradient_is_that_of_the_placeholder():
    """The witness is TensorFlow itself, on both ops."""
    found = []
    for op in (lambda v: tf.raw_ops.PlaceholderWithDefault(input=v, shape=[None]), tf.identity):
        x = tf.constant([1.0, 2.0])
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.function(lambda v, op=op: tf.square(op(v)))(x)
        found.append(tape.gradient(y, x).numpy())
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], [2, 4])
