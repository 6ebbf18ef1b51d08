import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from converter import errors
from converter.formats.checkpoint import read_index
from converter.formats.registry import read_module
from converter.ir.graph import SliceSpec, VariableSpec

_A = VariableSpec("a", "a", 1, (), True, "a")


def _save(module, **tensors):
    """Writes another checkpoint in the place of the module's."""
    for path in (module / "variables").iterdir():
        path.unlink()
    tf.raw_ops.SaveV2(
        prefix=str(module / "variables" / "variables"),
        tensor_names=list(tensors),
        shape_and_slices=[""] * len(tensors),
        tensors=[tf.constant(value) for value in tensors.values()],
    )


def _shard(module):
    return module / "variables" / "variables.data-00000-of-00001"


def _check_all(module):
    legacy = read_module(module)
    (program,) = legacy.variants.values()
    for spec in program.variables.values():
        legacy.checkpoint.check(spec)
    return legacy.checkpoint, program


def _weights_error(function, *args):
    with pytest.raises(errors.WeightsError) as caught:
        function(*args)
    assert "\n" not in str(caught.value)
    assert "Copy the module again" in str(caught.value) or "copy the module again" in str(
        caught.value
    )
    return str(caught.value)


def test_the_index_lists_dtypes_and_shapes(golden_module):
    checkpoint = read_module(golden_module("dense_regularized")).checkpoint
    entry = checkpoint.entries["hidden/kernel"]
    assert (entry.dtype, entry.shape) == (tf.float32.as_datatype_enum, (6, 8))
    assert list(checkpoint.entries) == sorted(checkpoint.entries)


def test_values_are_read_by_name(half_plus_two):
    checkpoint, program = _check_all(half_plus_two)
    assert checkpoint.read(program.variables["a"]) == np.float32(0.5)
    assert checkpoint.read(program.variables["b"]) == np.float32(2.0)


def test_a_module_without_variables(golden_module):
    checkpoint = read_module(golden_module("no_variables")).checkpoint
    assert not checkpoint.entries
    assert checkpoint.lacks(_A)


def test_missing_variables(half_plus_two):
    for path in (half_plus_two / "variables").iterdir():
        path.unlink()
    assert "no value for variable 'a'" in _weights_error(_check_all, half_plus_two)


def test_a_missing_data_shard(half_plus_two):
    _shard(half_plus_two).unlink()
    assert "8 bytes of values, its data files hold 0" in _weights_error(read_module, half_plus_two)


def test_a_truncated_data_shard(half_plus_two):
    _shard(half_plus_two).write_bytes(b"1234567")
    assert "8 bytes of values, its data files hold 7" in _weights_error(read_module, half_plus_two)


def test_a_damaged_data_shard_is_found_by_its_checksum(half_plus_two):
    _shard(half_plus_two).write_bytes(b"12345678")
    checkpoint, program = _check_all(half_plus_two)
    message = _weights_error(checkpoint.read, program.variables["a"])
    assert "the value of variable 'a' cannot be read" in message


@pytest.mark.parametrize("content", [b"", b"x", b"x" * 48, b"\0" * 1000])
def test_a_garbled_index(content, half_plus_two):
    (half_plus_two / "variables" / "variables.index").write_bytes(content)
    assert "index cannot be read" in _weights_error(read_module, half_plus_two)


def test_a_truncated_index(half_plus_two):
    path = half_plus_two / "variables" / "variables.index"
    path.write_bytes(path.read_bytes()[:-20])
    assert "index cannot be read" in _weights_error(read_module, half_plus_two)


def test_a_checkpoint_without_one_variable(half_plus_two):
    _save(half_plus_two, a=np.float32(1))
    assert "no value for variable 'b'" in _weights_error(_check_all, half_plus_two)


def test_a_value_of_another_dtype(half_plus_two):
    _save(half_plus_two, a=np.float64(1), b=np.float32(1))
    message = _weights_error(_check_all, half_plus_two)
    assert "variable 'a' has dtype float32, its value in the checkpoint has float64" in message


def test_a_value_of_another_shape(half_plus_two):
    _save(half_plus_two, a=np.zeros([2, 1], np.float32), b=np.float32(1))
    message = _weights_error(_check_all, half_plus_two)
    assert "variable 'a' has shape [], its value in the checkpoint has [2,1]" in message


@pytest.mark.parametrize(
    ("declared", "fits"),
    [((2, 3), True), ((None, 3), True), (None, True), ((3, 2), False), ((2,), False), ((), False)],
)
def test_unknown_sizes_fit_any(declared, fits, half_plus_two):
    _save(half_plus_two, a=np.zeros([2, 3], np.float32))
    checkpoint = read_index(half_plus_two / "variables" / "variables")
    spec = dataclasses.replace(_A, shape=declared)
    if fits:
        checkpoint.check(spec)
    else:
        _weights_error(checkpoint.check, spec)


def test_an_index_that_promises_more_than_the_files_hold(half_plus_two):
    _save(half_plus_two, a=np.zeros([1000], np.float32), b=np.float32(1))
    _shard(half_plus_two).write_bytes(b"\0" * 100)
    assert "4004 bytes of values" in _weights_error(read_module, half_plus_two)


def test_more_entries_than_variables_do_no_harm(half_plus_two):
    _save(half_plus_two, a=np.float32(1), b=np.float32(2), global_step=np.int64(9))
    checkpoint, program = _check_all(half_plus_two)
    assert checkpoint.read(program.variables["b"]) == 2


def test_a_part_of_a_partitioned_variable_is_cut_out(half_plus_two):
    full = np.arange(12, dtype=np.float32).reshape(4, 3)
    _save(half_plus_two, table=full)
    checkpoint = read_index(half_plus_two / "variables" / "variables")
    part = VariableSpec(
        "table/part_1", "n", 1, (2, 3), True, "table", SliceSpec((4, 3), (1, 0), (2, 3))
    )
    np.testing.assert_array_equal(checkpoint.read(part), full[1:3])


def test_a_part_of_a_variable_of_another_full_shape(half_plus_two):
    _save(half_plus_two, table=np.zeros([4, 3], np.float32))
    checkpoint = read_index(half_plus_two / "variables" / "variables")
    part = VariableSpec("t", "t", 1, (2, 3), True, "table", SliceSpec((5, 3), (1, 0), (2, 3)))
    assert "has shape [5,3], its value in the checkpoint has [4,3]" in _weights_error(
        checkpoint.check, part
    )


def test_golden_parts_are_found_under_the_name_of_the_whole(golden_module):
    legacy = read_module(golden_module("text_embedding_oov"))
    (program,) = legacy.variants.values()
    parts = [spec for spec in program.variables.values() if spec.slice]
    assert parts
    for spec in parts:
        assert spec.checkpoint_key == spec.name.rpartition("/")[0]
        assert legacy.checkpoint.read(spec).shape == spec.slice.shape
