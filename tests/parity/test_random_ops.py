import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import graph_pb2
from tensorflow.core.protobuf import saved_model_pb2

from converter.ir import op_facts, serde
from converter.ir.text import parse_graph
from converter.parity import random_ops
from converter.parity.random_ops import make_deterministic
from legacy_fixtures import determinism


def _graph_def(build):
    graph = tf.Graph()
    with graph.as_default():
        build()
    return graph.as_graph_def()


def _run(graph_def, name):
    def call():
        return tf.import_graph_def(graph_def, return_elements=[f"{name}:0"])[0]

    return tf.function(call)().numpy()


_DRAWS = {
    "uniform": lambda: tf.raw_ops.RandomUniform(shape=[3, 4], dtype=tf.float32, name="draw"),
    "normal": lambda: tf.raw_ops.RandomStandardNormal(
        shape=[50], dtype=tf.float16, seed=3, name="draw"
    ),
    "integers": lambda: tf.random.uniform([5], maxval=9, dtype=tf.int64, seed=1, name="draw"),
    "truncated": lambda: tf.raw_ops.TruncatedNormal(shape=[4], dtype=tf.float64, name="draw"),
    "multinomial": lambda: tf.raw_ops.Multinomial(logits=[[0.1, 0.9]], num_samples=6, name="draw"),
    "shuffle": lambda: tf.raw_ops.RandomShuffle(value=tf.range(7), name="draw"),
    "gamma": lambda: tf.raw_ops.RandomGamma(shape=[3], alpha=[0.5, 2.0], name="draw"),
    "poisson": lambda: tf.raw_ops.RandomPoissonV2(shape=[3], rate=[0.5, 9.0], name="draw"),
}


@pytest.mark.parametrize("name", sorted(_DRAWS))
def test_draws_the_same_in_every_run(name):
    graph_def = _graph_def(_DRAWS[name])
    before = _run(graph_def, "draw")
    found = make_deterministic(graph_def)
    assert list(found.replaced) == ["draw"]
    assert not found.uncomparable
    first, second = _run(graph_def, "draw"), _run(graph_def, "draw")
    np.testing.assert_array_equal(first, second)
    assert first.dtype == before.dtype
    assert first.shape == before.shape
    assert len(np.unique(first)) > 1


def test_leaves_other_ops_alone():
    graph_def = _graph_def(lambda: tf.random.stateless_uniform([2], seed=[1, 2]) + 1.0)
    before = graph_def.SerializeToString(deterministic=True)
    assert make_deterministic(graph_def) == random_ops.RandomOps({}, {}, {}, ())
    assert graph_def.SerializeToString(deterministic=True) == before


def test_does_what_the_golden_values_were_recorded_with():
    def build():
        for name in ("uniform", "normal", "integers", "truncated", "multinomial", "shuffle"):
            with tf.name_scope(name):
                _DRAWS[name]()

    ours, theirs = _graph_def(build), _graph_def(build)
    make_deterministic(ours)
    determinism._make_nodes_stateless(theirs.node, "{}")
    assert {node.name: _essence(node) for node in ours.node} == {
        node.name: _essence(node) for node in theirs.node
    }


def _essence(node):
    # The default of an attribute is as good as the attribute.
    attrs = {key: value.SerializeToString() for key, value in node.attr.items()}
    return node.op, list(node.input), {k: v for k, v in attrs.items() if k not in ("Tseed", "Tidx")}


def test_text_form_of_the_module_docstring():
    graph = parse_graph(
        """
        shape = Const[dtype=int32]()
        noise = RandomUniform[T=int32, dtype=float, seed=3, seed2=4](shape)
        return noise
        """
    )
    graph_def = graph_pb2.GraphDef()
    for node in graph.nodes.values():
        added = graph_def.node.add(name=node.name, op=node.op)
        added.input.extend(ref.node for ref in node.inputs)
        for key, value in node.attrs.items():
            added.attr[key].CopyFrom(value)
    make_deterministic(graph_def)
    nodes = serde.nodes_from_graph_def(graph_def)
    assert nodes["noise"].op == "StatelessRandomUniform"
    assert [ref.node for ref in nodes["noise"].inputs] == ["shape", "noise/stateless_seed"]
    assert "seed" not in nodes["noise"].attrs
    seed = tf.make_ndarray(nodes["noise/stateless_seed"].attrs["value"].tensor)
    assert (seed.dtype, seed.tolist()) == (np.int64, [3, 4])


def test_rewrites_functions(tmp_path):
    class Noise(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None])])
        def __call__(self, x):
            return tf.random.shuffle(x + tf.random.normal([1])) * tf.random.gamma([], alpha=2.0)

    tf.saved_model.save(Noise(), str(tmp_path / "noise"))
    path = tmp_path / "noise" / "saved_model.pb"
    message = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    found = make_deterministic(message.meta_graphs[0].graph_def)
    ops = set(found.replaced_in_functions.values())
    assert ops == {"RandomGamma", "RandomShuffle", "RandomStandardNormal"}
    path.write_bytes(message.SerializeToString())
    (tmp_path / "noise" / "fingerprint.pb").unlink(missing_ok=True)
    loaded = tf.saved_model.load(str(tmp_path / "noise"))
    x = tf.constant([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(loaded(x), loaded(x))


def test_names_what_it_cannot_replace():
    graph_def = _graph_def(
        lambda: tf.random.log_uniform_candidate_sampler([[1]], 1, 2, True, 5, name="sample")
    )
    assert make_deterministic(graph_def).uncomparable == ("sample",)


def test_names_calls_of_functions_with_what_it_cannot_replace():
    @tf.function
    def inner():
        return tf.random.log_uniform_candidate_sampler([[1]], 1, 2, True, 5)[0]

    graph_def = _graph_def(lambda: tf.identity(inner(), name="result"))
    calls = [node.name for node in graph_def.node if "Call" in node.op]
    assert make_deterministic(graph_def).uncomparable == tuple(calls)


def test_all_twins_are_registered_ops():
    for op, twin in random_ops._TWINS.items():
        assert op_facts.find_op_def(op) is not None
        assert op_facts.find_op_def(twin.op) is not None
    for op in random_ops.UNCOMPARABLE_OPS:
        assert op_facts.find_op_def(op) is not None, op
