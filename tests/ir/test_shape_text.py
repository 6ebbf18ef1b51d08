import pytest

from converter.ir.attributes import read_shape
from converter.ir.shape_text import format_shape, parse_shape, write_shape

_SHAPES = [(None, "[...]"), ((), "[]"), ((2,), "[2]"), ((2, None, 3), "[2,?,3]"), ((0,), "[0]")]


@pytest.mark.parametrize(("shape", "text"), _SHAPES)
def test_shapes_round_trip_as_text_and_as_protos(shape, text):
    assert format_shape(shape) == text
    assert parse_shape(text) == shape
    assert read_shape(write_shape(shape)) == shape


def test_spaces_are_ignored():
    assert parse_shape("[2, ?]") == (2, None)


@pytest.mark.parametrize("text", ["", "2", "[2", "2]", "[x]", "[2.0]"])
def test_other_texts_are_refused(text):
    with pytest.raises(ValueError, match=r"expected a shape|invalid literal"):
        parse_shape(text)
