"""The saver against TensorFlow's own, and in use by the Session loader."""

import contextlib
import dataclasses
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from golden.golden_values import GOLDEN
from tensorflow.core.protobuf import meta_graph_pb2

import converter
from converter import tf_private
from converter.assemble.reusable import build_reusable
from converter.compile.compile_module import compile_module
from converter.export import saved_model as module
from converter.export.canonical import canonicalize, read_saved_model
from converter.export.function_protos import SCALAR
from converter.export.main_graph import MainGraph
from converter.export.saver import SavedVariable, add_saver
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
        reusable = dataclasses.replace(reusable, signatures={}, shared_traces={})
        module._complete(ours, reusable, objects, tensors)
        return ours, theirs

    return save


@pytest.mark.parametrize("name", CASES)
def test_it_equals_tensorflow_s_own_node_for_node(name, both_savers):
    ours, theirs = both_savers(name)
    # TensorFlow's list has the ops of functions that Sessions reach, ours those of all.
    listed = [op.name for op in ours.meta_info_def.stripped_op_list.op]
    assert listed == sorted(set(listed))
    expected = {op.name for op in theirs.meta_info_def.stripped_op_list.op}
    assert expected <= {*listed, "StatefulPartitionedCall"}  # The calls of the savers.
    _inline(theirs, theirs.saver_def.save_tensor_name.removesuffix(":0"), "save")
    _inline(theirs, theirs.saver_def.restore_op_name, "restore")
    assert ours.saver_def == theirs.saver_def
    assert _comparable(ours.graph_def.node) == _comparable(theirs.graph_def.node)
    names = [node.name for node in ours.graph_def.node]
    assert len(names) == len(set(names))
    ours, theirs = (meta_graph.graph_def.library.function for meta_graph in (ours, theirs))
    assert sorted(map(_base, ours)) == sorted(map(_base, theirs))


def _base(function):
    """The name of a function without its number, which depends on the functions before it."""
    return function.signature.name.rpartition("_")[0]


def _inline(meta_graph, call_name, scope):
    """Puts a saver of TensorFlow in place of its call, as an inliner does."""
    graph_def, saver = meta_graph.graph_def, meta_graph.saver_def
    call = next(node for node in graph_def.node if node.name == call_name)
    library = graph_def.library.function
    function = next(f for f in library if f.signature.name == call.attr["f"].func.name)
    args = [arg.name for arg in function.signature.input_arg]
    given = dict(zip(args, call.input, strict=True))
    placed = {}
    for node in function.node_def:
        placed[f"{scope}/{node.name}"] = copy = type(node).FromString(node.SerializeToString())
        copy.name = f"{scope}/{node.name}"
        copy.input[:] = [given.get(name) or _place(name, scope) for name in node.input]
    (returned,) = [_place(name, scope) for name in function.ret.values()]
    # The call runs them all, and so does what takes its place.
    ran = {f"{scope}/{name}" for name in function.control_ret.values()}
    assert ran <= _needed(returned, placed)
    graph_def.node.remove(call)
    library.remove(function)
    graph_def.node.extend(placed.values())
    if saver.restore_op_name == call_name:
        saver.restore_op_name = returned
    else:
        saver.save_tensor_name = f"{returned}:0"


def _place(name, scope):
    """The name in a graph of what a node of a function takes: all its ops have one output."""
    if name.startswith("^"):
        return f"^{scope}/{name[1:]}"
    node, _, index = name.split(":")
    return f"{scope}/{node}" if index == "0" else f"{scope}/{node}:{index}"


def _needed(name, nodes):
    found, waiting = set(), [name]
    while waiting:
        name = waiting.pop().removeprefix("^").partition(":")[0]
        if name in nodes and name not in found:
            found.add(name)
            waiting += nodes[name].input
    return found


def _comparable(nodes):
    """The nodes by name; before TensorFlow 2.16 they had another order."""
    nodes = {node.name: node for node in nodes}
    for node in nodes.values():
        if tf.__version__ < "2.16" and node.op in (
            "DisableCopyOnRead",
            "ReadVariableOp",
            "Identity",
        ):
            node.device = ""  # It reads variables on their device, which here is the CPU.
    return nodes


def test_its_names_are_free_in_the_graph():
    meta_graph = meta_graph_pb2.MetaGraphDef()
    for name in ("save/x", "save_1", "restored", "Const", "saver_filename"):
        meta_graph.graph_def.node.add(name=name, op="VarHandleOp")
    variable = SavedVariable("key", "save/x", tf.int32.as_datatype_enum, SCALAR)
    add_saver(MainGraph(meta_graph, {}), [variable], b"")
    names = [node.name for node in meta_graph.graph_def.node]
    assert len(names) == len(set(names))
    saver = meta_graph.saver_def
    assert saver.filename_tensor_name == "saver_filename_1:0"
    assert saver.save_tensor_name.startswith("save_2/")
    assert saver.restore_op_name.startswith("restore/")
    known = {name.partition(":")[0].removeprefix("^") for node in meta_graph.graph_def.node
             for name in node.input}  # fmt: skip
    assert known <= set(names)


def test_functions_of_the_library_are_those_of_the_module(converted):
    """Python's loader builds all of them, also those that only Sessions run."""
    (meta_graph,) = read_saved_model(converted("bert_tiny")).meta_graphs
    ops = {node.op for f in meta_graph.graph_def.library.function for node in f.node_def}
    assert not ops & {"SaveV2", "RestoreV2", "MergeV2Checkpoints"}
    assert {"SaveV2", "RestoreV2"} <= {node.op for node in meta_graph.graph_def.node}


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


def test_a_scan_takes_it_for_a_saver(converted):
    report = converter.scan(converted("bert_tiny"))
    assert report.findings == ()
    assert {(note.op, note.runs) for note in report.notes} == {
        ("SaveV2", ("save",)), ("MergeV2Checkpoints", ("save",)), ("RestoreV2", ("load",)),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["text_embedding_oov", "while_partitioned", "dtypes_variables"])
def test_tensorflow_1_s_saver_saves_and_restores(name, converted, tmp_path):
    """The saver that `import_meta_graph` makes, under a name of the caller's too."""
    path = converted(name)
    (meta_graph,) = read_saved_model(path).meta_graphs
    before = tf.train.load_checkpoint(str(path / "variables" / "variables"))
    for scope in ("", "inner"):
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            saver = tf.compat.v1.train.import_meta_graph(meta_graph, import_scope=scope)
            saver.restore(session, str(path / "variables" / "variables"))
            saved = saver.save(session, str(tmp_path / f"again{scope}"), global_step=1)
        after = tf.train.load_checkpoint(saved)
        assert after.get_variable_to_shape_map() == before.get_variable_to_shape_map()
        for key in after.get_variable_to_shape_map():
            np.testing.assert_array_equal(after.get_tensor(key), before.get_tensor(key))
        assert {file.name.split(".")[0] for file in tmp_path.glob(f"again{scope}-*")} == {
            f"again{scope}-1"
        }


def test_a_module_without_variables_saves_and_restores_too(converted, tmp_path):
    with _session(converted("no_variables")) as (session, meta_graph):
        saver = meta_graph.saver_def
        given = {saver.filename_tensor_name: str(tmp_path / "again")}
        session.run(saver.save_tensor_name, given)
        session.run(saver.restore_op_name, given)
    keys = tf.train.load_checkpoint(str(tmp_path / "again")).get_variable_to_shape_map()
    assert list(keys) == ["_CHECKPOINTABLE_OBJECT_GRAPH"]
