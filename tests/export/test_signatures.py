"""Signatures that are written, not traced."""

import pathlib
import types

import numpy as np
import pytest
import tensorflow as tf

import converter
from converter import errors
from converter.export.canonical import read_saved_model
from converter.export.signatures import add_signatures


@pytest.fixture
def converted(golden_module, tmp_path):
    def convert(name):
        return pathlib.Path(converter.convert(golden_module(name), tmp_path / "out").destination)

    return convert


def _meta_graph(path):
    return read_saved_model(path).meta_graphs[0]


def _wrapper(meta_graph, signature):
    objects = meta_graph.object_graph_def
    root = {child.local_name: child.node_id for child in objects.nodes[0].children}
    offered = objects.nodes[root["signatures"]].children
    number = next(child.node_id for child in offered if child.local_name == signature)
    name = objects.nodes[number].bare_concrete_function.concrete_function_name
    functions = {f.signature.name: f for f in meta_graph.graph_def.library.function}
    return number, functions[name]


def test_serving_default_is_one_more_edge(converted):
    path = converted("half_plus_two")
    meta_graph = _meta_graph(path)
    assert _wrapper(meta_graph, "default") == _wrapper(meta_graph, "serving_default")
    signatures = meta_graph.signature_def
    assert signatures["default"] == signatures["serving_default"]
    loaded = tf.saved_model.load(str(path)).signatures
    assert list(loaded) == ["default", "serving_default"]
    assert loaded["serving_default"](tf.constant([4.0]))["default"].numpy().tolist() == [4.0]


def test_it_is_a_call_and_identities(converted):
    _, wrapper = _wrapper(_meta_graph(converted("odd_input_names")), "default")
    ops = [node.op for node in wrapper.node_def]
    assert ops == ["StatefulPartitionedCall", "NoOp", *["Identity"] * 4]
    assert wrapper.control_ret == {"call": "call"}


def test_a_function_without_state_is_called_as_such(converted):
    meta_graph = _meta_graph(converted("no_variables"))
    _, wrapper = _wrapper(meta_graph, "default")
    assert not wrapper.signature.is_stateful
    assert [node.op for node in wrapper.node_def] == ["PartitionedCall", *["Identity"] * 2]
    assert "PartitionedCall" in [node.op for node in meta_graph.graph_def.node]


def test_hparams_of_another_signature_have_their_defaults(converted):
    path = converted("image_bn_dropout")
    _, wrapper = _wrapper(_meta_graph(path), "default")
    assert [node.op for node in wrapper.node_def][:2] == ["Const", "Const"]
    loaded = tf.saved_model.load(str(path))
    inputs = loaded.signatures["default"].structured_input_signature[1]
    assert list(inputs) == ["images"]
    images = tf.random.stateless_uniform([2, *inputs["images"].shape[1:]], [1, 2])
    served = loaded.signatures["default"](images=images)
    called = loaded(images, return_endpoints=True)
    for key, value in called.items():
        np.testing.assert_array_equal(served[key], value)


def test_the_structured_signature_is_kept_to_the_letter(converted):
    signature = tf.saved_model.load(str(converted("odd_input_names"))).signatures["default"]
    args, kwargs = signature.structured_input_signature
    assert args == ()
    assert kwargs == {
        "0": tf.TensorSpec([2], tf.float32, "0"),
        "observation/canvas": tf.TensorSpec([None, 2], tf.float32, "observation/canvas"),
        "tensor_dict$tau_a": tf.TensorSpec([], tf.float32, "tensor_dict$tau_a"),
    }
    assert signature.structured_outputs == {
        "1": tf.TensorSpec([], tf.float32, "tensor_1"),
        "action/logits": tf.TensorSpec([None, 2], tf.float32, "action_logits"),
        "default": tf.TensorSpec([None, 2], tf.float32, "default"),
        "for": tf.TensorSpec([2], tf.float32, "for"),
    }


@pytest.mark.parametrize("name", ["while_nested", "cond_random", "defun_gradient", "table_file"])
def test_a_signature_is_saved_again(name, converted, tmp_path):
    loaded = tf.saved_model.load(str(converted(name)))
    signatures = {"f": loaded.signatures["default"], "g": loaded.signatures["serving_default"]}
    tf.saved_model.save(loaded, str(tmp_path / "again"), signatures)
    again = tf.saved_model.load(str(tmp_path / "again")).signatures
    assert set(again) == {"f", "g"}
    expected = loaded.signatures["default"].structured_outputs
    assert again["g"].structured_outputs.keys() == expected.keys()


def test_gradients_pass_through_a_signature(converted):
    loaded = tf.saved_model.load(str(converted("while_nested")))
    signature = loaded.signatures["default"]
    (spec,) = signature.structured_input_signature[1].values()
    value = tf.ones([size or 2 for size in spec.shape], spec.dtype)
    with tf.GradientTape() as tape:
        outputs = [output for output in signature(value).values() if output.dtype.is_floating]
        total = tf.add_n([tf.reduce_sum(output) for output in outputs])
    gradients = tape.gradient(total, loaded.trainable_variables)
    assert gradients
    assert all(gradient is not None for gradient in gradients)


def test_a_trace_that_was_not_saved_is_noticed():
    root = types.SimpleNamespace(
        children=[types.SimpleNamespace(local_name="signatures", node_id=1)]
    )
    meta_graph = types.SimpleNamespace(object_graph_def=types.SimpleNamespace(nodes=[root]))
    graph = types.SimpleNamespace(meta_graph=meta_graph)
    served = types.SimpleNamespace(function=types.SimpleNamespace(name=b"__inference_f_1"))
    with pytest.raises(errors.InternalError, match="signature 'encode' was traced again"):
        add_signatures(graph, {"encode": served}, {})
