import numpy as np
import pytest

from converter.assemble.reusable import build_reusable
from converter.compile.signature_names import InputName


@pytest.fixture
def served(golden_compiled):
    return lambda name: build_reusable(golden_compiled(name), live=False).signatures


def test_every_signature_and_serving_default(served):
    signatures = served("half_plus_two")
    assert set(signatures) == {"default", "serving_default"}
    assert signatures["serving_default"] is signatures["default"]
    assert [name.name for name in signatures["default"].arguments] == ["default"]
    assert signatures["default"].results == {"default": 0}


def test_inputs_are_in_the_order_of_the_trace(served):
    signature = served("odd_input_names")["default"]
    shapes = {name.name: tensor.shape.as_list() for name, tensor in _fed(signature)}
    expected = {"0": [2], "observation/canvas": [None, 2], "tensor_dict$tau_a": []}
    assert shapes == expected
    assert signature.results == {"1": 0, "action/logits": 1, "default": 2, "for": 3}


def _fed(signature):
    count = len(signature.arguments)
    return zip(signature.arguments, signature.function.inputs[:count], strict=True)


def test_hparams_that_a_signature_does_not_have_are_given_their_defaults(golden_compiled):
    compiled = golden_compiled("image_bn_dropout")
    hparams = compiled.callables["default"].plan.hparams
    served = build_reusable(compiled, live=False).signatures
    images, epsilon, momentum = served["default"].arguments
    assert images.name == "images"
    assert {epsilon.dtype, momentum.dtype} == {np.dtype("float32")}
    assert [epsilon, momentum] == [np.float32(hparam.default) for hparam in hparams]


def test_hparams_that_a_signature_has_are_inputs(served):
    arguments = served("image_bn_dropout")["image_feature_vector_with_bn_hparams"].arguments
    assert len(arguments) == 3
    assert all(isinstance(each, InputName) for each in arguments)


def test_no_serving_default_because_there_is_no_root(served):
    assert set(served("odd_two_with_inputs")) == {"encode", "decode"}


def test_signatures_of_awkward_names_keep_them(served):
    assert {"2d-view", "a/b", "class", "variables"} <= set(served("odd_signature_names"))


def test_signatures_are_those_of_the_inference_variant(served):
    assert set(served("image_bn_dropout")) == {
        "default", "image_classification", "image_feature_vector",
        "image_feature_vector_with_bn_hparams", "serving_default",
    }  # fmt: skip


def test_a_module_without_an_inference_variant_serves_all_its_callables(served):
    assert set(served("gan_spectral")) == {
        f"{name}__{size}_{part}"
        for name, part in (("generator", "gen"), ("discriminator", "disc"))
        for size in ("bs2", "bs8")
    }


def test_sparse_inputs_are_taken_apart(served):
    names = [name.name for name in served("sparse_input")["default"].arguments]
    assert names == ["default_indices", "default_values", "default_dense_shape"]


def test_a_signature_with_the_name_of_the_initializer_has_another(served):
    assert set(served("odd_reserved_signatures")) == {
        "default", "Default", "serving_default", "n_saved_model_init_op", "__saved_model_train_op",
    }  # fmt: skip


def test_ragged_outputs_are_taken_apart(served):
    results = served("ragged_both")["default"].results
    assert any("_component_0" in name for name in results)
