import pytest
import tensorflow as tf
from tensorflow.core.framework import attr_value_pb2, tensor_shape_pb2

from converter import errors
from converter.ir import attributes
from converter.ir.graph import Node
from converter.ir.text import parse_graph


def _node(attrs):
    return parse_graph(f"n = Op[{attrs}]()").nodes["n"]


# Building.


def test_attributes_are_made_of_numbers_and_strings():
    assert attributes.type_attr(7) == attr_value_pb2.AttrValue(type=7)
    assert attributes.int_attr(-3) == attr_value_pb2.AttrValue(i=-3)
    assert attributes.bool_attr(False) == attr_value_pb2.AttrValue(b=False)
    assert attributes.string_attr("ä").s == "ä".encode()
    assert attributes.string_attr(b"\xff").s == b"\xff"


def test_attributes_are_made_of_shapes():
    shape = tensor_shape_pb2.TensorShapeProto(unknown_rank=True)
    assert attributes.shapes_attr([shape]).list.shape[0].unknown_rank
    shapes = attributes.scalar_shapes_attr(2).list.shape
    assert [attributes.read_shape(one) for one in shapes] == [(), ()]


def test_attributes_are_made_of_tensors():
    scalar = tf.make_ndarray(attributes.int_scalar_attr(-1).tensor)
    assert (scalar.dtype, scalar.shape, scalar.item()) == ("int32", (), -1)
    vector = tf.make_ndarray(attributes.int_vector_attr([2, 3], 9).tensor)
    assert (vector.dtype, vector.tolist()) == ("int64", [2, 3])
    assert tf.make_ndarray(attributes.int_vector_attr([]).tensor).shape == (0,)


# Reading.


def test_dtypes_are_read_without_the_mark_for_refs():
    attrs = {"dtype": attributes.type_attr(101)}
    attrs["Tin"] = attr_value_pb2.AttrValue()
    attrs["Tin"].list.type.extend([1, 103])
    node = Node("n", "Op", attrs=attrs)
    assert attributes.get_dtype(node, "dtype") == 1
    assert attributes.get_dtypes(node, "Tin") == (1, 3)
    with pytest.raises(errors.FormatError, match="op 'Op' lacks attribute 'T'"):
        attributes.get_dtype(node, "T")
    with pytest.raises(errors.FormatError, match="op 'Op' lacks attribute 'Tout'"):
        attributes.get_dtypes(node, "Tout")


def test_optional_attributes_have_defaults():
    node = _node('yes=true, no=false, n=3, s="text", shape=[2,?]')
    assert attributes.find_bool(node, "yes")
    assert not attributes.find_bool(node, "no", default=True)
    assert not attributes.find_bool(node, "gone")
    assert attributes.find_bool(node, "gone", default=True)
    assert attributes.find_int(node, "n") == 3
    assert attributes.find_int(node, "gone") == 0
    assert attributes.find_int(node, "gone", 10) == 10
    assert attributes.find_string(node, "s") == "text"
    assert attributes.find_string(node, "gone") is None
    assert attributes.find_shape(node, "shape") == (2, None)
    assert attributes.find_shape(node, "gone") is None


def test_strings_that_are_no_text_are_read_all_the_same():
    node = Node("n", "Op", attrs={"s": attributes.string_attr(b"a\xff")})
    assert attributes.find_string(node, "s") == "a\N{REPLACEMENT CHARACTER}"


def test_the_key_of_a_pseudo_op_is_read():
    assert attributes.get_key(_node('key="w"')) == "w"


def test_an_unknown_rank_is_not_a_scalar():
    assert attributes.find_shape(_node("shape=[...]"), "shape") is None
    assert attributes.find_shape(_node("shape=[]"), "shape") == ()


def test_functions_are_found_alone_and_in_lists():
    node = _node('f={func { name: "f" }}, fs={list { func { name: "g" } func { name: "h" } }}, n=1')
    found = {key: [f.name for f in attributes.functions_in(v)] for key, v in node.attrs.items()}
    assert found == {"f": ["f"], "fs": ["g", "h"], "n": []}


# Choosing.


def test_attributes_are_left_out_or_kept_by_name():
    attrs = _node("a=1, b=2, c=3").attrs
    assert list(attributes.without(attrs, "a", "gone")) == ["b", "c"]
    assert list(attributes.only(attrs, {"c", "a"})) == ["a", "c"]
