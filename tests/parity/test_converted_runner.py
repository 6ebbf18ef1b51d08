import dataclasses
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from converter.compile.plan import make_plan
from converter.formats.registry import read_module
from converter.parity.cases import CaseMaker, plan_cases
from converter.parity.converted_process import write_deterministic_copy
from converter.parity.converted_runner import Request, main, run_converted
from converter.parity.exchange import read_message, write_message
from converter.parity.generate import ATTEMPTS
from converter.parity.observation import Observations


@pytest.fixture
def request_for(golden, converted):
    """`request_for(name)` returns the request that verifying a golden module makes."""

    def make(name):
        legacy = read_module(golden(name))
        plan = make_plan(legacy)
        maker = CaseMaker(legacy, {})
        cases = tuple(maker.make(planned, ATTEMPTS[0]) for planned in plan_cases(plan))
        return Request(str(converted(name)), cases, tuple(plan.callables))

    return make


def test_half_plus_two(request_for):
    request = request_for("half_plus_two")
    seen = run_converted(request)
    (observation,) = seen.cases
    x = request.cases[0].inputs["default"]
    np.testing.assert_array_equal(observation.outputs["default"], x * np.float32(0.5) + 2)
    served = observation.serving["default"].outputs["default"]
    np.testing.assert_array_equal(served, observation.outputs["default"])
    assert not observation.changed
    assert set(observation.gradients) == set(seen.facts.root.trainable_variables)
    assert set(seen.facts.signatures) == {"default", "serving_default"}


def test_training_changes_variables_and_each_case_starts_anew(request_for):
    request = request_for("ref_moving_averages")
    twice = Request(request.directory, request.cases * 2, request.attributes)
    seen = run_converted(twice)
    plain, training, plain_again, training_again = seen.cases
    assert not plain.changed
    assert len(training.changed) == 5
    assert not plain_again.changed
    for name, value in training.changed.items():
        np.testing.assert_array_equal(value, training_again.changed[name])


def test_facts_are_those_of_the_checkpoint(request_for):
    request = request_for("ref_moving_averages")
    only_facts = Request(request.directory, (), request.attributes)
    assert run_converted(request).facts.variables == run_converted(only_facts).facts.variables


def test_plain_calls_return_the_default_output(request_for):
    seen = run_converted(request_for("dense_regularized")).cases[0]
    assert set(seen.outputs) == {"default", "hidden/relu", "logits"}
    np.testing.assert_array_equal(seen.plain.outputs["default"], seen.outputs["default"])


def test_gradients_are_those_of_the_outputs_that_are_asked_for(request_for):
    request = request_for("dense_regularized")
    cases = [
        dataclasses.replace(request.cases[0], differentiated=names, variation=" and ".join(names))
        for names in (("logits",), ("hidden/relu",), ("logits", "hidden/relu"))
    ]
    seen = run_converted(dataclasses.replace(request, cases=tuple(cases))).cases
    logits, hidden, both = (observation.gradients for observation in seen)
    assert any(not gradient.any() for gradient in hidden.values())
    assert all(gradient.any() for gradient in both.values())
    for name, gradient in both.items():
        np.testing.assert_allclose(gradient, logits[name] + hidden[name], rtol=1e-5, atol=1e-5)


def test_an_exception_is_part_of_the_observation(request_for):
    request = request_for("half_plus_two")
    (case,) = request.cases
    wrong = type(case)(
        **{
            **{name: getattr(case, name) for name in case.__slots__},
            "inputs": {"default": np.array([b"text"], object)},
        }
    )
    (seen,) = run_converted(Request(request.directory, (wrong,), request.attributes)).cases
    assert seen.error
    assert "\n" not in seen.error


def test_leaves_graph_rewrites_as_they_were(request_for):
    before = tf.config.optimizer.get_experimental_options()
    run_converted(request_for("half_plus_two"))
    after = tf.config.optimizer.get_experimental_options()
    key = "disable_meta_optimizer"
    assert after.get(key, False) == before.get(key, False)


def test_loads_anew_where_calls_change_tables(request_for):
    request = request_for("table_mutable")
    again = Request(request.directory, request.cases, request.attributes, reload=True)
    np.testing.assert_array_equal(
        run_converted(again).cases[0].outputs["default"],
        run_converted(request).cases[0].outputs["default"],
    )


def test_answers_in_a_file(request_for, tmp_path):
    question, answer = tmp_path / "question", tmp_path / "answer"
    write_message(question, request_for("ragged_both"))
    main(str(question), str(answer))
    (seen,) = read_message(answer, Observations, 1 << 20).cases
    assert not seen.error


def test_every_door_shows_the_same(request_for):
    (seen,) = run_converted(request_for("half_plus_two")).cases
    calls = [*seen.serving.values(), *seen.session.values(), seen.after_saving, seen.in_copy]
    assert set(seen.serving) == set(seen.session) == {"default", "serving_default"}
    assert len(calls) == 6
    for call in calls:
        assert not call.error
        np.testing.assert_array_equal(call.outputs["default"], seen.outputs["default"])


def test_the_copy_lists_what_the_module_lists(request_for):
    seen = run_converted(request_for("dense_regularized"))
    assert seen.copy_facts.variables == seen.facts.variables
    assert seen.copy_facts.root.trainable_variables == seen.facts.root.trainable_variables


def test_a_door_that_fails_is_part_of_the_observation(request_for):
    request = request_for("half_plus_two")
    (case,) = request.cases
    wrong = dataclasses.replace(case, served_as=("no_such_signature",))
    (seen,) = run_converted(dataclasses.replace(request, cases=(wrong,))).cases
    assert not seen.error
    assert "no_such_signature" in seen.serving["no_such_signature"].error
    assert "no_such_signature" in seen.session["no_such_signature"].error


def test_calls_that_draw_run_in_the_deterministic_copy(request_for, tmp_path):
    request = request_for("random_noise")
    write_deterministic_copy(pathlib.Path(request.directory), tmp_path / "copy")
    cases = tuple(dataclasses.replace(case, draws=True) for case in request.cases)
    drawing = dataclasses.replace(request, cases=cases, deterministic=str(tmp_path / "copy"))
    one, other = (run_converted(drawing).cases[0] for _ in range(2))
    for name, value in one.outputs.items():
        np.testing.assert_array_equal(value, other.outputs[name])
    assert one.as_written.outputs.keys() == one.outputs.keys()
    assert any(
        not np.array_equal(value, one.as_written.outputs[name])
        for name, value in one.outputs.items()
    )
