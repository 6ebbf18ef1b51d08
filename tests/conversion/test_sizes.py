"""Sizes of modules and of the values of their variables."""

import pytest
import tensorflow as tf

import converter
from converter.conversion import sizes


@pytest.mark.parametrize(
    ("dtype", "shape", "elements", "size"),
    [
        ("float32", (3, 4), 12, 48), ("float64", (), 1, 8), ("bfloat16", (5,), 5, 10),
        ("complex128", (2,), 2, 32), ("bool", (7,), 7, 7), ("qint8", (7,), 7, 7),
        ("string", (3,), 3, None), ("float32", (3, None), None, None), ("int8", None, None, None),
        ("float32", (0, 4), 0, 0), ("resource", (), 1, None),
    ],
)  # fmt: skip
def test_elements_and_bytes(dtype, shape, elements, size):
    assert sizes.count_elements(shape) == elements
    assert sizes.count_bytes(dtype, shape) == size


def test_a_summary_counts_what_the_files_and_the_checkpoint_have(golden_module):
    source = golden_module("image_bn_dropout")
    summary = converter.inspect(source)
    reader = tf.train.load_checkpoint(str(source / "variables/variables"))
    values = [reader.get_tensor(name) for name in reader.get_variable_to_shape_map()]
    assert summary.parameters == sum(value.size for value in values)
    assert summary.variable_bytes == sum(value.nbytes for value in values)
    assert 0 < summary.trainable_parameters < summary.parameters
    assert summary.size_bytes == sum(
        path.stat().st_size for path in source.rglob("*") if path.is_file()
    )
    values = summary.to_json()
    assert values["parameters"] == summary.parameters
    assert any(item.what == "placement" for item in summary.dropped)
    assert not any(item.what == "placement" for item in summary.without_placement().dropped)
