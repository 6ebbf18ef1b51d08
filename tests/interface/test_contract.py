"""The interface of converted modules, to the letter."""

import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from golden.converted_model import convert_golden, convert_to_disk
from golden.golden_values import GOLDEN

import converter

IMAGES = np.linspace(0, 1, 8 * 16 * 16 * 3, dtype=np.float32).reshape(8, 16, 16, 3)


def ones_for(inputs):
    """Float inputs of ones, with 2 in the place of unknown sizes."""
    return {
        key: tf.ones([2 if size is None else size for size in value["shape"]])
        for key, value in inputs.items()
    }


def load_again(name):
    """The model as it was saved, whatever other tests did to its variables."""
    return convert_to_disk(name).load().loaded


def test_root_is_the_default_signature():
    loaded = convert_golden("half_plus_two").loaded
    np.testing.assert_allclose(loaded(tf.constant([2.0, 4.0])), [3.0, 4.0])
    np.testing.assert_allclose(loaded.default(tf.constant([2.0, 4.0])), [3.0, 4.0])


def test_endpoints_come_on_request():
    loaded = convert_golden("image_bn_dropout").loaded
    plain = loaded(IMAGES)
    endpoints = loaded(IMAGES, return_endpoints=True)
    assert "TinyNet/Conv2d_1a_3x3" in endpoints
    np.testing.assert_array_equal(endpoints["default"], plain)


def test_without_an_output_default_the_result_is_a_dict():
    model = convert_golden("dense_no_default_output")
    outputs = model.loaded(ones_for(model.record["callables"]["default"]["inputs"]))
    assert isinstance(outputs, dict)
    assert "default" not in outputs


def test_every_allowed_combination_of_arguments_has_a_trace():
    loaded = load_again("image_bn_dropout")
    for training in (False, True):
        for endpoints in (False, True):
            for hparams in ({}, {"batch_norm_momentum": 0.5}, {"batch_norm_epsilon": 0.1}):
                loaded(IMAGES, training=training, return_endpoints=endpoints, **hparams)


def test_no_training_argument_without_a_training_variant():
    loaded = convert_golden("half_plus_two").loaded
    with pytest.raises((TypeError, ValueError)):
        loaded(tf.constant([1.0]), training=True)


def test_an_hparam_that_is_left_out_has_the_graph_s_value():
    model = convert_golden("image_bn_dropout")
    epsilon = model.record["callables"]["default"]["hparams"]["batch_norm_epsilon"]["default"]
    plain = model.loaded(IMAGES)
    np.testing.assert_array_equal(model.loaded(IMAGES, batch_norm_epsilon=epsilon), plain)
    assert not np.array_equal(model.loaded(IMAGES, batch_norm_epsilon=0.5), plain)


def test_a_default_that_only_the_graph_knows():
    loaded = convert_golden("image_default_mean").loaded
    plain = loaded(IMAGES)
    given = loaded(IMAGES, mean=tf.constant([0.5, 0.2, 0.9]))
    assert not np.array_equal(plain, given)


def test_variables_of_endpoints_are_listed():
    """Keras's warning of variables without gradients is better than weights that do not train."""
    loaded = convert_golden("image_bn_dropout").loaded
    for piece in (loaded, loaded.default, loaded.image_classification):
        names = {v.name for v in piece.variables}
        assert {"TinyNet/Logits/weights:0", "TinyNet/Conv2d_1a_3x3/weights:0"} <= names
    assert {id(v) for v in loaded.trainable_variables} <= {id(v) for v in loaded.variables}


def test_pieces_share_variables():
    loaded = convert_golden("image_bn_dropout").loaded
    by_name = {v.name: v for v in loaded.variables}
    names = {v.name for v in loaded.image_feature_vector.variables}
    assert "TinyNet/Conv2d_1a_3x3/weights:0" in names
    for variable in loaded.image_feature_vector.variables:
        assert by_name[variable.name] is variable


def test_partitioned_variables_stay_separate():
    loaded = convert_golden("text_embedding_oov").loaded
    assert [v.name for v in loaded.variables] == [f"embeddings/part_{i}:0" for i in range(3)]


def test_variants_outside_of_the_pair_are_named_callables():
    loaded = convert_golden("gan_spectral").loaded
    assert callable(loaded.generator__bs8_gen)
    assert callable(loaded.discriminator__bs2_disc)
    assert not callable(loaded)


def test_a_variant_without_weights_is_left_out_with_a_warning():
    model = convert_golden("gan_uninstantiated")
    assert not hasattr(model.loaded, "discriminator__bs8_disc")
    assert any("disc" in warning and "left out" in warning for warning in model.record["warnings"])


@pytest.mark.parametrize(
    ("signature", "attribute"),
    [("variables", "variables_"), ("a/b", "a_b"), ("class", "class_"), ("name", "name_")],
)
def test_awkward_signature_names(signature, attribute):
    model = convert_golden("odd_signature_names")
    assert model.record["callables"][attribute]["signature"] == signature
    assert callable(getattr(model.loaded, attribute))
    assert signature in model.loaded.signatures


def test_signatures_take_inputs_of_any_name():
    model = convert_golden("odd_input_names")
    inputs = ones_for(model.record["callables"]["default"]["inputs"])
    served = model.loaded.signatures["default"](**inputs)
    for key, value in model.loaded(inputs, return_endpoints=True).items():
        np.testing.assert_array_equal(served[key], value)


@pytest.mark.parametrize("name", ["odd_input_names", "sparse_mixed", "table_file", "ragged_both"])
def test_the_session_loader_knows_the_signatures(name):
    model = convert_to_disk(name)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta_graph = tf.compat.v1.saved_model.load(session, ["serve"], str(model.path))
    names = set()
    for key, value in model.record["callables"]["default"]["inputs"].items():
        parts = {
            "dense": [key],
            "sparse": [f"{key}_{part}" for part in ("indices", "values", "dense_shape")],
            "ragged": [f"{key}_component_{i}" for i in range(3)],
        }
        names.update(parts[value["kind"]])
    assert set(meta_graph.signature_def["default"].inputs) == names
    assert set(meta_graph.signature_def["serving_default"].inputs) == names


def test_tokenization_info_is_what_bert_code_reads():
    model, loaded = convert_golden("bert_tiny"), load_again("bert_tiny")
    vocabulary = loaded.vocab_file.asset_path.numpy().decode()
    assert pathlib.Path(vocabulary) == model.path / "assets" / "bert_vocab.txt"
    assert loaded.do_lower_case.numpy() in (True, False)
    info = loaded.tokenization_info()
    assert info["vocab_file"].numpy().decode() == vocabulary
    assert bool(info["do_lower_case"]) == bool(loaded.do_lower_case.numpy())


def test_no_root_when_two_signatures_take_inputs():
    loaded = convert_golden("odd_two_with_inputs").loaded
    assert not callable(loaded)
    assert "serving_default" not in loaded.signatures


def test_attachments_keep_their_bytes():
    model = convert_to_disk("attachments")
    described = model.record["attachments"]
    assert {item["key"] for item in described} >= {"image_module_info"}
    image = next(item for item in described if item["key"] == "image_module_info")
    assert image["json"]["default_image_size"]["height"] > 0
    for item in described:
        folder = "_".join(item["tags"]) or "default"
        path = model.path / "assets.extra" / "attachments" / folder / f"{item['key']}.pb"
        assert path.stat().st_size == item["size_bytes"]


def test_the_output_is_no_tf1_hub_module(fixture_name):
    model = convert_to_disk(fixture_name)
    assert not (model.path / "tfhub_module.pb").exists()
    record = json.loads((model.path / "assets.extra" / "conversion.json").read_text())
    assert record == model.record


def test_live_module_computes_what_the_saved_one_does():
    for name in ("image_bn_dropout", "table_file", "text_embedding_oov"):
        live = converter.load(GOLDEN / name / "module")
        saved = load_again(name)
        inputs = IMAGES if name.startswith("image") else tf.constant(["the", "cat", "??"])
        one, other = live(inputs), saved(inputs)
        tf.nest.map_structure(np.testing.assert_array_equal, one, other)


def test_live_module_trains():
    live = converter.load(GOLDEN / "image_bn_dropout" / "module")
    means = [v for v in live.variables if "moving_mean" in v.name]
    before = [v.numpy() for v in means]
    with tf.GradientTape() as tape:
        outputs = live(IMAGES, training=True, return_endpoints=True)
        total = tf.add_n([tf.reduce_sum(output) for output in outputs.values()])
    gradients = tape.gradient(total, live.trainable_variables)
    assert gradients
    assert all(gradient is not None for gradient in gradients)
    assert len(means) == 2
    assert not any(np.array_equal(old, v.numpy()) for old, v in zip(before, means, strict=True))
