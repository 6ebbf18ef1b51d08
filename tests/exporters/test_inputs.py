import numpy as np
import pytest

from converter import errors
from converter.exporters.comparison import choose_inputs, run_signature
from converter.exporters.inputs import InputMaker
from converter.parity.generate import Attempt


def test_ids_reach_all_of_the_embedding(signature_of):
    """The frozen graph shows how many rows there are."""
    maker = InputMaker(signature_of("bert_tiny"), {})
    made = maker.make(Attempt())
    assert set(made) == {"input_ids", "input_mask", "segment_ids"}
    assert made["input_ids"].max() > 5
    assert made["input_ids"].shape == made["input_mask"].shape


def test_a_sparse_input_is_three_tensors_that_fit(signature_of):
    signature = signature_of("sparse_input")
    made = InputMaker(signature, {}).make(Attempt())
    assert set(made) == {f"default_{part}" for part in ("indices", "values", "dense_shape")}
    assert len(made["default_indices"]) == len(made["default_values"]) > 0
    assert (made["default_indices"] < made["default_dense_shape"]).all()
    assert run_signature(signature, made)


def test_a_ragged_input_is_its_values_and_splits(signature_of):
    signature = signature_of("ragged_input")
    made = InputMaker(signature, {}).make(Attempt())
    assert set(made) == set(signature.inputs)
    assert run_signature(signature, made)


def test_hyperparameters_have_their_defaults(signature_of):
    maker = InputMaker(signature_of("cond_flag_with_default"), {})
    assert maker.make(Attempt())["flag"].tolist() is False
    assert maker.make(Attempt(flipped=True))["flag"].tolist() is False


def test_the_arrays_of_the_user_come_first(signature_of):
    signature = signature_of("half_plus_two")
    maker = InputMaker(signature, {"default": np.float32([7, 8])})
    assert [a["default"].tolist() for a in choose_inputs(signature, maker)] == [[7, 8]]


def test_an_array_for_no_input_is_refused(signature_of):
    with pytest.raises(errors.UsageError, match="no signature has inputs for the arrays 'x'"):
        InputMaker(signature_of("half_plus_two"), {"x": np.zeros(1)})


def test_a_fixed_size_is_kept(signature_of):
    signature = signature_of("half_plus_two", None, {"default": (5,)})
    found = choose_inputs(signature, InputMaker(signature, {}))
    assert {arrays["default"].shape for arrays in found} == {(5,)}


def test_several_inputs_of_two_batches_are_chosen(signature_of):
    signature = signature_of("half_plus_two")
    found = choose_inputs(signature, InputMaker(signature, {}))
    assert {arrays["default"].shape for arrays in found} == {(8,), (3,)}


def test_a_signature_that_changes_variables_cannot_be_frozen(signature_of):
    with pytest.raises(ValueError, match="Assign"):
        InputMaker(signature_of("gan_truncation"), {})
