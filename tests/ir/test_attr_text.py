import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorflow.core.framework import attr_value_pb2

from converter.ir.attr_text import format_attr, parse_attr

_AttrValue = attr_value_pb2.AttrValue


def _bytes(value):
    return value.SerializeToString(deterministic=True)


def _round_trip(value):
    text = format_attr(value)
    assert _bytes(parse_attr(text)) == _bytes(value)
    return text


def _float(bits):
    (number,) = struct.unpack("<f", struct.pack("<I", bits))
    return number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (_AttrValue(f=0.1), "0.1"),
        (_AttrValue(f=float("nan")), "nan"),
        (_AttrValue(s=b'say "x"\\\n\xff'), r'"say \"x\"\\\n\377"'),
        (_AttrValue(tensor={"dtype": 3, "tensor_shape": {}, "int_val": [5]}), "int32(5)"),
        (_AttrValue(list={}), "()"),
        (_AttrValue(list={"i": [0, -1]}), "(0, -1)"),
        (_AttrValue(list={"f": [0, 0.1]}), "(0.0, 0.1)"),
        (_AttrValue(list={"b": [True]}), "(true)"),
        (_AttrValue(list={"type": [1, 3]}), "(float, int32)"),
        (_AttrValue(list={"s": [b"a, b", b"()"]}), '("a, b", "()")'),
        (_AttrValue(list={"shape": [{"dim": [{"size": 2}, {"size": -1}]}, {}]}), "([2,?], [])"),
        (_AttrValue(list={"s": [b"a"], "i": [1]}), '("a", 1)'),
        # Values without a short form.
        (_AttrValue(list={"type": [9999]}), "{list { type: 9999 }}"),
        (
            _AttrValue(list={"func": [{"name": "f"}], "i": [1]}),
            '{list { i: 1 func { name: "f" } }}',
        ),
        (_AttrValue(func={"name": "f"}), '{func { name: "f" }}'),
        # No other form of these has the same bytes.
        (
            _AttrValue(tensor={"dtype": 3, "int_val": [5]}),
            "{tensor { dtype: DT_INT32 int_val: 5 }}",
        ),
        (
            _AttrValue(tensor={"dtype": 1, "tensor_shape": {}, "version_number": 1}),
            "{tensor { dtype: DT_FLOAT tensor_shape { } version_number: 1 }}",
        ),
        (_AttrValue(shape={"dim": [{"size": -5}]}), "{shape { dim { size: -5 } }}"),
        (_AttrValue(type=9999), "{type: 9999}"),
        (_AttrValue(), "{}"),
    ],
)
def test_values_round_trip(value, text):
    assert _round_trip(value) == text


_UNKNOWN_FIELD = _AttrValue()
_UNKNOWN_FIELD.ParseFromString(_bytes(_AttrValue(i=3)) + b"\xa0\x06\x01")  # Field 100.


@pytest.mark.parametrize(
    "value",
    [
        _UNKNOWN_FIELD,
        _AttrValue(f=_float(0x7FC00001)),  # A NaN with a payload.
        _AttrValue(f=_float(0xFFC00000)),  # A NaN with a sign.
        _AttrValue(tensor={"dtype": 1, "tensor_shape": {}, "float_val": [_float(0x7FC00001)]}),
    ],
)
def test_values_that_no_text_shows_stand_as_bytes(value):
    assert _round_trip(value).startswith('serialized{"')


def test_large_values_are_abbreviated_for_people_alone():
    tensor = {"dtype": 1, "tensor_shape": {"dim": [{"size": 100}]}, "tensor_content": bytes(400)}
    value, other = _AttrValue(tensor=tensor), _AttrValue(tensor=tensor)
    other.tensor.tensor_content = bytes(399) + b"\1"
    text = format_attr(value, abbreviate=True)
    assert text.startswith("float[100]{... 414 bytes, sha256 ")
    assert text != format_attr(other, abbreviate=True)
    assert _round_trip(value).startswith("{tensor { dtype: DT_FLOAT tensor_shape { dim { size: 100")
    text = format_attr(_AttrValue(s=b"x" * 200), abbreviate=True)
    assert text.startswith("{... 203 bytes, sha256 ")
    assert format_attr(_AttrValue(s=b"x" * 100), abbreviate=True) == f'"{"x" * 100}"'


@pytest.mark.parametrize("text", ["float[9]{... 414 bytes, sha256 01}", "{... 99 bytes, sha256 1}"])
def test_abbreviated_values_are_not_read(text):
    with pytest.raises(ValueError, match="abbreviated: only exact values"):
        parse_attr(text)


@pytest.mark.parametrize(
    "text",
    ["{tensor { dtype: }}", "{nonsense: 1}", 'serialized{"\\001"}', "{", "flaot", "(flaot)", ""],
)
def test_other_texts_are_refused(text):
    with pytest.raises(ValueError, match=r"expected an attribute value|DataType has no value"):
        parse_attr(text)


@given(
    st.integers(0, 2**32 - 1).map(lambda bits: _AttrValue(f=_float(bits)))
    | st.binary(max_size=20).map(lambda s: _AttrValue(s=s))
    | st.builds(
        lambda dtype, content: _AttrValue(
            tensor={"dtype": dtype, "tensor_shape": {}, "tensor_content": content}
        ),
        st.integers(0, 25),
        st.binary(max_size=16),
    )
)
def test_any_value_comes_back_byte_by_byte(value):
    _round_trip(value)
