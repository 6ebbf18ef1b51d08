"""The saver against TensorFlow's own, and in use by the Session loader."""

import contextlib
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from golden.golden_values import GOLDEN

import converter
from converter import tf_private
from converter.assemble.reusable import build_reusable
from converter.compile.compile_module import compile_module
from converter.export import saved_model as module
from converter.export.canonical import canonicalize, read_saved_model
from converter.formats.registry import read_module

CASES = {
    "half_plus_two": "two variables",
    "text_embedding_oov": "a partitioned variable, and a table with a file",
    "while_partitioned": "a partitioned variable",
    "table_in_memory": "a table",
    "bert_tiny": "do_lower_case, and more than ten variables",
    "no_variables": "no variables",
    "dtypes_variables": "many types",
    "unknown_shape_variable": "a variable without a shape",
}


def _by_name(nodes):
    return {node.name: node for node in nodes}


@pytest.fixture
def both_savers(tmp_path):
    """Saves a live module twice, with the saver of TensorFlow, and with ours."""

    def save(name):
        compiled = compile_module(read_module(GOLDEN / name / "module"))
        reusable = build_reusable(compiled, live=True)
        tf.saved_model.save(reusable.module, str(tmp_path / "theirs"), {})
        theirs = read_saved_model(tmp_path / "theirs").meta_graphs[0]
        canonicalize(theirs)
        objects, tensors = tf_private.save_without_checkpoint(
            reusable.module, tmp_path / "ours", [], module._OPTIONS
        )
        ours = read_saved_model(tmp_path / "ours").meta_graphs[0]
        reusable = reusable.__class__(reusable.module, {}, reusable.variables)
        module._complete(ours, reusable, objects, tensors)
        return ours, theirs

    return save


@pytest.mark.parametrize("name", CASES)
def test_it_equals_tensorflow_s_own_node_for_node(name, both_savers):
    ours, theirs = both_savers(name)
    assert ours.saver_def == theirs.saver_def
    assert _main_graph(ours) == _main_graph(theirs)
    # TensorFlow's list has the ops of functions that Sessions reach, ours those of all.
    listed = [op.name for op in ours.meta_info_def.stripped_op_list.op]
    assert listed == sorted(set(listed))
    assert {op.name for op in theirs.meta_info_def.stripped_op_list.op} <= set(listed)
    savers, expected = map(_savers, (ours, theirs))
    assert savers.keys() == expected.keys() == _SAVERS
    for function, saver in savers.items():
        assert _comparable(saver) == _comparable(expected[function])


_SAVERS = {"__inference__traced_save", "__inference__traced_restore"}


def _base(function):
    """The name of a saver without its number, which depends on the functions before it."""
    base = function.rpartition("_")[0]
    return base if base in _SAVERS else function


def _main_graph(meta_graph):
    nodes = _by_name(meta_graph.graph_def.node)
    for node in nodes.values():
        node.attr["f"].func.name = _base(node.attr["f"].func.name)
    return nodes


def _savers(meta_graph):
    functions = {_base(f.signature.name): f for f in meta_graph.graph_def.library.function}
    return {name: function for name, function in functions.items() if name in _SAVERS}


def _comparable(function):
    """The function with its nodes by name; before TensorFlow 2.16 they had another order."""
    nodes = _by_name(function.node_def)
    for node in nodes.values():
        if tf.__version__ < "2.16" and node.op in (
            "DisableCopyOnRead",
            "ReadVariableOp",
            "Identity",
        ):
            node.device = ""  # It reads variables on their device, which here is the CPU.
    rest = type(function).FromString(function.SerializeToString())
    rest.signature.name = ""
    del rest.node_def[:]
    return nodes, rest


@pytest.fixture
def converted(golden_module, tmp_path):
    def convert(name):
        return pathlib.Path(converter.convert(golden_module(name), tmp_path / "out").destination)

    return convert


@contextlib.contextmanager
def _session(path):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        yield session, tf.compat.v1.saved_model.load(session, ["serve"], str(path))


@pytest.mark.parametrize("name", ["text_embedding_oov", "bert_tiny", "dtypes_variables"])
def test_a_session_saves_what_it_restored(name, converted, tmp_path):
    """By the saver's names; what it wrote can be read by key, by object, and by itself."""
    path = converted(name)
    prefix = str(tmp_path / "again")
    with _session(path) as (session, meta_graph):
        saver = meta_graph.saver_def
        session.run(saver.save_tensor_name, {saver.filename_tensor_name: prefix})
        session.run(saver.restore_op_name, {saver.filename_tensor_name: prefix})
    before = tf.train.load_checkpoint(str(path / "variables" / "variables"))
    after = tf.train.load_checkpoint(prefix)
    shapes = after.get_variable_to_shape_map()
    assert shapes == before.get_variable_to_shape_map()
    assert after.get_variable_to_dtype_map() == before.get_variable_to_dtype_map()
    for key in shapes:
        np.testing.assert_array_equal(after.get_tensor(key), before.get_tensor(key))
    loaded = tf.saved_model.load(str(path))
    values = [variable.numpy() for variable in loaded.variables]
    for variable in loaded.variables:
        if variable.dtype.is_floating:
            variable.assign(variable + 1)
    tf.train.Checkpoint(loaded).restore(prefix).assert_nontrivial_match()
    for variable, value in zip(loaded.variables, values, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)


def test_a_module_without_variables_saves_and_restores_too(converted, tmp_path):
    with _session(converted("no_variables")) as (session, meta_graph):
        saver = meta_graph.saver_def
        given = {saver.filename_tensor_name: str(tmp_path / "again")}
        session.run(saver.save_tensor_name, given)
        session.run(saver.restore_op_name, given)
    keys = tf.train.load_checkpoint(str(tmp_path / "again")).get_variable_to_shape_map()
    assert list(keys) == ["_CHECKPOINTABLE_OBJECT_GRAPH"]
