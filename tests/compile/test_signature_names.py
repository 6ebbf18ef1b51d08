"""The names under which served signatures take their inputs."""

import pytest

from converter.compile.signature_names import (
    clean,
    component_names,
    name_inputs,
    part_keys,
    python_names,
    serving_names,
)
from converter.ir.graph import Kind, Signature, TensorInfo, TensorRef

_FLOAT = 1


def dense(node="x"):
    return TensorInfo(Kind.DENSE, _FLOAT, (None,), (TensorRef(node),))


def sparse():
    return TensorInfo(Kind.SPARSE, _FLOAT, (None,), tuple(map(TensorRef, "ivs")))


def test_ordinary_names_stay_as_they_are():
    for each in name_inputs(["b", "image_size", "A"]):
        assert each.name == each.cleaned == each.parameter == each.keyword
        assert each.python_name == each.name


def test_names_that_are_cleaned_stay_in_the_structured_signature():
    _, second = name_inputs(["k", "z$b"])
    assert (second.keyword, second.parameter) == ("z_b", "z$b")
    assert second.python_name == "z$b"


def test_the_structured_signature_has_cleaned_names_where_the_order_differs():
    assert [each.parameter for each in name_inputs(["0", "b", "a"])] == ["arg_0", "b", "a"]


def test_names_that_differ_by_case_are_flat_keywords_with_numbers():
    names = name_inputs([*"bBaA", "c"])
    assert [each.parameter for each in names] == [*"bBaA", "c"]
    assert [each.keyword for each in names] == ["b", "B_1", "a", "A_1", "c"]


@pytest.mark.parametrize("names", [["0", "b", "a"], ["a/b", "a.b", "b"], [*"bBaA", "é", "in"]])
def test_parameters_sort_as_they_do_when_they_are_cleaned(names):
    parameters = sorted(each.parameter for each in name_inputs(names))
    assert parameters == sorted(parameters, key=clean)


def test_python_keywords_are_said_by_flat_keywords():
    first, second = name_inputs(["in", "in_"])
    assert (first.python_name, first.keyword, first.parameter) == ("in", "in", "in__1")
    assert (second.python_name, second.keyword, second.parameter) == ("in_", "in_", "in_")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["self", "x"], {"self": "self_"}),
        (["self", "self_"], {"self": "self__1"}),
        (["", "input"], {"": "input_1"}),
        (["a/b", "a_b", "a.b"], {"a/b": "a_b_1", "a.b": "a_b_2"}),
        (["_x", "arg__x"], {"_x": "arg__x_1"}),
        (["_", "-", "__1"], {"-": "arg___2"}),
        (["in", "None", "a:0", "ünï", "²", "0", "__class__", "b", "B", "l" * 300], {}),
    ],
)
def test_only_what_python_cannot_say_has_another_name(names, expected):
    signature = Signature("default", {name: dense() for name in names}, {})
    assert python_names(signature) == expected


def test_parts_of_composites_make_way_for_inputs_of_their_names():
    keys = part_keys({"k": sparse(), "k_indices": dense()})
    assert keys["k_indices"] == ["k_indices"]
    assert keys["k"] == ["k_indices_1", "k_values", "k_dense_shape"]


def test_signatures_are_served_under_their_names_but_for_the_initializer(golden_compiled):
    names = serving_names(golden_compiled("odd_reserved_signatures").plan)
    served = {"n_saved_model_init_op": "n_saved_model_init_op", "Default": "Default"}
    assert names.items() >= served.items()
    assert names["n_saved_model_train_op"] == "__saved_model_train_op"


def test_callables_of_variants_beside_inference_are_not_served(golden_compiled):
    plan = golden_compiled("image_bn_dropout").plan
    assert set(serving_names(plan)) <= set(plan.callables)
    assert "default" in serving_names(plan)


def test_component_names_are_those_of_tensorflow_s_v1_loader():
    parts = tuple(map(TensorRef, "abc"))
    sparse = TensorInfo(Kind.SPARSE, _FLOAT, (None, 3), parts)
    ragged = TensorInfo(Kind.RAGGED, _FLOAT, (None, None), parts[:2], 9)
    assert component_names("x", dense()) == ["x"]
    assert component_names("x", sparse) == ["x_indices", "x_values", "x_dense_shape"]
    assert component_names("x", ragged) == ["x_component_0", "x_component_1"]
