import numpy as np
import pytest
import tensorflow as tf

from converter.assemble.callables import python_signature

_IMAGE_PARAMETERS = (
    "(inputs, training=False, return_endpoints=False, batch_norm_epsilon=0.0010000000474974513,"
    " batch_norm_momentum=0.8999999761581421)"
)
_HALF = [0.0, 1.0, 4.0]


def test_half_plus_two(golden_live):
    module = golden_live("half_plus_two")
    np.testing.assert_array_equal(module(tf.constant(_HALF)), [2.0, 2.5, 4.0])
    np.testing.assert_array_equal(module.default(tf.constant(_HALF)), [2.0, 2.5, 4.0])
    np.testing.assert_array_equal(module(inputs=tf.constant(_HALF)), [2.0, 2.5, 4.0])


def test_variables_can_be_trained(golden_live):
    module = golden_live("half_plus_two")
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(module(tf.constant(_HALF)))
    gradients = tape.gradient(loss, module.trainable_variables)
    assert [float(g) for g in gradients] == [5.0, 3.0]
    module.variables[0].assign(1.0)
    np.testing.assert_array_equal(module(tf.constant(_HALF)), [2.0, 3.0, 6.0])


@pytest.mark.parametrize(
    ("name", "attribute", "parameters"),
    [
        ("half_plus_two", "default", "(inputs)"),
        ("dense_regularized", "default", "(inputs, return_endpoints=False)"),
        ("bert_tiny", "tokens", "(inputs, training=False)"),
        ("bert_tiny", "tokenization_info", "(training=False)"),
        ("odd_endpoints", "no_inputs", "()"),
        ("odd_fed_ops", "with_default", "(x=None)"),
        ("image_default_mean", "default", "(inputs, training=False, mean=None)"),
        ("gan_truncation", "default", "(inputs, truncation=0.800000011920929)"),
        (
            "image_bn_dropout", "default",
            _IMAGE_PARAMETERS,
        ),
    ],
)  # fmt: skip
def test_parameters(name, attribute, parameters, golden_compiled):
    found = python_signature(golden_compiled(name).callables[attribute])
    assert str(found) == parameters


@pytest.mark.parametrize(
    ("name", "traces"),
    [
        ("half_plus_two", {"default": 1}),
        ("dense_regularized", {"default": 2}),
        ("bert_tiny", {"mlm": 2, "tokenization_info": 2, "tokens": 6}),
        ("image_default_mean", {"default": 4}),
        ("gan_truncation", {"default": 1}),
    ],
)
def test_each_allowed_combination_has_a_trace_in_each_spelling(name, traces, golden_live):
    module = golden_live(name)
    assert {
        attribute: len(
            getattr(module, attribute).__dict__["__call__"]._list_all_concrete_functions()
        )
        for attribute in traces
    } == traces


def test_calls_make_no_new_traces(golden_live):
    module = golden_live("dense_regularized")
    function = module.__dict__["__call__"]
    for endpoints in (False, True):
        for batch in (1, 5):
            module(tf.zeros([batch, 6]), return_endpoints=endpoints)
    assert len(function._list_all_concrete_functions()) == 2


def test_endpoints(golden_live):
    module = golden_live("dense_regularized")
    outputs = module(tf.ones([2, 6]), return_endpoints=True)
    assert set(outputs) == {"default", "hidden/relu", "logits"}
    np.testing.assert_array_equal(outputs["default"], module(tf.ones([2, 6])))


def test_several_inputs_are_a_dict_and_without_a_default_output_the_result_is_one(golden_live):
    module = golden_live("dense_no_default_output")
    graph_inputs = {"x": tf.zeros([2, 5]), "offset": tf.zeros([2, 3])}
    spec = module.__dict__["__call__"]._list_all_concrete_functions()[0].structured_input_signature
    given = {
        name: tf.zeros([2 if d is None else d for d in s.shape]) for name, s in spec[0][0].items()
    }
    assert set(given) == set(graph_inputs)
    outputs = module(given)
    assert isinstance(outputs, dict)
    assert "default" not in outputs


def test_a_call_without_training_updates_nothing_and_one_with_training_does(golden_live):
    module = golden_live("image_bn_dropout")
    images = tf.random.stateless_uniform([8, 16, 16, 3], [1, 2])
    moving = [v for v in module.variables if "moving" in v.name]
    assert len(moving) == 4
    before = [v.numpy() for v in moving]
    module(images)
    for variable, value in zip(moving, before, strict=True):
        np.testing.assert_array_equal(variable, value)
    module(images, training=True)
    assert all(
        np.any(variable.numpy() != value) for variable, value in zip(moving, before, strict=True)
    )
