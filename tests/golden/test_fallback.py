"""Every fixture with a checkpoint that TensorFlow does not write: the same model and values."""

import shutil

import numpy as np
import pytest
import tensorflow as tf
from checkpoint_files import compress_table, swap_bytes

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


def _compress(prefix):
    index = prefix.with_name(f"{prefix.name}.index")
    index.write_bytes(compress_table(index.read_bytes()))


def _check(name, change, tmp_path):
    """The graph is equal to the byte, and so are all values; `test_golden` holds both to TF1."""
    source = shutil.copytree(GOLDEN / name / "module", tmp_path / "source")
    prefix = source / "variables" / "variables"
    if prefix.with_name("variables.index").is_file():
        change(prefix)
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


@pytest.mark.parametrize("change", [_compress, swap_bytes])
@pytest.mark.parametrize("name", _SOME)
def test_some_modules(name, change, tmp_path):
    _check(name, change, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("change", [_compress, swap_bytes])
def test_every_module(fixture_name, change, tmp_path):
    _check(fixture_name, change, tmp_path)
