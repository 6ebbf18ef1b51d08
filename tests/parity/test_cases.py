import numpy as np
import pytest

from converter import errors
from converter.compile.plan import make_plan
from converter.formats.registry import read_module
from converter.parity.cases import CaseMaker, plan_cases
from converter.parity.generate import ATTEMPTS
from converter.parity.values import SparseValue


@pytest.fixture
def make_cases(golden):
    """`make_cases(name)` returns the cases of a golden module by name."""

    def make(name, arrays=None, attempt=ATTEMPTS[0]):
        legacy = read_module(golden(name))
        plan = make_plan(legacy)
        maker = CaseMaker(legacy, arrays or {})
        cases = [maker.make(planned, attempt) for planned in plan_cases(plan)]
        assert [case.name for case in cases] == [planned.name for planned in plan_cases(plan)]
        return {case.name: case for case in cases}

    return make


def test_one_case_for_a_plain_module(make_cases):
    (case,) = make_cases("half_plus_two").values()
    assert case.name == "default"
    assert case.inputs["default"].shape == (8,)
    assert case.served_as == ("default", "serving_default")
    assert case.is_root
    assert not case.takes_training
    assert not case.takes_endpoints


def test_every_training_mode_with_and_without_hparams(make_cases):
    cases = make_cases("image_bn_dropout")
    mine = [name for name in cases if name.startswith("default")]
    assert mine == [
        "default",
        "default, with hparams",
        "default, training",
        "default, training, with hparams",
    ]
    plain, given = cases["default, training"], cases["default, training, with hparams"]
    assert set(plain.inputs) == {"images"}
    assert set(given.keywords) == {"batch_norm_momentum", "batch_norm_epsilon"}
    assert given.tags == {"train"}
    assert given.served_as == ()
    assert cases["default"].takes_endpoints
    assert given.inputs["batch_norm_momentum"].dtype == np.float32


def test_batch_norm_trains_on_eight_images(make_cases):
    assert make_cases("image_bn_dropout")["default, training"].inputs["images"].shape[0] == 8


def test_inputs_with_defaults_are_served_all_the_same(make_cases):
    case = make_cases("gan_truncation")["default"]
    assert "truncation" not in case.inputs
    assert "truncation" in case.serving_inputs


def test_other_graph_variants_are_not_served_beside_an_inference_one(make_cases):
    cases = make_cases("gan_spectral")
    served = [name for case in cases.values() for name in case.served_as]
    assert sorted(served) == sorted(cases)


def test_inputs_that_python_cannot_say_are_served_by_other_keywords(make_cases):
    case = make_cases("odd_colliding_inputs")["default"]
    assert "default" in case.served_as
    assert case.serving_keywords == {"self": "self_", "a/b": "a_b_1"}


def test_inputs_of_one_tensor_have_one_value(make_cases):
    case = make_cases("odd_endpoints")["output_is_input"]
    assert case.inputs["x"] is case.serving_inputs["x"]


def test_uses_the_arrays_of_the_user(make_cases):
    own = np.arange(3.0)
    case = make_cases("half_plus_two", {"default/default": own})["default"]
    assert case.inputs["default"].tolist() == [0, 1, 2]
    assert case.inputs["default"].dtype == np.float32
    with pytest.raises(errors.UsageError, match="dtype"):
        make_cases("half_plus_two", {"default": np.array(["x"])})


def test_sparse_inputs(make_cases):
    assert isinstance(make_cases("sparse_input")["default"].inputs["default"], SparseValue)


def test_hparams_can_be_their_defaults(make_cases):
    simple = next(attempt for attempt in ATTEMPTS if attempt.simple_ids)
    case = make_cases("image_bn_dropout", attempt=simple)["default, with hparams"]
    other = make_cases("image_bn_dropout")["default, with hparams"]
    assert case.keywords
    for name in case.keywords.values():
        assert case.inputs[name] != other.inputs[name]
