import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import attr_value_pb2, tensor_pb2

from converter.ir import aliases, constants
from converter.ir.graph import Node, TensorRef
from converter.ir.text import parse_graph


def _const(value, dtype=None, name="c"):
    tensor = tf.make_tensor_proto(value, dtype)
    return Node(name, "Const", attrs={"value": attr_value_pb2.AttrValue(tensor=tensor)})


def _damaged(**fields):
    tensor = tensor_pb2.TensorProto(**fields)
    return Node("c", "Const", attrs={"value": attr_value_pb2.AttrValue(tensor=tensor)})


@pytest.mark.parametrize(
    "value", [np.float32(2.5), np.arange(6, dtype=np.int64).reshape(2, 3), np.zeros((0, 2), bool)]
)
def test_a_value_is_read_with_its_dtype_and_shape(value):
    found = constants.find_value(_const(value))
    np.testing.assert_array_equal(found, value, strict=True)
    assert constants.find_shape(_const(value)) == np.shape(value)


def test_strings_are_read_as_bytes():
    assert constants.find_value(_const([b"a", b"\xff\0"])).tolist() == [b"a", b"\xff\0"]


def test_other_ops_have_no_value():
    node = parse_graph("x = Neg(y)").nodes["x"]
    assert constants.find_value(node) is None
    assert constants.find_shape(node) is None
    assert constants.find_value(Node("c", "Const")) is None


def test_a_damaged_constant_has_no_value():
    unknown = _damaged(dtype=1, tensor_shape={"unknown_rank": True})
    assert constants.find_shape(unknown) is None
    assert constants.find_value(unknown) is None
    assert constants.find_value(_damaged(dtype=1, tensor_shape={"dim": [{"size": -1}]})) is None
    assert constants.find_value(_damaged(dtype=999)) is None
    assert constants.find_value(_damaged(dtype=20)) is None  # A resource.
    byte = constants.find_value(_damaged(dtype=4, int_val=[-1]))
    assert byte is None or byte == 255  # NumPy 1 wraps around.
    short = _damaged(dtype=1, tensor_shape={"dim": [{"size": 3}]}, tensor_content=b"12345")
    assert constants.find_value(short) is None


def test_a_few_bytes_do_not_become_gigabytes():
    dims = {"dim": [{"size": 1 << 40}]}
    huge = _damaged(dtype=3, tensor_shape=dims, int_val=[1])
    assert constants.find_value(huge) is None
    assert constants.find_shape(huge) == (1 << 40,)


def test_a_constant_is_seen_through_the_ops_named():
    c = _const([1, 2])
    nodes = {"c": c, **parse_graph("i = Identity(c)\ns = Switch(i, p)").nodes}
    found = constants.find_constant(nodes, TensorRef("i"), aliases.IDENTITIES)
    assert found.tolist() == [1, 2]
    assert constants.find_constant(nodes, TensorRef("s"), aliases.IDENTITIES) is None
    assert constants.find_constant(nodes, TensorRef("gone"), aliases.IDENTITIES) is None


@pytest.mark.parametrize(
    ("value", "dtype", "found"),
    [(3, "int32", 3), (2**63, "uint64", 2**63), (3.0, "float32", None), ([3], "int32", None),
     (True, "bool", None), (b"3", "string", None)],
)  # fmt: skip
def test_only_integer_scalars_are_integers(value, dtype, found):
    nodes = {"c": _const(value, dtype)}
    assert constants.find_integer(nodes, TensorRef("c"), aliases.IDENTITIES) == found


def test_a_constant_that_is_made_is_read_back():
    node = constants.int_constant("n", -7, ["x"])
    assert (node.name, node.op, node.control_inputs) == ("n", "Const", ("x",))
    assert constants.find_value(node) == np.int32(-7)


@pytest.mark.parametrize(
    ("tensor", "value"),
    [
        ("dtype: DT_FLOAT tensor_shape { } float_val: 0.5", 0.5),
        ("dtype: DT_INT64 tensor_shape { } int64_val: -7", -7),
        ("dtype: DT_HALF tensor_shape { } half_val: 14336", 0.5),
        ("dtype: DT_BFLOAT16 tensor_shape { } half_val: 16128", 0.5),
        ('dtype: DT_DOUBLE tensor_shape { } tensor_content: "\\0\\0\\0\\0\\0\\0\\340?"', 0.5),
        ("dtype: DT_INT32 tensor_shape { }", 0),
        ("dtype: DT_INT32 tensor_shape { } int_val: 1 int_val: 2", None),
        ('dtype: DT_INT32 tensor_shape { } tensor_content: "abc"', None),
        ("dtype: DT_BOOL tensor_shape { } bool_val: true", True),
        ('dtype: DT_STRING tensor_shape { } string_val: "x"', "x"),
        ('dtype: DT_STRING tensor_shape { } string_val: "\\377"', None),
        ("dtype: DT_COMPLEX64 tensor_shape { } scomplex_val: 1 scomplex_val: 2", None),
        ("dtype: DT_FLOAT tensor_shape { dim { size: 1 } } float_val: 0.5", None),
        ("dtype: DT_FLOAT tensor_shape { unknown_rank: true } float_val: 0.5", None),
    ],
)
def test_find_scalar(tensor, value):
    (node,) = parse_graph(f"c = Const[value={{tensor {{ {tensor} }}}}]()").nodes.values()
    found = constants.find_scalar(node)
    assert found == value
    assert type(found) is type(value)


def test_find_scalar_of_other_ops():
    for line in ("c = Neg()", "c = Const()"):
        (node,) = parse_graph(line).nodes.values()
        assert constants.find_scalar(node) is None
