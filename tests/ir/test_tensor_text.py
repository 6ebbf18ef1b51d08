import math

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tensorflow.core.framework import tensor_pb2

from converter.ir.tensor_text import format_tensor, parse_tensor

_MAX = 64


def _tensor(**fields):
    shape = fields.pop("shape", ())
    tensor = tensor_pb2.TensorProto(**fields)
    tensor.tensor_shape.SetInParent()
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    return tensor


@pytest.mark.parametrize(
    ("text", "tensor"),
    [
        ("int32(5)", _tensor(dtype=3, int_val=[5])),
        ("int32()", _tensor(dtype=3)),
        ("int8(-128)", _tensor(dtype=6, int_val=[-128])),
        ("uint64(18446744073709551615)", _tensor(dtype=23, uint64_val=[2**64 - 1])),
        ("int64[2](4, -5)", _tensor(dtype=9, shape=[2], int64_val=[4, -5])),
        ("bool(true)", _tensor(dtype=10, bool_val=[True])),
        ("bool[2]{true, false}", _tensor(dtype=10, shape=[2], tensor_content=b"\1\0")),
        ("float(0.1)", _tensor(dtype=1, float_val=[0.1])),
        ("float[64](0.0)", _tensor(dtype=1, shape=[64], float_val=[0])),
        ("float(-0.0)", _tensor(dtype=1, float_val=[-0.0])),
        ("float(inf)", _tensor(dtype=1, float_val=[math.inf])),
        (
            "float[2]{1.0, 2.0}",
            _tensor(dtype=1, shape=[2], tensor_content=np.array([1, 2], "<f4").tobytes()),
        ),
        ("float[0,3]()", _tensor(dtype=1, shape=[0, 3])),
        ("double(1e-300)", _tensor(dtype=2, double_val=[1e-300])),
        ("half(1.5)", _tensor(dtype=19, half_val=[0x3E00])),
        ("bfloat16(1)", _tensor(dtype=14, half_val=[0x3F80])),
        ("complex64(1+2j)", _tensor(dtype=8, scomplex_val=[1, 2])),
        ("complex128(-1-2j)", _tensor(dtype=18, dcomplex_val=[-1, -2])),
        ('string("a")', _tensor(dtype=7, string_val=[b"a"])),
        (
            r'string[3]("a, b", "\"(x)\"", "\377\n")',
            _tensor(dtype=7, shape=[3], string_val=[b"a, b", b'"(x)"', b"\xff\n"]),
        ),
    ],
)
def test_tensors_round_trip(text, tensor):
    assert format_tensor(tensor, _MAX) == text
    assert parse_tensor(text).SerializeToString() == tensor.SerializeToString()


@pytest.mark.parametrize(
    "tensor",
    [
        _tensor(dtype=1, shape=[65], tensor_content=bytes(260)),
        _tensor(dtype=1, shape=[200], float_val=[0.5] * 200),
        _tensor(dtype=20),  # A resource.
        _tensor(dtype=21),  # A variant.
        _tensor(dtype=12, int_val=[1]),  # A quantized number.
        _tensor(dtype=0),
        _tensor(dtype=1, tensor_content=b"abc"),  # Not a whole number of floats.
        _tensor(dtype=7, tensor_content=b"abc"),
        tensor_pb2.TensorProto(dtype=1, tensor_shape={"unknown_rank": True}),
    ],
)
def test_tensors_without_a_short_form(tensor):
    assert format_tensor(tensor, _MAX) is None


_DTYPES = [
    tf.float32, tf.float64, tf.float16, tf.bfloat16, tf.int8, tf.int16, tf.int32, tf.int64,
    tf.uint8, tf.uint16, tf.uint32, tf.uint64, tf.bool, tf.complex64, tf.complex128,
]  # fmt: skip


@given(st.data())
def test_any_number_comes_back_with_its_bits(data):
    """As `tf.make_tensor_proto` writes it: packed, or listed if there is one."""
    dtype = data.draw(st.sampled_from(_DTYPES))
    bits = np.dtype(dtype.as_numpy_dtype).itemsize * 8
    if dtype.is_complex:
        bits //= 2
    count = data.draw(st.integers(1, 6))
    parts = count * (2 if dtype.is_complex else 1)
    unsigned = data.draw(hnp.arrays(f"uint{bits}", (parts,), elements=st.integers(0, 2**bits - 1)))
    if dtype == tf.bool:
        unsigned %= 2
    values = unsigned.view(dtype.as_numpy_dtype)
    floats = values.astype("complex128" if dtype.is_complex else "float64")
    if np.isnan(floats).any():
        return  # NaNs have bits that no text shows; attr_text.py falls back.
    tensor = tf.make_tensor_proto(values if count > 1 else values[0], dtype, (count,))
    text = format_tensor(tensor, _MAX)
    assert parse_tensor(text).SerializeToString() == tensor.SerializeToString()


@given(st.lists(st.binary(max_size=8), max_size=4))
def test_any_strings_come_back(values):
    tensor = _tensor(dtype=7, shape=[len(values)], string_val=values)
    assert parse_tensor(format_tensor(tensor, _MAX)) == tensor


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("float", "expected a tensor such as"),
        ("float[2]", "expected a tensor such as"),
        ("float[?](1.0)", "expected a tensor such as"),
        ("float(1.0", "expected a tensor such as"),
        ("flaot(1.0)", "DT_FLAOT"),
        ("resource()", "no short form"),
        ("float(one)", "could not convert"),
        ('string("a" "b")', "expected values between commas"),
        ("int32(1.5)", "invalid literal"),
        ("int8{300}", "300 does not fit in int8"),
        ("uint32(-1)", "-1 does not fit in uint32"),
        ('string{"a"}', "listed in parentheses"),
        ("bool(1)", "expected true or false"),
        ("string(a)", "expected a quoted string"),
    ],
)
def test_other_texts_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse_tensor(text)
