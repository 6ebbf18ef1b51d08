import types

import numpy as np
import pytest
import tensorflow as tf

from converter import errors
from converter.assemble import signatures as module
from converter.assemble.reusable import build_reusable


@pytest.fixture
def served(golden_compiled):
    return lambda name: build_reusable(golden_compiled(name), live=True).signatures


def test_every_signature_and_serving_default(served):
    signatures = served("half_plus_two")
    assert set(signatures.functions) == {"default", "serving_default"}
    assert signatures.functions["serving_default"] is signatures.functions["default"]
    assert [name.traced for name in signatures.input_names["default"]] == ["default"]
    outputs = signatures.functions["default"](default=tf.constant([4.0]))
    assert list(outputs) == ["default"]
    np.testing.assert_array_equal(outputs["default"], [4.0])


def test_no_serving_default_because_there_is_no_root(served):
    assert set(served("odd_two_with_inputs").functions) == {"encode", "decode"}


def test_names_are_kept_to_the_letter(served):
    signatures = served("odd_input_names")
    names = signatures.input_names["default"]
    assert [name.name for name in names] == ["0", "observation/canvas", "tensor_dict$tau_a"]
    assert all(name.traced.isidentifier() for name in names)


def test_signatures_of_awkward_names_keep_them(served):
    assert {"2d-view", "a/b", "class", "variables"} <= set(served("odd_signature_names").functions)


def test_signatures_are_those_of_the_inference_variant(served):
    assert set(served("image_bn_dropout").functions) == {
        "default", "image_classification", "image_feature_vector",
        "image_feature_vector_with_bn_hparams", "serving_default",
    }  # fmt: skip


def test_a_module_without_an_inference_variant_serves_all_its_callables(served):
    assert set(served("gan_spectral").functions) == {
        f"{name}__{size}_{part}"
        for name, part in (("generator", "gen"), ("discriminator", "disc"))
        for size in ("bs2", "bs8")
    }


def test_sparse_inputs_are_taken_apart(served):
    names = [name.name for name in served("sparse_input").input_names["default"]]
    assert names == ["default_indices", "default_values", "default_dense_shape"]


def test_a_signature_with_the_name_of_the_initializer_has_another(served):
    functions = served("odd_reserved_signatures").functions
    assert set(functions) == {
        "default", "Default", "serving_default", "n_saved_model_init_op", "__saved_model_train_op",
    }  # fmt: skip


def test_ragged_outputs_are_taken_apart(served):
    function = served("ragged_both").functions["default"]
    assert any("_component_0" in name for name in function.structured_outputs)


def test_a_function_that_is_traced_once_more_is_noticed(monkeypatch):
    """The names of its inputs would be others than those of the first trace."""
    monkeypatch.setattr(module, "keyword_arguments", lambda *_: {"x": tf.constant(1.0)})
    function = tf.function(lambda x: {"y": x})
    part = types.SimpleNamespace(plan=types.SimpleNamespace(signature="encode"))
    with pytest.raises(errors.InternalError, match="signature 'encode' was traced again"):
        module._call(part, function, None, {})
    assert module._call(part, function, None, {})["y"] == 1
