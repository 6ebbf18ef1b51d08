"""What live modules say of their calls, and of wrong ones."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from markup import assert_safe

import converter
from converter import errors
from converter.assemble.reusable import build_reusable

_IDS = tf.ones([2, 8], tf.int32)
_BERT = {"input_ids": _IDS, "input_mask": _IDS, "segment_ids": _IDS}
_IMAGES = tf.zeros([2, 16, 16, 3])
_WANTED = (
    "{'input_ids': int32 [?, ?], 'input_mask': int32 [?, ?], 'segment_ids': int32 [?, ?]},"
    " training=False)"
)


@pytest.fixture(scope="module")
def live(request):
    """`live(name)` is a golden module, the same in all tests of this file."""
    golden = request.config.rootpath / "legacy_fixtures" / "golden"
    return functools.cache(lambda name: converter.load(golden / name / "module"))


def test_a_repr_is_one_line_with_inputs_and_outputs(live):
    outputs = "{'pooled_output': float32 [?, 16], 'sequence_output': float32 [?, ?, 16]}"
    bert = live("bert_tiny")
    assert repr(bert.tokens) == f"<module.tokens({_WANTED} -> {outputs}>"
    assert repr(bert) == (
        f"<module({_WANTED} -> {outputs}; callables mlm, tokenization_info, tokens>"
    )
    assert str(bert).splitlines()[0] == f"module({_WANTED} -> {outputs}"
    assert [line.split("(")[0] for line in str(bert).splitlines()] == [
        "module", "module.mlm", "module.tokenization_info", "module.tokens",
    ]  # fmt: skip
    assert_safe(bert._repr_html_())


def test_a_default_output_and_hyperparameters_are_shown(live):
    assert str(live("image_bn_dropout")).splitlines()[0] == (
        "module(float32 [?, 16, 16, 3], training=False, return_endpoints=False,"
        " batch_norm_epsilon=0.001, batch_norm_momentum=0.9) -> float32 [?, 8]"
    )


def test_a_module_that_cannot_be_called_lists_what_can(golden_live):
    module = golden_live("variants_training_twins")
    assert repr(module).startswith("<a module; callables ")
    assert str(module).startswith("module.")


def test_a_module_that_is_only_saved_knows_no_calls(golden_compiled):
    module = build_reusable(golden_compiled("half_plus_two"), live=False).module
    assert repr(module) == str(module) == "<a module>"


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((_IDS, _IDS, _IDS), {}, "takes other arguments: too many positional arguments"),
        ((), _BERT, "takes other arguments: missing a required argument: 'inputs'"),
        ((_BERT,), {"trainig": True}, "takes other arguments: got an unexpected keyword argument"),
        ((_IDS,), {}, "takes a dict of inputs, and was given a EagerTensor"),
        (([_IDS] * 2,), {}, "takes a dict of inputs, and was given a list"),
        (({**_BERT, "more": _IDS},), {}, "has no input 'more'"),
        (({"input_ids": _IDS},), {}, "was called without input 'input_mask'"),
    ],
)
def test_a_wrong_call_is_told_the_inputs(args, kwargs, message, live):
    for module, name in (
        (live("bert_tiny"), "module"),
        (live("bert_tiny").tokens, "module.tokens"),
    ):
        with pytest.raises(errors.CallError) as caught:
            module(*args, **kwargs)
        assert caught.value.message.startswith(f"{name} {message}")
        assert caught.value.remedy == f"Call it as {name}({_WANTED}."
        # Of the types that a wrong call has in Python.
        assert isinstance(caught.value, TypeError)
        assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("images", "message", "remedy"),
    [
        (
            tf.cast(_IMAGES, tf.float64),
            "has dtype float64, expected float32",
            "Convert it: tf.cast",
        ),
        (np.zeros([2, 16, 16, 3], np.uint8), "has dtype uint8, expected float32", "Convert it"),
        (np.array(["a"]), "has dtype string, expected float32", "Call it as module("),
        ({"images": _IMAGES}, "is a dict, expected a dense tensor", "Call it as module("),
        (tf.sparse.from_dense(_IMAGES), "is a SparseTensor, expected a dense tensor", "Call it"),
        (_IMAGES[..., :2], "has shape [2, 16, 16, 2], expected [?, 16, 16, 3]", "Call it"),
        ([[1.0, 2.0]], "has shape [1, 2], expected [?, 16, 16, 3]", "Call it"),
    ],
)
def test_a_wrong_value_is_told_what_is_wanted(images, message, remedy, live):
    with pytest.raises(errors.CallError) as caught:
        live("image_bn_dropout")(images)
    assert caught.value.message == f"input 'images' of module {message}"
    assert caught.value.remedy.startswith(remedy)


def test_a_sparse_input_is_not_dense(live):
    with pytest.raises(errors.CallError, match="is a EagerTensor, expected a sparse tensor"):
        live("sparse_input")(tf.zeros([2, 2]))


def test_what_else_goes_wrong_is_left_as_it_is(golden_live):
    module, failure = golden_live("half_plus_two"), ValueError("it fails")

    def fail(_):
        raise failure

    module.__dict__["__call__"] = fail
    with pytest.raises(ValueError, match="it fails") as caught:
        module(tf.zeros([2]))
    assert caught.value is failure


def test_right_calls_are_made(live):
    bert, image = live("bert_tiny"), live("image_bn_dropout")
    expected = bert(_BERT)["pooled_output"]
    arrays = {name: value.numpy() for name, value in _BERT.items()}
    lists = {name: value.numpy().tolist() for name, value in _BERT.items()}
    assert np.array_equal(bert(arrays)["pooled_output"], expected)
    assert np.array_equal(bert(lists)["pooled_output"], expected)
    assert np.array_equal(bert([_IDS, _IDS, _IDS])[0], expected)
    spelled = {"input_word_ids": _IDS, "input_mask": _IDS, "input_type_ids": _IDS}
    assert np.array_equal(bert(spelled)["pooled_output"], expected)
    assert np.array_equal(tf.function(image)(_IMAGES), image(_IMAGES))
