"""The object graph and keys, against those that TensorFlow writes itself."""

import pytest
import tensorflow as tf
from golden.golden_values import GOLDEN
from tensorflow.core.protobuf import saved_model_pb2, trackable_object_graph_pb2

from converter import tf_private
from converter.assemble.reusable import build_reusable
from converter.compile.compile_module import compile_module
from converter.export.object_graph import OBJECT_GRAPH_KEY, make_object_graph
from converter.formats.registry import read_module


def _reusable(name):
    legacy = read_module(GOLDEN / name / "module")
    return build_reusable(compile_module(legacy), live=True)


def _meta_graph(path):
    saved_model = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    return saved_model.meta_graphs[0]


def _by_path(serialized):
    """Children and keys of each object, whatever its number is."""
    nodes = trackable_object_graph_pb2.TrackableObjectGraph.FromString(serialized).nodes
    found, stack = {}, [((), 0)]
    while stack:
        path, number = stack.pop()
        node = nodes[number]
        names = sorted(child.local_name for child in node.children)
        found[path] = (names, [(a.name, a.checkpoint_key) for a in node.attributes])
        if len(path) < 5:
            stack += [((*path, c.local_name), c.node_id) for c in node.children]
    return found


@pytest.mark.parametrize(
    "name", ["image_bn_dropout", "text_embedding_oov", "bert_tiny", "table_file"]
)
def test_it_is_what_tensorflow_writes(name, tmp_path):
    reusable = _reusable(name)
    tf.saved_model.save(reusable.module, str(tmp_path), {})
    ours = make_object_graph(_meta_graph(tmp_path).object_graph_def)
    reader = tf.train.load_checkpoint(str(tmp_path / "variables" / "variables"))
    assert set(ours.keys.values()) == set(reader.get_variable_to_shape_map()) - {OBJECT_GRAPH_KEY}
    theirs = _by_path(reader.get_tensor(OBJECT_GRAPH_KEY))
    mine = _by_path(ours.serialized)
    # TensorFlow's checkpoint leaves out what has no state.
    assert {path: keys for path, (_, keys) in mine.items() if keys} == {
        path: keys for path, (_, keys) in theirs.items() if keys
    }


def test_names_with_dots_and_slashes(tmp_path):
    module = tf.Module()
    setattr(module, "a/b.c", tf.Variable(1.0))
    objects, _ = tf_private.save_without_checkpoint(
        module, tmp_path, [], tf.saved_model.SaveOptions()
    )
    graph = make_object_graph(_meta_graph(tmp_path).object_graph_def)
    assert list(graph.keys.values()) == ["a.Sb..c/.ATTRIBUTES/VARIABLE_VALUE"]
    (number,) = graph.keys
    assert objects[number] is getattr(module, "a/b.c")
