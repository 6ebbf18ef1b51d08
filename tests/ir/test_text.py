import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorflow.core.framework import attr_value_pb2, tensor_shape_pb2, types_pb2

from converter.ir import text
from converter.ir.graph import ARG_OP, Graph, Node, TensorRef
from converter.ir.text import format_graph, parse_graph

_AttrValue = attr_value_pb2.AttrValue
_NAMES = st.from_regex(r"[A-Za-z0-9.][A-Za-z0-9_.\-/]{0,8}", fullmatch=True)


def _shape(*sizes):
    return tensor_shape_pb2.TensorShapeProto(
        dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=size) for size in sizes]
    )


def _graph(attrs):
    return Graph({"x": Node("x", "Op", attrs=attrs)}, (), (TensorRef("x"),))


# The forms of the module's docstring.


def test_the_example_of_the_docstring_round_trips():
    example = "".join(
        f"{line.strip()}\n"
        for line in text.__doc__.splitlines()
        if line.startswith("    ") and line.strip()
    )
    graph = parse_graph(example)
    assert format_graph(graph) == example
    assert graph.args == ("x",)
    assert graph.nodes["w/read"].control_inputs == ("init",)
    assert graph.results == (TensorRef("z"),)
    assert graph.targets == ("update",)


@pytest.mark.parametrize(
    ("printed", "value"),
    [
        ("float", _AttrValue(type=types_pb2.DT_FLOAT)),
        ("float_ref", _AttrValue(type=types_pb2.DT_FLOAT_REF)),
        ("resource", _AttrValue(type=types_pb2.DT_RESOURCE)),
        ("3", _AttrValue(i=3)),
        ("-3", _AttrValue(i=-3)),
        ("0.5", _AttrValue(f=0.5)),
        ("1e-07", _AttrValue(f=1e-7)),
        ("1e+20", _AttrValue(f=1e20)),
        ("inf", _AttrValue(f=math.inf)),
        ("-inf", _AttrValue(f=-math.inf)),
        ("true", _AttrValue(b=True)),
        ("false", _AttrValue(b=False)),
        ('"loc:@x, y"', _AttrValue(s=b"loc:@x, y")),
        ('""', _AttrValue(s=b"")),
        ("[2,?]", _AttrValue(shape=_shape(2, -1))),
        ("[]", _AttrValue(shape=_shape())),
        ("[...]", _AttrValue(shape=tensor_shape_pb2.TensorShapeProto(unknown_rank=True))),
        (
            '{list { s: "a" s: "b" }}',
            _AttrValue(list=_AttrValue.ListValue(s=[b"a", b"b"])),
        ),
        ('{func { name: "f" }}', _AttrValue(func=attr_value_pb2.NameAttrList(name="f"))),
        ('{placeholder: "T"}', _AttrValue(placeholder="T")),
    ],
)
def test_every_form_of_attribute_parses(printed, value):
    graph = parse_graph(f"x = Op[a=true, k={printed}, z=1]()\nreturn x")
    assert graph.nodes["x"].attrs["k"] == value
    assert graph.nodes["x"].attrs["z"].i == 1
    assert parse_graph(format_graph(graph)) == graph


@pytest.mark.parametrize(
    "value",
    [b'say "x"', b"\xff\x00", b"line\nbreak", b'a}, k="b', b"{", b"\\", "ä".encode()],
)
def test_strings_of_all_bytes_round_trip(value):
    graph = _graph({"a": _AttrValue(s=value), "b": _AttrValue(list={"s": [value, value]})})
    assert parse_graph(format_graph(graph)) == graph


def test_nan_round_trips():
    (node,) = parse_graph(format_graph(_graph({"k": _AttrValue(f=math.nan)}))).nodes.values()
    assert math.isnan(node.attrs["k"].f)


def test_a_named_dimension_is_not_lost():
    named = tensor_shape_pb2.TensorShapeProto()
    named.dim.add(size=2, name="batch")
    graph = _graph({"k": _AttrValue(shape=named)})
    assert parse_graph(format_graph(graph)) == graph


_ATTRS = st.one_of(
    st.sampled_from([number for name, number in types_pb2.DataType.items() if number]).map(
        lambda dtype: _AttrValue(type=dtype)
    ),
    st.integers(-(2**63), 2**63 - 1).map(lambda i: _AttrValue(i=i)),
    st.floats(width=32, allow_nan=False).map(lambda f: _AttrValue(f=f)),
    st.booleans().map(lambda b: _AttrValue(b=b)),
    st.binary(max_size=12).map(lambda s: _AttrValue(s=s)),
    st.lists(st.integers(-1, 9), max_size=3).map(lambda d: _AttrValue(shape=_shape(*d))),
    st.lists(st.binary(max_size=6), max_size=3).map(lambda s: _AttrValue(list={"s": s})),
    st.lists(st.integers(0, 9), max_size=3).map(lambda i: _AttrValue(list={"i": i})),
    st.just(_AttrValue()),
)


@st.composite
def _graphs(draw):
    names = draw(st.lists(_NAMES, min_size=1, max_size=6, unique=True))
    refs = st.builds(TensorRef, st.sampled_from(names), st.integers(0, 3))
    nodes = {
        name: Node(
            name,
            draw(st.sampled_from(["Add", "Addons>Op", ARG_OP])),
            tuple(draw(st.lists(refs, max_size=3))),
            tuple(draw(st.lists(st.sampled_from(names), max_size=2))),
            draw(
                st.dictionaries(
                    st.from_regex(r"_?[a-zA-Z]\w{0,5}", fullmatch=True, alphabet="abTN_1"),
                    _ATTRS,
                    max_size=3,
                )
            ),
        )
        for name in names
    }
    args = tuple(node.name for node in nodes.values() if node.op == ARG_OP)
    results = tuple(draw(st.lists(refs, max_size=2)))
    return Graph(nodes, args, results, tuple(draw(st.lists(st.sampled_from(names), max_size=2))))


@given(_graphs())
def test_any_graph_round_trips(graph):
    again = parse_graph(format_graph(graph))
    assert again == graph
    assert list(again.nodes) == list(graph.nodes)


def test_comments_blank_lines_and_indentation_are_ignored():
    assert parse_graph("\n  # a comment\n\n    x = Const()\n  return x\n") == parse_graph(
        "x = Const()\nreturn x"
    )


@pytest.mark.parametrize("line", ["x", "x = Const", "x = (y)", "= Const()", "returned x"])
def test_a_line_of_another_form_is_refused(line):
    with pytest.raises(ValueError, match="expected 'name = Op"):
        parse_graph(line)


@pytest.mark.parametrize("attrs", ["T", "T=float junk", "T=", "T=flaot", "=float", "a b=1"])
def test_an_attribute_of_another_form_is_refused(attrs):
    with pytest.raises(ValueError, match=r"expected 'attr=value'|DataType has no value"):
        parse_graph(f"x = Const[{attrs}]()")


def test_device_is_not_printed():
    assert format_graph(Graph({"x": Node("x", "Op", device="/gpu:0")}, (), ())) == "x = Op()\n"


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        (1, "float32"),
        (2, "float64"),
        (7, "string"),
        (8, "complex64"),
        (14, "bfloat16"),
        (19, "float16"),
    ],
)
def test_dtype_name_is_that_of_the_python_api(dtype, name):
    assert text.dtype_name(dtype) == name
