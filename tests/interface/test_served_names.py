"""Signatures whose inputs have any names, in every way that users call them, as TF 1.15 did."""

import numpy as np
import pytest
import tensorflow as tf
from golden.converted_model import convert_golden
from golden.golden_values import read_golden

SIGNATURES = [call.signature for call in read_golden("odd_serving_names").calls]


@pytest.fixture(scope="module")
def model():
    return convert_golden("odd_serving_names")


@pytest.fixture(scope="module")
def wrapped(model, tmp_path_factory):
    """The model as a part of another that was saved and loaded."""
    path = str(tmp_path_factory.mktemp("wrapped"))
    wrapper = tf.Module()
    wrapper.model = tf.saved_model.load(str(model.path))
    tf.saved_model.save(wrapper, path)
    return tf.saved_model.load(path).model


def golden_call(signature):
    return next(c for c in read_golden("odd_serving_names").calls if c.signature == signature)


def keywords(model, signature):
    part = model.record["callables"][signature]
    given = golden_call(signature).inputs
    return {part["serving_keywords"].get(k, k): tf.constant(v) for k, v in given.items()}


def check(signature, found):
    expected = golden_call(signature).outputs
    assert set(found) == set(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, name)


def test_the_names_are_those_of_the_module(model):
    for signature in SIGNATURES:
        assert set(model.record["callables"][signature]["inputs"]) == set(
            golden_call(signature).inputs
        )
        assert model.record["callables"][signature]["served_as"] == signature


@pytest.mark.parametrize("signature", SIGNATURES)
def test_signatures_bind_inputs_by_name(signature, model):
    check(signature, model.loaded.signatures[signature](**keywords(model, signature)))


@pytest.mark.parametrize("signature", SIGNATURES)
def test_callables_take_a_dict_of_any_names(signature, model):
    inputs = {key: tf.constant(value) for key, value in golden_call(signature).inputs.items()}
    given = inputs if len(inputs) > 1 else next(iter(inputs.values()))
    check(signature, getattr(model.loaded, signature)(given, return_endpoints=True))


@pytest.mark.parametrize("signature", SIGNATURES)
def test_the_session_loader_has_the_names_to_the_letter(signature, model):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], str(model.path))
        definition = loaded.signature_def[signature]
        inputs = golden_call(signature).inputs
        feeds = {definition.inputs[name].name: value for name, value in inputs.items()}
        assert set(definition.inputs) == set(inputs)
        fetches = {name: info.name for name, info in definition.outputs.items()}
        check(signature, session.run(fetches, feeds))


@pytest.mark.parametrize("signature", SIGNATURES)
def test_a_copy_inside_of_another_model_binds_them_too(signature, model, wrapped):
    check(signature, wrapped.signatures[signature](**keywords(model, signature)))


@pytest.mark.parametrize("signature", SIGNATURES)
def test_hub_takes_a_dict_of_keywords(signature, model):
    import tensorflow_hub as hub

    layer = hub.KerasLayer(str(model.path), signature=signature, signature_outputs_as_dict=True)
    given = keywords(model, signature)
    check(signature, layer(given if len(given) > 1 else next(iter(given.values()))))


def test_signatures_can_be_saved_again(model, tmp_path):
    """As far as an ordinary model's: TensorFlow takes no keyword of Python for a parameter."""
    loaded = tf.saved_model.load(str(model.path))
    chosen = [s for s in SIGNATURES if s not in ("keywords", "not_ascii")]
    signatures = {name: loaded.signatures[name] for name in chosen}
    tf.saved_model.save(loaded, str(tmp_path / "copy"), signatures=signatures)
    copy = tf.saved_model.load(str(tmp_path / "copy")).signatures
    for name in chosen:
        given = keywords(model, name)
        if name == "letter_case":
            given["b_2"] = given.pop("b")  # Graphs name their nodes without regard to case.
        check(name, copy[name](**given))


def test_python_keywords_and_what_cannot_be_said(model):
    function = model.loaded.signatures["keywords"]
    given = {name: tf.constant(value) for name, value in golden_call("keywords").inputs.items()}
    check("keywords", function(**given))
    renamed = {"in": "in__1", "class": "class_", "None": "None_"}
    check("keywords", function(**{renamed.get(name, name): v for name, v in given.items()}))
    listed = {s: model.record["callables"][s]["serving_keywords"] for s in SIGNATURES}
    assert {signature: names for signature, names in listed.items() if names} == {
        "own_self": {"self": "self__1"},
        "underscores": {"_x": "arg__x_1"},
        "empty": {"": "input_1"},
        "empty_alone": {"": "input"},
        "cleaned_alike": {"a b": "a_b_1", "a.b": "a_b_2", "a/b": "a_b_3"},
    }


def test_reserved_signatures_are_served():
    model = convert_golden("odd_reserved_signatures")
    (warning,) = [w for w in model.record["warnings"] if "is served as" in w]
    assert "'__saved_model_init_op' is served as 'n_saved_model_init_op'" in warning
    for call in read_golden("odd_reserved_signatures").calls:
        name = call.signature
        served = "n_saved_model_init_op" if name == "__saved_model_init_op" else name
        found = model.loaded.signatures[served](x=tf.constant(call.inputs["x"]))
        np.testing.assert_array_equal(found["default"], call.outputs["default"])
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            loaded = tf.compat.v1.saved_model.load(session, ["serve"], str(model.path))
            definition = loaded.signature_def[served]
            feeds = {definition.inputs["x"].name: call.inputs["x"]}
            output = session.run(definition.outputs["default"].name, feeds)
            np.testing.assert_array_equal(output, call.outputs["default"])
