import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from converter.tensor_bundle.ordered_code import FULL_EXTENT, _signed, is_slice_key, slice_key
from converter.tensor_bundle.sorted_table import read_table


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_numbers_sort_as_their_bytes(one, other):
    assert (one < other) == (_signed(one) < _signed(other))


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (0, b"\x80"),
        (-1, b"\x7f"),
        (63, b"\xbf"),
        (-64, b"\x40"),
        (64, b"\xc0\x40"),
        (8191, b"\xdf\xff"),
        (8192, b"\xe0\x20\x00"),
        (2**62, b"\xff\xc0" + (2**62).to_bytes(8, "big")),
        (2**61, b"\xff\xa0" + bytes(7)),
    ],
)
def test_numbers(value, data):
    """Values by TensorFlow's own rule: as many leading ones as there are bytes."""
    assert _signed(value) == data


def test_slice_keys_are_no_names():
    assert is_slice_key(slice_key("a", [(0, 1)]))
    assert not is_slice_key(b"a")


@settings(deadline=None, max_examples=30)
@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(1, 9000), st.integers(1, 3)), min_size=1, max_size=4),
)
def test_tensorflow_writes_these_keys(tmp_path_factory, name, extents):
    prefix = str(tmp_path_factory.mktemp("slices") / "c")
    shape = " ".join(str(start + length) for start, length in extents)
    where = ":".join(f"{start},{length}" for start, length in extents)
    tf.raw_ops.SaveV2(
        prefix=prefix,
        tensor_names=[name],
        shape_and_slices=[f"{shape} {where}"],
        tensors=[tf.constant(np.zeros([length for _, length in extents], np.int8))],
    )
    with open(f"{prefix}.index", "rb") as file:
        keys = read_table(file.read())
    (key,) = filter(is_slice_key, keys)
    assert key == slice_key(name, extents)


def test_a_whole_axis(tmp_path):
    tf.raw_ops.SaveV2(
        prefix=str(tmp_path / "c"),
        tensor_names=["a"],
        shape_and_slices=["4 3 1,2:-"],
        tensors=[tf.zeros([2, 3])],
    )
    keys = read_table((tmp_path / "c.index").read_bytes())
    assert slice_key("a", [(1, 2), (0, FULL_EXTENT)]) in keys
