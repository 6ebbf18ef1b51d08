"""Ops that could do harm, at every place of a module: refused before TensorFlow sees them."""

import json

import pytest
import tensorflow as tf
from tensorflow.core.framework import types_pb2

import converter
from converter import errors
from converter.cli import main as cli

_STRING, _FLOAT = types_pb2.DT_STRING, types_pb2.DT_FLOAT


def _add(nodes, name, op, *inputs, **attrs):
    node = nodes.add(name=name, op=op)
    node.input.extend(inputs)
    for key, dtype in attrs.items():
        node.attr[key].type = dtype
    return node


def _add_text(nodes, name, text):
    tensor = _add(nodes, name, "Const", dtype=_STRING).attr["value"].tensor
    tensor.dtype = _STRING
    tensor.tensor_shape.SetInParent()
    tensor.string_val.append(str(text).encode())


def _add_float(nodes, name):
    tensor = _add(nodes, name, "Const", dtype=_FLOAT).attr["value"].tensor
    tensor.dtype = _FLOAT
    tensor.tensor_shape.SetInParent()
    tensor.float_val.append(0)


@pytest.fixture
def secret(tmp_path):
    """A file outside of the module, whose three bytes shape inference would make a shape."""
    path = tmp_path / "secret"
    path.write_bytes(b"\x02\x03\x04")
    return path


@pytest.fixture
def leaky(half_plus_two, edit, secret):
    """A module in which shape inference would read `secret`: the bytes are a static shape."""
    with edit(half_plus_two) as saved_model:
        meta_graph = saved_model.meta_graphs[0]
        nodes = meta_graph.graph_def.node
        _add_text(nodes, "e/name", secret)
        _add(nodes, "e/read", "ReadFile", "e/name")
        _add(nodes, "e/raw", "DecodeRaw", "e/read", out_type=types_pb2.DT_UINT8)
        _add(nodes, "e/shape", "Cast", "e/raw", SrcT=types_pb2.DT_UINT8, DstT=types_pb2.DT_INT32)
        _add_float(nodes, "e/zero")
        _add(nodes, "e/fill", "Fill", "e/shape", "e/zero", T=_FLOAT, index_type=types_pb2.DT_INT32)
        leak = meta_graph.signature_def["default"].outputs["leak"]
        leak.name, leak.dtype = "e/fill:0", _FLOAT
        leak.tensor_shape.unknown_rank = True
    return half_plus_two


def test_convert_refuses_it_and_writes_nothing(leaky, tmp_path):
    with pytest.raises(converter.UnsafeModuleError) as caught:
        converter.convert(leaky, tmp_path / "result")
    assert caught.value.node == "e/read"
    assert not (tmp_path / "result").exists()


def test_load_refuses_it(leaky):
    with pytest.raises(converter.UnsafeModuleError):
        converter.load(leaky)


def test_inspect_says_so(leaky):
    summary = converter.inspect(leaky)
    assert [refusal.type for refusal in summary.refusals] == ["UnsafeModuleError"]
    assert "op 'ReadFile' is not allowed (reads files)" in summary.refused
    assert converter.inspect(leaky, allow_op=["ReadFile"]).refused is None


def test_the_user_can_let_it_through_and_the_record_says_so(leaky, tmp_path):
    conversion = converter.convert(leaky, tmp_path / "result", allow_op=["ReadFile"])
    (warning,) = (text for text in conversion.warnings if "--allow-op" in text)
    assert warning.startswith("Op 'ReadFile' (at node 'e/read') was let through by --allow-op")
    record = json.loads((tmp_path / "result/assets.extra/conversion.json").read_text())
    assert warning in record["warnings"]
    loaded = tf.saved_model.load(str(tmp_path / "result"))
    assert loaded.signatures["default"].structured_outputs["leak"].shape == (2, 3, 4)


def test_the_command_line_takes_it(leaky, tmp_path, capsys):
    line = ["tf1hub", "convert", str(leaky), str(tmp_path / "result"), "--allow-op", "Abort"]
    with pytest.raises(errors.UnsafeModuleError):
        cli.parse_arguments(line).run(cli.parse_arguments(line))
    arguments = cli.parse_arguments([*line, "--allow-op", "ReadFile"])
    assert arguments.allow_op == ["Abort", "ReadFile"]
    assert arguments.run(arguments) == 0
    assert "let through by --allow-op" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["Readfile", "e/read", ""])
def test_a_misspelled_name_is_wrong_use(name, leaky, tmp_path):
    with pytest.raises(errors.UsageError, match="not an op of this TensorFlow") as caught:
        converter.convert(leaky, tmp_path / "result", allow_op=[name])
    assert caught.value.remedy == "Copy the name from the error that refuses it."


def test_it_does_nothing_because_no_signature_needs_the_node(half_plus_two, edit, tmp_path):
    converter.convert(half_plus_two, tmp_path / "expected")
    with edit(half_plus_two) as saved_model:
        nodes = saved_model.meta_graphs[0].graph_def.node
        _add_text(nodes, "e/name", "/dev/zero")
        _add(nodes, "e/read", "ReadFile", "e/name")
    converter.convert(half_plus_two, tmp_path / "result")
    written = [(tmp_path / name / "saved_model.pb").read_bytes() for name in ("expected", "result")]
    assert written[0] == written[1]


def _refused_node(module):
    refusals = converter.inspect(module).refusals
    (text,) = {refusal.error for refusal in refusals if refusal.type == "UnsafeModuleError"}
    return text


def test_in_a_function(half_plus_two, edit):
    with edit(half_plus_two) as saved_model:
        meta_graph = saved_model.meta_graphs[0]
        function = meta_graph.graph_def.library.function.add()
        function.signature.name = "reads"
        function.signature.output_arg.add(name="out", type=_STRING)
        _add_text(function.node_def, "name", "/dev/zero")
        _add(function.node_def, "read", "ReadFile", "name:output:0")
        function.ret["out"] = "read:contents:0"
        _add(meta_graph.graph_def.node, "call", "reads")
        meta_graph.signature_def["default"].outputs["leak"].name = "call:0"
        meta_graph.signature_def["default"].outputs["leak"].dtype = _STRING
    assert "(at node 'call/read')" in _refused_node(half_plus_two)


def test_in_the_gradient_of_a_function(half_plus_two, edit):
    with edit(half_plus_two) as saved_model:
        meta_graph = saved_model.meta_graphs[0]
        library = meta_graph.graph_def.library
        output = meta_graph.signature_def["default"].outputs["default"]
        for name, takes in (("same", 1), ("same_grad", 2)):
            function = library.function.add()
            function.signature.name = name
            for index in range(takes):
                function.signature.input_arg.add(name=f"x{index}", type=_FLOAT)
            function.signature.output_arg.add(name="y", type=_FLOAT)
            function.ret["y"] = "out:output:0"
        first, second = library.function[-2:]
        _add(first.node_def, "out", "Identity", "x0", T=_FLOAT)
        node = _add(second.node_def, "spy", "DebugIdentity", "x1", T=_FLOAT)
        node.attr["debug_urls"].list.s.append(b"file:///tmp/spy")
        _add(second.node_def, "out", "Identity", "spy:output:0", T=_FLOAT)
        library.gradient.add(function_name="same", gradient_func="same_grad")
        _add(meta_graph.graph_def.node, "call", "same", output.name)
        output.name = "call:0"
    assert "op 'DebugIdentity' is not allowed" in _refused_node(half_plus_two)


@pytest.mark.parametrize("filename", ["/etc/passwd", "computed"])
def test_a_table_is_filled_from_an_asset_only(filename, golden_module, edit):
    module = golden_module("table_file")
    with edit(module) as saved_model:
        for meta_graph in saved_model.meta_graphs:
            nodes = meta_graph.graph_def.node
            fill = next(node for node in nodes if node.op == "InitializeTableFromTextFileV2")
            if filename == "computed":
                _add(nodes, "other", "StringUpper", fill.input[1])
            else:
                _add_text(nodes, "other", filename)
            fill.input[1] = "other"
    assert "fills a table from a file that is not an asset" in _refused_node(module)


def test_in_what_fills_a_table(golden_module, edit):
    module = golden_module("table_in_memory")
    with edit(module) as saved_model:
        for meta_graph in saved_model.meta_graphs:
            nodes = meta_graph.graph_def.node
            fill = next(node for node in nodes if node.op == "LookupTableImportV2")
            _add_text(nodes, "name", "/dev/zero")
            _add(nodes, "read", "ReadFile", "name")
            fill.input[1] = "read"
    assert "(at node 'read')" in _refused_node(module)


@pytest.mark.parametrize("op", ["_Arg", "_Variable", "_Table", "_Asset", "_CustomGradient"])
@pytest.mark.parametrize("is_in_function", [False, True])
def test_a_pseudo_op_is_refused_on_reading(op, is_in_function, half_plus_two, edit):
    with edit(half_plus_two) as saved_model:
        graph_def = saved_model.meta_graphs[0].graph_def
        nodes = graph_def.node
        if is_in_function:
            function = graph_def.library.function.add()
            function.signature.name = "f"
            nodes = function.node_def
        nodes.add(name="fake", op=op).attr["key"].s = b"w"
    with pytest.raises(errors.UnsafeModuleError, match="for its own purposes") as caught:
        converter.inspect(half_plus_two)
    assert caught.value.node == "fake"
