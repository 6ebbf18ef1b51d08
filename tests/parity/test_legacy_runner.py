"""Holds the oracle itself to the values that TensorFlow 1.15 computed."""

import dataclasses

import numpy as np
import pytest
from golden.golden_values import read_golden

from converter.formats.registry import read_module
from converter.parity.cases import Case
from converter.parity.compare import Tolerance, compare, default_tolerance, magnitude
from converter.parity.legacy_failure import LegacyFailure
from converter.parity.legacy_runner import LegacyRunner
from converter.parity.values import name_assets, to_components

_TRAINING = {"train", "training", "is_training", "batch_norm_trains"}


def make_case(signature, inputs, tags=frozenset(), **fields):
    defaults = {
        "attribute": signature,
        "signature": signature,
        "source": signature,
        "tags": frozenset(tags),
        "training": bool(_TRAINING.intersection(tags)),
        "inputs": inputs,
        "positional": tuple(inputs),
        "keywords": {},
        "takes_training": False,
        "takes_endpoints": False,
    }
    return Case(**{**defaults, **fields})


@pytest.fixture
def runner(golden):
    """`runner(name)` returns a runner of a golden module."""
    return lambda name: LegacyRunner(read_module(golden(name)))


def assert_close(expected, actual, scale=0.0):
    assert set(expected) == set(actual)
    for name in expected:
        pairs = zip(to_components(expected[name]), to_components(actual[name]), strict=True)
        for one, other in pairs:
            tolerance = default_tolerance(one.dtype.name)
            # Between TensorFlow 1.15 and this one, kernels differ, too.
            tolerance = Tolerance(5 * tolerance.rtol, 0, 5 * tolerance.noise)
            found = compare(one, other, tolerance, scale)
            assert found.passed, (name, found)


@pytest.mark.usefixtures("plain_loss")
@pytest.mark.parametrize(
    "name",
    ["defun_gradient", "dtypes_ref_variables", "dtypes_variables", "gan_spectral",
     "image_bn_dropout", "odd_fed_ops", "ragged_both", "ref_moving_averages", "ref_state",
     "rnn_gru_lengths", "sparse_mixed", "table_mutable", "table_ref_handles",
     "tensor_array_split", "text_embedding_oov", "unknown_shape_variable", "v2_while",
     "while_nested_deep"],
)  # fmt: skip
def test_computes_what_tf_1_15_did(runner, name):
    mine = runner(name)
    assert read_golden(name).calls
    for call in read_golden(name).calls:
        seen = mine.observe(make_case(call.signature, call.inputs, call.tags))
        assert_close(call.outputs, seen.outputs)
        gradients = {k: g for k, g in seen.gradients.items() if g is not None}
        scale = max(map(magnitude, call.gradients.values()), default=0.0)
        assert_close(call.gradients, gradients, scale)
        assert_close(call.variables_after, seen.changed)
        losses = mine.losses(call.tags)
        assert len(losses) == len(call.regularization_losses)
        for expected, loss in zip(call.regularization_losses, losses, strict=True):
            assert_close({"loss": expected}, {"loss": loss.value})


def test_variables(runner):
    facts = runner("text_embedding_oov").variables(frozenset())
    assert set(facts) == set(read_golden("text_embedding_oov").variables)
    trainable = {name for name, variable in facts.items() if variable.trainable}
    assert trainable == read_golden("text_embedding_oov").trainable


def test_losses_know_their_variables(runner):
    losses = runner("dense_regularized").losses(frozenset())
    assert losses
    assert all(loss.used for loss in losses)


def test_losses_know_their_variant(runner):
    train = frozenset({"train"})
    assert {loss.variant for loss in runner("endpoints_own_weights").losses(train)} == {train}


def test_what_endpoints_use_counts(runner):
    call = read_golden("endpoints_own_weights").calls[0]
    seen = runner("endpoints_own_weights").observe(
        make_case(call.signature, call.inputs, takes_endpoints=True)
    )
    assert seen.plain is not None
    assert {"head/kernel", "AuxLogits/dense/kernel", "AuxLogits/classes"} <= seen.used


def test_outputs_that_are_assets_are_named_by_content(runner, golden):
    seen = runner("bert_tiny").observe(make_case("tokenization_info", {}))
    path = golden("bert_tiny") / "assets" / "bert_vocab.txt"
    expected = name_assets(np.array(str(path).encode(), object), golden("bert_tiny"))
    assert seen.outputs["vocab_file"] == expected


def test_says_why_inputs_do_not_run(runner):
    mine = runner("ref_embedding")
    with pytest.raises(LegacyFailure, match=r"100 is not in \[0, 7\)"):
        mine.observe(make_case("default", {"default": np.full((1, 3), 100, np.int64)}))
    with pytest.raises(LegacyFailure, match="shape"):
        mine.observe(make_case("default", {"default": np.zeros((1, 2, 3, 4, 5), np.float32)}))


def test_starts_every_run_from_the_checkpoint(runner):
    mine = runner("gan_spectral")
    call = read_golden("gan_spectral").calls[0]
    case = make_case(call.signature, call.inputs, call.tags)
    first, second = mine.observe(case), mine.observe(case)
    assert first.changed
    for name, value in first.changed.items():
        np.testing.assert_array_equal(value, second.changed[name])


def test_serves_all_inputs(runner):
    call = read_golden("gan_truncation").calls[0]
    given = {name: value for name, value in call.inputs.items() if name != "truncation"}
    case = make_case("default", given, served_as=("default",), serving_inputs=call.inputs)
    seen = runner("gan_truncation").observe(case)
    served = seen.serving["default"]
    assert_close(call.outputs, served.outputs)
    assert any("u_var" in name for name in served.changed)
    assert not np.allclose(seen.outputs["default"], served.outputs["default"])


def test_cannot_compare_what_it_cannot_make_deterministic(runner):
    mine = runner("half_plus_two")
    case = make_case("default", {"default": np.ones(2, np.float32)})
    variant = mine._variant(frozenset())
    output = variant._program.signatures["default"].outputs["default"].components[0].node
    random = dataclasses.replace(variant.prepared.random, uncomparable=(output,))
    variant.prepared = dataclasses.replace(variant.prepared, random=random)
    with pytest.raises(LegacyFailure, match="random"):
        mine.observe(case)


@pytest.mark.parametrize(
    ("name", "used", "unsure"),
    [
        ("v2_cond", {"left", "right"}, {"left", "right"}),  # each side takes both
        ("v2_while_nested", {"scale", "shift"}, {"scale", "shift"}),
        ("v2_state", {"count", "mean", "scale"}, {"scale"}),  # two are read outside, too
        ("v2_ref_while", {"kernel"}, set()),  # a loop takes the value of a ref
        ("cond_variables_per_branch", {"left", "right", "shared"}, set()),  # control flow of V1
    ],
)
def test_variables_that_only_functional_control_flow_takes_may_not_be_used(
    name, used, unsure, runner
):
    assert read_golden(name).calls
    for call in read_golden(name).calls:
        seen = runner(name).observe(make_case(call.signature, call.inputs, call.tags))
        assert seen.used == used
        assert seen.unsure & seen.used == unsure


def test_gradients_that_tensorflow_loses_are_not_made(runner):
    (call,) = read_golden("v2_while_nested").calls
    seen = runner("v2_while_nested").observe(make_case(call.signature, call.inputs, call.tags))
    assert "loses gradients of functional loops" in seen.gradient_error
    assert not seen.gradients
    assert_close(call.outputs, seen.outputs)


def test_gradients_of_two_modules_with_functional_loops_do_not_clash(runner):
    for name in ("v2_while", "v2_while_dropout", "v2_ref_while", "v2_rnn"):
        call = read_golden(name).calls[0]
        seen = runner(name).observe(make_case(call.signature, call.inputs, call.tags))
        assert not seen.gradient_error
        assert seen.gradients
