"""What the converter does where a TensorFlow lacks what it uses of the private API."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf
from golden.golden_values import GOLDEN

import converter
from converter import tf_private
from converter.export.canonical import read_saved_model

# Variables of many types, one without a shape, partitioned ones, `do_lower_case`, none.
_MODULES = [
    "dtypes_variables",
    "unknown_shape_variable",
    "text_embedding_oov",
    "bert_tiny",
    "no_variables",
]


def _convert(name, path):
    return pathlib.Path(converter.convert(GOLDEN / name / "module", path).destination)


def _handles(path):
    """The variables of the main graph, by node: the type, shape and shared name of each."""
    nodes = read_saved_model(path).meta_graphs[0].graph_def.node
    return {
        node.name: [str(node.attr[key]) for key in ("dtype", "shape", "shared_name")]
        for node in nodes
        if node.op == "VarHandleOp"
    }


@pytest.fixture
def lacking(monkeypatch):
    """Makes TensorFlow one that cannot make variables without values."""
    refused = []

    def refuse(_, name, *__):
        refused.append(name)
        raise AttributeError("module has no attribute '_variable_handle_from_shape_and_dtype'")

    monkeypatch.setattr(tf_private._VariableWithoutValue, "__init__", refuse)
    return refused


def _in_session(path):
    """The variables as a Session restores them, by name, through the saver of the file."""
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        tf.compat.v1.saved_model.load(session, ["serve"], str(path))
        handles = [op for op in graph.get_operations() if op.type == "VarHandleOp"]
        reads = {
            op.name: tf.raw_ops.ReadVariableOp(resource=op.outputs[0], dtype=op.get_attr("dtype"))
            for op in handles
        }
        values = session.run(reads)
    here = str(path).encode()  # Variables hold the paths of assets, too.
    return {k: v.replace(here, b"") if isinstance(v, bytes) else v for k, v in values.items()}


@pytest.mark.parametrize("name", _MODULES)
def test_without_variables_without_values_the_result_is_the_same_model(name, tmp_path, request):
    expected = _convert(name, tmp_path / "expected")
    refused = request.getfixturevalue("lacking")
    actual = _convert(name, tmp_path / "actual")
    assert bool(refused) == (name != "no_variables")
    assert _handles(actual) == _handles(expected)
    restored, wanted = _in_session(actual), _in_session(expected)
    assert restored.keys() == wanted.keys()
    for key, value in wanted.items():
        np.testing.assert_array_equal(restored[key], value)
    loaded, other = tf.saved_model.load(str(actual)), tf.saved_model.load(str(expected))
    assert [v.name for v in loaded.variables] == [v.name for v in other.variables]
    assert [v.name for v in loaded.trainable_variables] == [
        v.name for v in other.trainable_variables
    ]
    for variable, value in zip(loaded.variables, other.variables, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value.numpy())
    assert loaded.signatures.keys() == other.signatures.keys()
    assert _count_traces(loaded) == _count_traces(other)


def _count_traces(loaded):
    """How many traces the root's function has, and its endpoints."""
    functions = {name: getattr(loaded, name, None) for name in ("serve", "serve_training")}
    return {name: len(f.concrete_functions) for name, f in functions.items() if f is not None}
