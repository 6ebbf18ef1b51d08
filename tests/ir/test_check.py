import dataclasses

import pytest

from converter import errors
from converter.ir.check import check_graph
from converter.ir.graph import Graph, Node
from converter.ir.text import parse_graph

_GOOD = """
    x = _Arg[T=float]()
    axis = Const[dtype=int32, value={tensor { dtype: DT_INT32 tensor_shape { } int_val: 0 }}]()
    parts = Split[T=float, num_split=2](axis, x)
    y = Neg[T=float](parts:1, ^done)
    done = NoOp()
    return y
    target done
"""


def test_a_well_formed_graph_passes():
    check_graph(parse_graph(_GOOD), absent={"VariableV2"})


@pytest.mark.parametrize(
    ("before", "after", "node", "message"),
    [
        ("Neg[T=float](parts:1", "Neg[T=float](gone", None, "refers to node 'gone'"),
        ("^done", "^gone", None, "refers to node 'gone'"),
        ("return y", "return gone", None, "refers to node 'gone'"),
        ("target done", "target gone", None, "refers to node 'gone'"),
        ("parts:1", "parts:2", "parts", "uses output 2 of op 'Split', which has 2"),
        ("return y", "return y:1", "y", "uses output 1 of op 'Neg', which has 1"),
        ("return y", "return x:1", "x", "uses output 1 of op '_Arg', which has 1"),
        ("return y", "return done", "done", "uses output 0 of op 'NoOp', which has 0"),
        ("done = NoOp()", "done = NoOp(^y)", "y", "cycle"),
        ("(axis, x)", "(x)", "parts", "'Split' takes 2 inputs, the graph gives 1"),
        ("NoOp()", "NoOp(x)", "done", "'NoOp' takes 0 inputs, the graph gives 1"),
        ("Neg[T=float]", "Neg", "y", "'Neg' lacks attribute 'T'"),
    ],
)
def test_a_damaged_graph_is_a_format_error(before, after, node, message):
    assert before in _GOOD
    with pytest.raises(errors.FormatError, match=message) as caught:
        check_graph(parse_graph(_GOOD.replace(before, after)))
    assert caught.value.node == node


def test_an_op_that_tensorflow_does_not_know_is_named_with_its_package():
    graph = parse_graph("x = _Arg()\ny = SentencepieceOp(x)\nreturn y")
    with pytest.raises(errors.UnsupportedOpError) as caught:
        check_graph(graph)
    assert str(caught.value) == (
        "op 'SentencepieceOp' is not registered in this TensorFlow (at node 'y'). It comes"
        " with tensorflow_text: install it and pass import_ops=['tensorflow_text']."
    )


def test_an_op_without_outputs_must_be_registered_too():
    with pytest.raises(errors.UnsupportedOpError, match="'Frobnicate' is not registered"):
        check_graph(parse_graph("y = Frobnicate()\ntarget y"))


def test_an_attribute_with_a_default_may_be_absent():
    check_graph(
        parse_graph("x = _Arg()\ny = MatMul[T=float](x, x)\nreturn y")  # transpose_a, …
    )


def test_an_op_that_should_be_gone_is_our_fault():
    with pytest.raises(errors.InternalError, match="'Split' at 'parts' should have been removed"):
        check_graph(parse_graph(_GOOD), absent={"Split"})


def test_an_argument_that_is_no_arg_is_our_fault():
    graph = dataclasses.replace(parse_graph(_GOOD), args=("x", "axis"))
    with pytest.raises(errors.InternalError, match="'axis' is not an _Arg"):
        check_graph(graph)


def test_a_node_under_another_name_is_our_fault():
    with pytest.raises(errors.InternalError, match="'x' is listed as 'y'"):
        check_graph(Graph({"y": Node("x", "NoOp")}, (), ()))


@pytest.mark.parametrize("op", ["PyFunc", "PyFuncStateless", "EagerPyFunc"])
def test_ops_that_call_python_back_are_refused(op):
    graph = parse_graph(f"x = _Arg[T=float]()\ny = {op}(x)\nreturn y")
    with pytest.raises(errors.UnsupportedOpError, match=r"calls a Python function.*'y'"):
        check_graph(graph)


@pytest.mark.parametrize(
    "text",
    [
        "a = Const()\naxis = Const()\nb = Split[T=float, num_split={}](axis, a)\nreturn b",
        "a = Const()\nb = Unpack[T=float, num={}](a)\nreturn b",
    ],
)
def test_billions_of_outputs_are_refused_at_once(text):
    graph = parse_graph(text.replace("Const()", "_Arg()").format(1 << 31))
    with pytest.raises(errors.FormatError, match="says that there are 2147483648") as caught:
        check_graph(graph)
    assert caught.value.node == "b"
    check_graph(parse_graph(text.replace("Const()", "_Arg()").format(1 << 16)))
