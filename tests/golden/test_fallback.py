"""Every fixture with an index that only TensorFlow can read: the same model, tensor by tensor."""

import shutil

import numpy as np
import pytest
import tensorflow as tf
from checkpoint_files import compress_table

import converter
from golden.converted_model import convert_to_disk
from golden.golden_values import GOLDEN

_SOME = (
    "dtypes_variables",
    "dtypes_ref_variables",
    "tensor_array_strings_written",
    "text_embedding_oov",
    "no_variables",
    "elmo",
)


def _check(name, tmp_path):
    """The graph is equal to the byte, and so are all values; `test_golden` holds both to TF1."""
    source = shutil.copytree(GOLDEN / name / "module", tmp_path / "source")
    index = source / "variables" / "variables.index"
    if index.is_file():
        index.write_bytes(compress_table(index.read_bytes()))
    converter.convert(source, tmp_path / "out")
    expected, actual = convert_to_disk(name).path, tmp_path / "out"
    assert (actual / "saved_model.pb").read_bytes() == (expected / "saved_model.pb").read_bytes()
    values = _values(expected)
    for key, value in _values(actual).items():
        np.testing.assert_array_equal(value, values.pop(key))
    assert not values


def _values(path):
    reader = tf.train.load_checkpoint(str(path / "variables" / "variables"))
    return {key: reader.get_tensor(key) for key in reader.get_variable_to_shape_map()}


@pytest.mark.parametrize("name", _SOME)
def test_some_modules_by_the_fallback(name, tmp_path):
    _check(name, tmp_path)


@pytest.mark.slow
def test_every_module_by_the_fallback(fixture_name, tmp_path):
    _check(fixture_name, tmp_path)
