"""No op that is not allowed reaches TensorFlow, and what is left computes the same."""

import json

import numpy as np
import pytest
import tensorflow as tf
from golden.golden_values import read_golden
from parity.test_legacy_runner import assert_close, make_case
from tensorflow.core.framework import types_pb2

import converter
from converter import errors
from converter.formats.hub_module import read_saved_model
from converter.formats.registry import read_module
from converter.parity.compare import magnitude
from converter.parity.legacy_runner import LegacyRunner

_FLOAT, _INT32, _STRING = types_pb2.DT_FLOAT, types_pb2.DT_INT32, types_pb2.DT_STRING


def _add(nodes, name, op, *inputs, **dtypes):
    node = nodes.add(name=name, op=op)
    node.input.extend(inputs)
    for key, dtype in dtypes.items():
        node.attr[key].type = dtype
    return node


def _add_const(nodes, name, value):
    tensor = tf.make_tensor_proto(value)
    _add(nodes, name, "Const", dtype=tensor.dtype).attr["value"].tensor.CopyFrom(tensor)


def _add_read(nodes, prefix="evil"):
    """Adds a node that nothing needs, and that is not allowed."""
    _add_const(nodes, f"{prefix}/name", "/dev/zero")
    _add(nodes, f"{prefix}/read", "ReadFile", f"{prefix}/name")


@pytest.fixture
def spy():
    """`spy(nodes)` adds a shape that a function of this process computes; returns its calls."""
    calls = []

    def shape(number):
        calls.append(number)
        return np.array([2, 3], np.int32)

    graph = tf.Graph()
    with graph.as_default():
        tf.numpy_function(shape, [tf.constant(1)], tf.int32, stateful=False, name="spy/call")

    def add(nodes):
        nodes.extend(graph.as_graph_def().node)
        name = next(node.name for node in nodes if node.op == "PyFuncStateless")
        _add_const(nodes, "spy/zero", np.float32(0))
        _add(nodes, "spy/fill", "Fill", name, "spy/zero", T=_FLOAT, index_type=_INT32)
        return calls

    return add  # TensorFlow knows the function as long as there is the graph.


def _graphs(runner, module):
    for tags in read_module(module).variants:
        runner.losses(tags)
    return runner.graphs


def _reductions(module):
    return [g.reduction for g in _graphs(LegacyRunner(read_module(module)), module)]


def test_what_no_call_runs_is_not_run(half_plus_two, edit, spy):
    converter.convert(half_plus_two, half_plus_two.parent / "out")
    with edit(half_plus_two) as saved_model:
        graph_def = saved_model.meta_graphs[0].graph_def
        calls = spy(graph_def.node)
        with tf.Graph().as_default():
            tf.import_graph_def(graph_def)
        assert calls  # TensorFlow would run it.
    calls.clear()
    converter.convert(half_plus_two, half_plus_two.parent / "out", overwrite=True)
    report = converter.verify(half_plus_two, half_plus_two.parent / "out")
    assert report.passed
    assert not calls
    (note,) = report.notes
    assert "nodes of the TF1 graph that no call runs were left out" in note
    assert "op 'PyFuncStateless' is not allowed (runs code)" in note


@pytest.mark.parametrize("name", ["half_plus_two", "gather_tree", "while_nested_deep"])
def test_it_does_nothing_because_all_is_safe(name, golden):
    for graph in _graphs(LegacyRunner(read_module(golden(name))), golden(name)):
        assert not graph.reduction.reason
        assert not graph.reduction.left_out
        tags = set(graph.meta_graph.meta_info_def.tags)
        graphs = read_saved_model(golden(name)).meta_graphs
        original = next(g for g in graphs if set(g.meta_info_def.tags) == tags)
        kept = {node.name for node in graph.meta_graph.graph_def.node}
        assert {node.name for node in original.graph_def.node} <= kept


@pytest.mark.usefixtures("plain_loss")
@pytest.mark.parametrize(
    "name",
    ["cond_nested", "decoder_ref_by_hand", "defun_gradient", "dense_regularized",
     "image_bn_dropout", "odd_fed_ops", "ref_moving_averages", "sparse_mixed", "table_file",
     "text_embedding_oov", "v2_while", "while_nested_deep"],
)  # fmt: skip
def test_what_is_left_computes_what_tf_1_15_did(name, golden_module, edit):
    module = golden_module(name)
    with edit(module) as saved_model:
        for meta_graph in saved_model.meta_graphs:
            _add_read(meta_graph.graph_def.node)
    runner = LegacyRunner(read_module(module))
    for call in read_golden(name).calls:
        seen = runner.observe(make_case(call.signature, call.inputs, call.tags))
        assert_close(call.outputs, seen.outputs)
        gradients = {k: g for k, g in seen.gradients.items() if g is not None}
        scale = max(map(magnitude, (call.gradients or {}).values()), default=0.0)
        if call.gradients is not None:
            assert_close(call.gradients, gradients, scale)
        assert_close(call.variables_after, seen.changed)
        assert len(runner.losses(call.tags)) == len(call.regularization_losses)
    assert all("evil/read" in graph.reduction.left_out for graph in runner.graphs)


def _feed_from(nodes, meta_graph, source):
    """Has the signature feed `source` in the place of its placeholder."""
    info = meta_graph.signature_def["default"].inputs["default"]
    placeholder = info.name.partition(":")[0]
    for node in nodes:
        node.input[:] = [
            source if name.partition(":")[0] == placeholder else name for name in node.input
        ]
    info.name = source if ":" in source else f"{source}:0"


@pytest.mark.parametrize("output", [0, 1])
def test_a_tensor_that_is_fed_needs_nothing(output, half_plus_two, edit):
    """The module reads a file unless the caller gives what it decodes."""
    with edit(half_plus_two) as saved_model:
        meta_graph = saved_model.meta_graphs[0]
        nodes = meta_graph.graph_def.node
        _add_read(nodes)
        _add(nodes, "raw", "DecodeRaw", "evil/read", out_type=_FLOAT)
        _add_const(nodes, "axis", 0)
        _add(nodes, "split", "Split", "axis", "raw", T=_FLOAT).attr["num_split"].i = 2
        _feed_from(nodes, meta_graph, "split" if output == 0 else "split:1")
    converter.convert(half_plus_two, half_plus_two.parent / "out")
    report = converter.verify(half_plus_two, half_plus_two.parent / "out")
    assert report.passed
    assert "op 'ReadFile'" in report.notes[0]


def test_functions(half_plus_two, edit):
    """One that nothing calls is gone, and so is what does not run in one that is called."""
    with edit(half_plus_two) as saved_model:
        meta_graph = saved_model.meta_graphs[0]
        library = meta_graph.graph_def.library
        unused, called = library.function.add(), library.function.add()
        unused.signature.name = "unused"
        _add_read(unused.node_def)
        unused.node_def[-1].input[:] = ["evil/name:output:0"]
        called.signature.name = "called"
        called.signature.input_arg.add(name="x", type=_FLOAT)
        called.signature.output_arg.add(name="y", type=_FLOAT)
        _add_read(called.node_def)
        called.node_def[-1].input[:] = ["evil/name:output:0"]
        _add(called.node_def, "same", "Identity", "x", T=_FLOAT)
        called.ret["y"] = "same:output:0"
        output = meta_graph.signature_def["default"].outputs["default"]
        _add(meta_graph.graph_def.node, "call", "called", output.name)
        output.name = "call:0"
    converter.convert(half_plus_two, half_plus_two.parent / "out")
    runner = LegacyRunner(read_module(half_plus_two))
    seen = runner.observe(make_case("default", {"default": np.float32([2.0])}))
    assert seen.outputs["default"].tolist() == [3.0]
    (function,) = runner.graphs[0].meta_graph.graph_def.library.function
    assert [node.op for node in function.node_def] == ["Identity"]
    assert converter.verify(half_plus_two, half_plus_two.parent / "out").passed


def test_a_table_that_nothing_needs_is_not_filled(golden_module, edit):
    module = golden_module("table_file")
    with edit(module) as saved_model:
        for meta_graph in saved_model.meta_graphs:
            nodes = meta_graph.graph_def.node
            table = next(node for node in nodes if node.op == "HashTableV2")
            fill = next(node for node in nodes if node.op == "InitializeTableFromTextFileV2")
            for node, name in ((table, "evil/table"), (fill, "evil/fill")):
                copy = nodes.add()
                copy.CopyFrom(node)
                copy.name = name
            nodes[-2].attr["shared_name"].s = b"evil"
            _add_const(nodes, "evil/name", "/etc/passwd")
            next(n for n in nodes if n.name == "evil/fill").input[:] = ["evil/table", "evil/name"]
            _add(nodes, "group", "NoOp", f"^{fill.name}", "^evil/fill")
            initializers = meta_graph.collection_def["table_initializer"].node_list.value
            initializers[:] = ["group"]
    for call in read_golden("table_file").calls:
        runner = LegacyRunner(read_module(module))
        seen = runner.observe(make_case(call.signature, call.inputs, call.tags))
        assert_close(call.outputs, seen.outputs)
        assert "evil/fill" in runner.graphs[0].reduction.left_out


def _let_through(module, edit, op="Copy"):
    """Has a result go through an op that is not allowed, though it does no harm here."""
    with edit(module) as saved_model:
        meta_graph = saved_model.meta_graphs[0]
        signature = meta_graph.signature_def["default"]
        nodes = meta_graph.graph_def.node
        _add(nodes, "shape", "Shape", signature.inputs["default"].name, T=_FLOAT, out_type=_INT32)
        _add(nodes, "through", op, "shape", T=_INT32)
        signature.outputs["shape"].name, signature.outputs["shape"].dtype = "through:0", _INT32
        signature.outputs["shape"].tensor_shape.dim.add(size=1)


def test_what_the_user_let_through_is_compared(half_plus_two, edit, tmp_path):
    _let_through(half_plus_two, edit)
    with pytest.raises(errors.UnsafeModuleError):
        converter.convert(half_plus_two, tmp_path / "out")
    allow_op = ["Copy", "ReadFile"]
    conversion = converter.convert(half_plus_two, tmp_path / "out", allow_op=allow_op, verify=True)
    assert conversion.record.options["allow_op"] == ["Copy"]
    report = converter.verify(half_plus_two, tmp_path / "out")
    assert report.passed
    assert not report.notes


def test_what_a_call_runs_is_refused(half_plus_two, edit, tmp_path):
    _let_through(half_plus_two, edit)
    converter.convert(half_plus_two, tmp_path / "out", allow_op=["Copy"])
    path = tmp_path / "out" / "assets.extra" / "conversion.json"
    record = json.loads(path.read_text())
    del record["options"]["allow_op"]
    path.write_text(json.dumps(record))
    with pytest.raises(errors.UnsafeModuleError, match="op 'Copy' is not allowed") as e:
        converter.verify(half_plus_two, tmp_path / "out")
    assert e.value.node == "through"
    assert converter.verify(half_plus_two, tmp_path / "out", allow_op=["Copy"]).passed


def test_constants_that_take_all_memory_are_left_out(half_plus_two, edit):
    with edit(half_plus_two) as saved_model:
        nodes = saved_model.meta_graphs[0].graph_def.node
        _add_const(nodes, "bomb/sizes", np.array([1 << 30], np.int32))
        _add_const(nodes, "bomb/one", np.int32(1))
        _add(nodes, "bomb/fill", "Fill", "bomb/sizes", "bomb/one", T=_INT32, index_type=_INT32)
        _add_const(nodes, "bomb/zero", np.float32(0))
        _add(nodes, "bomb/used", "Fill", "bomb/fill", "bomb/zero", T=_FLOAT, index_type=_INT32)
    (reduction,) = _reductions(half_plus_two)
    assert "4096 MiB, more than 256 MiB" in reduction.reason
    assert {"bomb/fill", "bomb/used"} <= reduction.left_out


def test_a_case_of_the_plan_decides_what_is_needed(half_plus_two, edit, tmp_path):
    """Not every update op runs: one that waits for a placeholder nobody feeds may do anything."""
    with edit(half_plus_two) as saved_model:
        meta_graph = saved_model.meta_graphs[0]
        nodes = meta_graph.graph_def.node
        _add(nodes, "never", "Placeholder", dtype=_STRING)
        _add(nodes, "evil", "ReadFile", "never")
        meta_graph.collection_def["update_ops"].node_list.value.append("evil")
    converter.convert(half_plus_two, tmp_path / "out")
    report = converter.verify(half_plus_two, tmp_path / "out")
    assert report.passed
    assert "op 'ReadFile'" in report.notes[0]
