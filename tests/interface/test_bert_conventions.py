"""Converted BERT and ALBERT modules in code that was written for their TF2 successors."""

import numpy as np
import pytest
import tensorflow as tf
from golden.converted_model import convert_golden, convert_to_disk
from golden.golden_values import GOLDEN, read_golden

import converter
from interface.test_keras_layer import keras_2

FIXTURES = ("bert_tiny", "bert_tokens_only", "albert_tiny")
NAMES = {"input_ids": "input_word_ids", "input_mask": "input_mask", "segment_ids": "input_type_ids"}
SPELLINGS = {
    "dict": lambda ids, mask, types: {
        "input_type_ids": types, "input_mask": mask, "input_word_ids": ids
    },
    "list": lambda ids, mask, types: [ids, mask, types],
}  # fmt: skip


def token_calls(name):
    return [call for call in read_golden(name).calls if call.signature == "tokens"]


def spell(inputs, spelling):
    ids, mask, types = (tf.constant(inputs[name]) for name in NAMES)
    return SPELLINGS[spelling](ids, mask, types)


def by_tf1_names(result):
    """The outputs of a call in any spelling, by their TF1 names."""
    if isinstance(result, tuple):
        return dict(zip(("pooled_output", "sequence_output"), result, strict=True))
    outputs = dict(result)
    if "default" in outputs:
        np.testing.assert_array_equal(outputs.pop("default"), outputs["pooled_output"])
    return outputs


def check_all_spellings(function, call, **kwargs):
    """Every spelling gives the bits of TF1's names, and they are near the recorded values."""
    plain = function({name: tf.constant(value) for name, value in call.inputs.items()}, **kwargs)
    assert set(plain) == {"pooled_output", "sequence_output"}
    for spelling in SPELLINGS:
        result = function(spell(call.inputs, spelling), **kwargs)
        assert isinstance(result, dict if spelling == "dict" else tuple)
        assert spelling != "dict" or "default" in result
        outputs = by_tf1_names(result)
        assert set(outputs) == set(call.outputs)
        for name, expected in call.outputs.items():
            np.testing.assert_array_equal(outputs[name], plain[name])
            np.testing.assert_allclose(outputs[name], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", FIXTURES)
def test_the_spellings_are_equal_and_near_tf1_s_values(name):
    model = convert_golden(name)
    for call in token_calls(name):
        kwargs = {"training": True} if call.tags else {}
        check_all_spellings(model.loaded, call, **kwargs)
        check_all_spellings(model.loaded.tokens, call, **kwargs)
        if not call.tags:
            check_all_spellings(model.loaded.serve, call)
        else:
            check_all_spellings(model.loaded.serve_training, call)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("name", ["bert_tiny", "albert_tiny"])
def test_gradients_are_near_tf1_s(name, spelling):
    model = convert_golden(name)
    for call in token_calls(name):
        with tf.GradientTape() as tape:
            result = model.loaded(spell(call.inputs, spelling), training=bool(call.tags))
        outputs = by_tf1_names(result).values()
        found = tape.gradient(list(outputs), model.loaded.trainable_variables)
        by_name = {
            v.name.removesuffix(":0"): gradient
            for v, gradient in zip(model.loaded.trainable_variables, found, strict=True)
            if gradient is not None
        }
        assert by_name.keys() == call.gradients.keys()
        for variable, expected in call.gradients.items():
            gradient = tf.convert_to_tensor(by_name[variable]).numpy()
            np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_a_live_module_takes_them_and_so_do_its_copies(tmp_path):
    """`converter.load`, saved by TensorFlow; and the SavedModel, saved once more."""
    (call,) = [call for call in token_calls("bert_tiny") if not call.tags]
    live = converter.load(GOLDEN / "bert_tiny" / "module")
    loaded = convert_to_disk("bert_tiny").load().loaded
    for number, module in enumerate((live, loaded)):
        check_all_spellings(module, call)
        check_all_spellings(module.serve, call)
        tf.saved_model.save(module, str(tmp_path / str(number)))
        copy = tf.saved_model.load(str(tmp_path / str(number)))
        for function in (copy, copy.tokens, copy.serve):
            check_all_spellings(function, call)
        for spelling in SPELLINGS:
            copy.serve_training(spell(call.inputs, spelling))


def test_the_endpoint_for_training_does_nothing_else():
    inputs = spell(token_calls("bert_tiny")[0].inputs, "dict")
    loaded = convert_to_disk("bert_tiny").load().loaded
    with pytest.raises(ValueError, match="matching concrete function"):
        loaded.serve_training(inputs, training=False)
    live = converter.load(GOLDEN / "bert_tiny" / "module")
    with pytest.raises(ValueError, match="serve_training always trains"):
        live.serve_training(inputs, training=False)


def test_signatures_stay_what_they_were(tmp_path):
    """The SignatureDefs do not depend on conventions, and Sessions know nothing of them."""
    source = GOLDEN / "bert_tiny" / "module"
    converter.convert(source, tmp_path / "without", conventions=False)
    converter.convert(source, tmp_path / "with")
    found = []
    for name in ("with", "without"):
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            load = tf.compat.v1.saved_model.load
            meta_graph = load(session, ["serve"], str(tmp_path / name))
            found.append(
                {
                    key: (sorted(signature.inputs), sorted(signature.outputs))
                    for key, signature in meta_graph.signature_def.items()
                }
            )
    assert found[0] == found[1]
    assert found[0]["serving_default"][0] == ["input_ids", "input_mask", "segment_ids"]


def test_the_same_bytes_twice(tmp_path):
    for name in ("one", "other"):
        converter.convert(GOLDEN / "albert_tiny" / "module", tmp_path / name)
    one, other = (tmp_path / name / "saved_model.pb" for name in ("one", "other"))
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.slow
def test_without_conventions(tmp_path):
    source = GOLDEN / "albert_tiny" / "module"
    conversion = converter.convert(source, tmp_path / "model", conventions=False)
    (call,) = [call for call in token_calls("albert_tiny") if not call.tags]
    for module in (
        tf.saved_model.load(str(tmp_path / "model")),
        converter.load(source, conventions=False),
    ):
        assert not hasattr(module, "sp_model_file")
        assert hasattr(module, "vocab_file")
        assert module.serve({name: tf.constant(value) for name, value in call.inputs.items()})
        for spelling in SPELLINGS:
            with pytest.raises((ValueError, TypeError, KeyError)):
                module(spell(call.inputs, spelling))
    told = conversion.record.conventions
    assert (told.spellings, told.assets) == ((), {"vocab_file": "albert.model"})
    assert conversion.record.options["conventions"] is False
    assert converter.verify(source, tmp_path / "model").passed


@pytest.mark.slow
def test_verify_compares_every_spelling(tmp_path):
    source = GOLDEN / "bert_tiny" / "module"
    converter.convert(source, tmp_path / "model")
    report = converter.verify(source, tmp_path / "model")
    assert report.passed
    rows = [row for row in report.rows if row.check == "conventions"]
    compared = {(row.case, row.tensor) for row in rows}
    for spelling in (*SPELLINGS, "serve"):
        assert ("tokens", f"{spelling}/sequence_output") in compared
    for spelling in (*SPELLINGS, "serve_training"):
        assert ("tokens, training", f"{spelling}/pooled_output") in compared
    assert ("tokens", "dict/default") in compared
    assert {"dict", "list", "serve", "serve_training"} <= {
        row.tensor.partition("/")[0] for row in rows if "/gradient of " in row.tensor
    }


# Code in the manner of what was published for TF2's encoders.


@pytest.fixture(scope="module")
def bert():
    return str(convert_to_disk("bert_tiny").path)


@pytest.fixture
def batch():
    (call,) = [call for call in token_calls("bert_tiny") if not call.tags]
    return call


def make_inputs(length=None):
    layers = keras_2().layers
    return [layers.Input((length,), dtype=tf.int32, name=NAMES[name]) for name in NAMES]


def test_an_encoder_as_the_model_garden_takes_it(bert, batch):
    import tensorflow_hub as hub

    inputs = make_inputs()
    encoder = hub.KerasLayer(bert, trainable=True)
    pooled, sequence = encoder(inputs)
    model = keras_2().Model(inputs=inputs, outputs=[sequence, pooled])
    found = model([batch.inputs[name] for name in NAMES])
    np.testing.assert_allclose(found[0], batch.outputs["sequence_output"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found[1], batch.outputs["pooled_output"], rtol=1e-4, atol=1e-5)
    assert len(model.trainable_weights) == len(tf.saved_model.load(bert).trainable_variables)


def classifier(bert):
    import tensorflow_hub as hub

    inputs = {tensor.name: tensor for tensor in make_inputs()}
    outputs = hub.KerasLayer(bert, trainable=True, name="encoder")(inputs)
    dropped = keras_2().layers.Dropout(0.1)(outputs["pooled_output"])
    return keras_2().Model(inputs, keras_2().layers.Dense(1, name="classifier")(dropped))


@pytest.mark.slow
def test_a_classifier_trains_and_is_saved_and_reloaded(bert, batch, tmp_path):
    import tensorflow_hub as hub

    data = {NAMES[name]: batch.inputs[name] for name in NAMES}
    labels = np.float32([[0], [1], [1]])
    keras_2().utils.set_random_seed(1)  # For the Dense layer, and for dropout.
    model = classifier(bert)
    model.compile(
        keras_2().optimizers.Adam(0.01), keras_2().losses.BinaryCrossentropy(from_logits=True)
    )
    before = {v.name: v.numpy() for v in model.trainable_weights}
    loss = model.evaluate(data, labels, verbose=0)
    model.fit(data, labels, epochs=6, verbose=0)
    assert model.evaluate(data, labels, verbose=0) < loss
    moved = {v.name for v in model.trainable_weights if np.any(v.numpy() != before[v.name])}
    assert len(moved) == len(before)
    expected = model.predict(data, verbose=0)
    model.save(tmp_path / "model", save_format="tf")
    again = keras_2().models.load_model(
        tmp_path / "model", custom_objects={"KerasLayer": hub.KerasLayer}
    )
    np.testing.assert_allclose(again.predict(data, verbose=0), expected, rtol=1e-5, atol=1e-6)
    again.fit(data, labels, epochs=1, verbose=0)
    assert not np.allclose(again.predict(data, verbose=0), expected)


def test_a_colab_of_the_first_version(bert, batch):
    """`bert_layer([word_ids, mask, segment_ids])`, and the vocabulary of the resolved object."""
    import tensorflow_hub as hub

    layer = hub.KerasLayer(bert, trainable=True)
    vocabulary = layer.resolved_object.vocab_file.asset_path.numpy()
    do_lower_case = layer.resolved_object.do_lower_case.numpy()
    assert b"[CLS]" in tf.io.read_file(vocabulary).numpy().split(b"\n")
    assert bool(do_lower_case) is True
    inputs = make_inputs(length=10)
    _, sequence = layer(inputs)
    out = keras_2().layers.Dense(1, activation="sigmoid")(sequence[:, 0, :])
    model = keras_2().Model(inputs, out)
    model.compile("adam", "binary_crossentropy")
    data = [batch.inputs[name] for name in NAMES]
    assert model.fit(data, np.float32([0, 1, 1]), epochs=1, verbose=0).history["loss"][0] > 0


def test_hub_load_as_a_preprocessor_feeds_it(bert, batch):
    """`encoder(preprocess(texts))["default"]`: the dict comes from a `tf.data` map."""
    import tensorflow_hub as hub

    encoder = hub.load(bert)
    rows = tf.data.Dataset.from_tensor_slices(
        {NAMES[name]: tf.cast(batch.inputs[name], tf.int64) for name in NAMES}
    ).map(lambda row: {name: tf.cast(value, tf.int32) for name, value in row.items()})
    (found,) = rows.batch(8).map(lambda rows: encoder(rows)["default"])
    np.testing.assert_allclose(found, batch.outputs["pooled_output"], rtol=1e-4, atol=1e-5)


def test_albert_s_vocabulary():
    loaded = convert_to_disk("albert_tiny").load().loaded
    path = loaded.sp_model_file.asset_path.numpy()
    assert path == loaded.vocab_file.asset_path.numpy()
    expected = (GOLDEN / "albert_tiny/module/assets/albert.model").read_bytes()
    assert tf.io.read_file(path).numpy() == expected


def test_bert_has_no_sentencepiece_model(bert):
    assert not hasattr(tf.saved_model.load(bert), "sp_model_file")
