import numpy as np
import pytest
import tensorflow as tf
import tensorflow.compat.v1 as tf1

from converter import errors
from converter.compile.plan import make_plan
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


def test_tries_other_inputs_until_some_run(run_original):
    # Unknown sizes of 8 and 3 do not fit together in every signature.
    original = run_original("odd_unknown_rank")
    assert original.cases
    assert not original.not_compared


def test_prefers_outputs_without_nan(run_original):
    observations = run_original("layers_convolutions").observations
    outputs = [value for observation in observations for value in observation.outputs.values()]
    assert outputs
    assert not any(np.isnan(value).any() for value in outputs)


def test_takes_other_branches_too(run_original):
    original = run_original("cond_nested")
    variations = [case.variation for case in original.cases]
    assert variations == ["", "opposite numbers", "opposite flags", "opposite inputs"]
    assert original.cases[-1].name == "default, opposite inputs"
    first, *_, last = (case.inputs for case in original.cases)
    assert all((first[name] != last[name]).any() for name in first)
    signs = {(bool(case.inputs["flag"]), case.inputs["x"].sum() > 0) for case in original.cases}
    assert len(signs) == 4


def test_opposite_inputs_are_for_branches_and_made_up_inputs_only(run_original):
    assert [case.name for case in run_original("half_plus_two").cases] == ["default"]
    given = {"x": np.ones([8, 4], np.float32), "flag": np.array(True)}
    assert not any(case.variation for case in run_original("cond_by_hand", given).cases)


def test_says_what_could_not_run(run_original):
    original = run_original("ref_embedding", {"default": np.full((2, 3), 100)})
    (entry,) = original.not_compared
    assert (entry.case, entry.what, entry.leaves_open) == ("default", "all", True)
    assert "not in [0, 7)" in entry.why
    assert "`default/default` (int64 [?, ?])" in entry.remedy
    assert not original.cases


def test_names_no_inputs_where_none_would_do(verify_built):
    def build(x, w):
        labels = tf.cast(x[:, :1], tf.int64)
        drawn = tf.random.log_uniform_candidate_sampler(labels, 1, 3, True, 5, seed=3)
        return {"drawn": drawn.sampled_expected_count * w}

    for inputs in (None, {"x": np.ones([2, 3], np.float32)}):
        (entry,) = verify_built(build, inputs=inputs).not_compared
        assert entry.why.endswith("draws random numbers that cannot be made the same on both sides")
        assert "inputs" not in entry.why
        assert not entry.remedy
        assert entry.leaves_open


def test_tells_given_inputs_from_generated_ones(run_original):
    given = run_original("ref_embedding", {"default": np.full((2, 3), 100)})
    assert "with the given inputs" in given.not_compared[0].why


def test_leaves_open_what_tensorflow_fails_to_differentiate(run_original, monkeypatch):
    def fail(*_, **__):
        raise AssertionError

    monkeypatch.setattr(tf1, "gradients", fail)
    original = run_original("half_plus_two")
    (entry,) = original.not_compared
    assert (entry.what, entry.leaves_open) == ("gradients", True)
    assert "fails to differentiate the original: AssertionError" in entry.why
    assert original.cases


def test_compares_signatures_whose_inputs_python_cannot_say(run_original):
    assert not run_original("odd_colliding_inputs").not_compared


def test_trainable_in_any_variant(run_original):
    variables = run_original("image_bn_variants").variables()
    assert any(variable.trainable for variable in variables.values())
    assert any(not variable.trainable for variable in variables.values())


def test_notes(run_original):
    assert list(run_original("half_plus_two").notes()) == []
    (note,) = run_original("layers_custom_gradient").notes()
    assert "gradient overrides" in note
    assert "are not compared" in note


def test_counts_random_ops_that_calls_run(run_original):
    assert run_original("half_plus_two").random_ops() == {}
    # Its random ops only make initial values, which no call needs.
    assert run_original("ref_embedding").random_ops() == {}
    noise = run_original("random_noise")
    assert "RandomUniform" in noise.random_ops()
    assert all(case.draws for case in noise.cases)


def test_losses_of_the_training_variant(run_original):
    assert len(run_original("dense_regularized").losses) > 0


def test_an_original_that_needs_an_input_for_a_variable_is_refused(golden_module, edit):
    module = golden_module("dense_regularized")
    with edit(module) as saved_model:
        for meta_graph in saved_model.meta_graphs:
            nodes = meta_graph.graph_def.node
            placeholder = next(n for n in nodes if n.op == "Placeholder")
            next(n for n in nodes if n.name == "hidden/kernel").input.append(f"^{placeholder.name}")
    legacy = read_module(module)
    original = Original(legacy, make_plan(legacy), CaseMaker(legacy, {}))
    with pytest.raises(errors.ParityError, match="the original does not run: You must feed"):
        original.run(lambda _: None)


def test_finds_the_sizes_that_only_constants_tell(run_original):
    original = run_original("sizes_in_constants")
    (case,) = original.cases
    assert case.inputs["image"].shape[0] == 1
    assert case.inputs["image"].size % (20 * 20) == 0
    assert case.inputs["scale"] == 1


def test_gradients_that_this_tensorflow_loses_leave_the_verdict_open(run_original):
    entries = run_original("v2_while_nested").not_compared
    assert entries
    for entry in entries:
        assert entry.what == "gradients"
        assert entry.leaves_open


def test_gradients_that_the_original_has_not_leave_nothing_open(run_original):
    entries = run_original("layers_inner_gradient").not_compared
    assert not any(entry.leaves_open for entry in entries)
