import numpy as np
import pytest

from converter.assemble.plan import make_plan
from converter.formats.registry import read_module
from converter.parity.cases import CaseMaker
from converter.parity.original import Original


@pytest.fixture
def run_original(golden):
    """`run_original(name)` runs all cases of a golden module."""

    def run(name, arrays=None):
        legacy = read_module(golden(name))
        original = Original(legacy, make_plan(legacy), CaseMaker(legacy, arrays or {}))
        original.run(lambda _: None)
        return original

    return run


def test_keeps_what_ran(run_original):
    original = run_original("updates_per_signature")
    assert len(original.cases) == len(original.observations) == 4
    assert not original.not_compared
    assert original.uncovered() == ()


def test_tries_other_inputs_until_some_run(run_original):
    # Unknown sizes of 8 and 3 do not fit together in every signature.
    original = run_original("odd_unknown_rank")
    assert original.cases
    assert not original.not_compared


def test_prefers_outputs_without_nan(run_original):
    assert not any(
        np.isnan(value).any()
        for observation in run_original("layers_convolutions").observations
        for value in observation.outputs.values()
    )


def test_says_what_could_not_run(run_original):
    original = run_original("ref_embedding", {"default": np.full((2, 3), 100)})
    assert original.uncovered() == ("default",)
    assert "not in [0, 7)" in original.not_compared[0].reason


def test_compares_signatures_whose_inputs_python_cannot_say(run_original):
    assert not run_original("odd_colliding_inputs").not_compared


def test_trainable_in_any_variant(run_original):
    variables = run_original("image_bn_variants").variables()
    assert any(variable.trainable for variable in variables.values())
    assert any(not variable.trainable for variable in variables.values())


def test_notes(run_original):
    assert list(run_original("half_plus_two").notes()) == []
    # Its random ops only make initial values, which no call needs.
    assert list(run_original("ref_embedding").notes()) == []
    assert "RandomUniform" in next(run_original("random_noise").notes())


def test_losses_of_the_training_variant(run_original):
    assert len(run_original("dense_regularized").losses()) > 0
