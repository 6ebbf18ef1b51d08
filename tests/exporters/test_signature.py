import numpy as np
import pytest
import tensorflow as tf

from converter import errors
from converter.exporters.comparison import run_signature


def test_the_default_signature_is_taken(signature_of):
    found = signature_of("half_plus_two")
    assert found.name == "serving_default"
    assert found.inputs == {"default": tf.TensorSpec([None], name="default")}
    assert (found.input_names, found.output_names) == (
        {"default": "default"}, {"default": "default_output"},
    )  # fmt: skip
    assert run_signature(found, {"default": np.float32([2])})["default"].tolist() == [3]


def test_an_output_that_is_an_input_is_a_tensor_of_its_own(signature_of):
    found = signature_of("odd_endpoints", "output_is_input")
    tensors = [*found.concrete.inputs, *found.concrete.outputs]
    names = [tensor.name for tensor in tensors if tensor.dtype != tf.resource]
    assert len(set(names)) == len(names)


def test_inputs_have_their_tf1_names(signature_of):
    found = signature_of("odd_input_names")
    assert found.part is not None
    assert set(found.inputs) == set(found.part.inputs)
    assert all(name.isidentifier() for name in found.input_names.values())
    values = {
        name: np.full([2 if n is None else n for n in spec.shape], 1, spec.dtype.as_numpy_dtype)
        for name, spec in found.inputs.items()
    }
    expected = found.module.signatures[found.name](
        **{found.part.serving_keywords.get(n, n): tf.constant(v) for n, v in values.items()}
    )
    for name, array in run_signature(found, values).items():
        np.testing.assert_array_equal(array, expected[name].numpy())


def test_a_signature_that_there_is_not(signature_of):
    with pytest.raises(errors.UsageError, match=r"has no signature 'x'\. Its signatures are 'de"):
        signature_of("half_plus_two", "x")


def test_there_is_no_default_signature(signature_of):
    with pytest.raises(errors.UsageError, match="no default signature to export"):
        signature_of("odd_endpoints")


def test_sizes_are_fixed(signature_of):
    assert signature_of("half_plus_two", None, {"default": (3,)}).inputs["default"].shape == [3]
    left = signature_of("half_plus_two", None, {"default": (None,)})
    assert left.inputs["default"].shape.as_list() == [None]


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({"x": (1,)}, "no input 'x' to give a shape. Its inputs are 'default'"),
        ({"default": (1, 2)}, r"has the shape \(None,\), which \(1, 2\) does not fit"),
    ],
)
def test_shapes_that_do_not_fit(signature_of, shapes, message):
    with pytest.raises(errors.UsageError, match=message):
        signature_of("half_plus_two", None, shapes)
