import dataclasses
import re

import pytest

from converter import errors, limits
from converter.ir.check import check_graph
from converter.ir.check_types import check_result_shapes, check_results, check_types
from converter.ir.graph import VariableSpec
from converter.ir.text import parse_graph

_INT32 = 3
_GOOD = """
    x = _Arg[T=float]()
    w = _Variable[key="w"]()
    v = _VariableValue[key="w"]()
    file = _Asset[key="file"]()
    read = ReadVariableOp[dtype=float](w)
    text = ReadFile(file)
    image = DecodePng[channels=3, dtype=uint8](text)
    axis = Const[dtype=int32, value={tensor { dtype: DT_INT32 tensor_shape { } int_val: 0 }}]()
    parts = Split[T=float, num_split=2](axis, x)
    sum = AddN[N=3, T=float](parts:1, v, read, ^image)
    kept = IdentityN[T={list { type: DT_FLOAT type: DT_INT32 }}](sum, axis)
    called = _CustomGradient[key="f", outputs=1](sum)
    y = Conv2D[T=float, padding="SAME", strides={list { i: 1 i: 1 i: 1 i: 1 }}](called, kept:0)
    n = Neg[T=int32, _note={placeholder: "anything"}](kept:1)
    return y, n
"""


@pytest.fixture
def check(make_program):
    program = make_program(variables={"w": VariableSpec("w", "w", 1, (), True, "w")})

    def run(text, producer=0):
        graph = dataclasses.replace(parse_graph(text), producer=producer)
        check_graph(graph)
        check_types(graph, program)

    return run


def test_what_fits_passes(check):
    check(_GOOD)


def _pattern(message):
    return ".*".join(map(re.escape, message.split(".*")))


@pytest.mark.parametrize(
    ("before", "after", "node", "message"),
    [
        ("num_split=2", "num_split=2, depth=1", "parts", "'Split' has no attribute 'depth'"),
        ("channels=3", 'channels="3"', "image", "op 'DecodePng' holds s, expected int"),
        ("channels=3", "channels={}", "image", "holds None, expected int"),
        ("strides={list { i: 1 i: 1 i: 1 i: 1 }}", "strides=1", "y", "holds i, expected list"),
        ("{ i: 1 i: 1 i: 1 i: 1 }", "{ f: 1 i: 1 }", "y", "holds values that do not belong in a"),
        ("T={list { type: DT_FLOAT type: DT_INT32 }}](sum, axis)", "T={list { }}]()", "kept",
         "'T' of op 'IdentityN' is below its minimum of 1"),
        ('padding="SAME"', 'padding="ALL"', "y", "'padding' of op 'Conv2D' has the value 'ALL'"),
        ("dtype=uint8", "dtype=string", "image", "has the dtype string, which the op"),
        ("dtype=float](w)", "dtype={type: 77}](w)", "read", "'dtype' .* has the unknown dtype 77"),
        ("T=float]()", "T=int32]()", "parts", "input 1 .* int32, expected float32"),
        ("ReadFile(file)", "ReadFile(v)", "text", "input 0 .* dtype float32, expected string"),
        ("dtype=float](w)", "dtype=float](file)", "read", "has dtype string, expected resource"),
        ("AddN[N=3, T=float]", "AddN[N=3, T=int32]", "sum", "input 0 .* float32, expected int32"),
        ("T=int32, _note", "T=float, _note", "n", "has dtype int32, expected float32"),
    ],
)  # fmt: skip
def test_what_tensorflow_would_reject_is_refused(before, after, node, message, check):
    assert before in _GOOD
    kept = _GOOD.replace(before, after)
    if node == "kept":
        kept = kept.replace("kept:0", "sum").replace("kept:1", "axis")
    with pytest.raises(errors.FormatError, match=_pattern(message)) as caught:
        check(kept)
    assert caught.value.node == node


def test_an_op_that_tensorflow_has_removed_is_refused(check):
    text = """
        x = _Arg[T=float]()
        y = BatchNormWithGlobalNormalization[T=float, ATTRS](x, x, x, x, x)
        return y
    """
    text = text.replace("ATTRS", "variance_epsilon=0.1, scale_after_normalization=true")
    check(text, producer=8)
    with pytest.raises(errors.UnsupportedOpError, match=r"removed op 'Batch.*graph has version 9"):
        check(text, producer=9)


def test_refs_have_the_dtype_of_their_values(check):
    check("v = VariableV2[dtype=float, shape=[]]()\ny = Neg[T=float](v)\nreturn y")


def test_many_outputs_cost_little(check):
    check(_GOOD.replace("num_split=2", f"num_split={limits.MAX_TENSORS}"))


def test_a_constant_holds_a_value_of_its_dtype(check):
    """TensorFlow's shape functions abort the process otherwise."""
    wrong = _GOOD.replace("{tensor { dtype: DT_INT32", "{tensor { dtype: DT_FLOAT")
    message = r"a Const of dtype int32 holds a value of dtype float32"
    with pytest.raises(errors.FormatError, match=message) as caught:
        check(wrong)
    assert caught.value.node == "axis"


def test_results_have_the_dtypes_that_a_signature_says(make_function):
    graph = parse_graph("x = _Arg[T=float]()\nc = f[T=int32](x)\nreturn x, c")
    function = make_function("f", {"a": "float"}, "", {"r": "a"}, results={"r": "$T"})
    functions = {"f": function}
    check_results(graph, (1, _INT32), functions)
    for dtypes, node in (((2, _INT32), "x"), ((1, 1), "c")):
        with pytest.raises(errors.FormatError, match=r"an output of a signature has") as caught:
            check_results(graph, dtypes, functions)
        assert caught.value.node == node


_SHAPES = "_output_shapes={list { shape { dim { size: -1 } dim { size: 3 } } }}"


@pytest.mark.parametrize("promised", [None, (None, None), (2, 3), (None, 3)])
def test_a_promised_shape_that_the_node_may_have(promised):
    graph = parse_graph(f"x = _Arg[T=float]()\ny = Neg[T=float, {_SHAPES}](x)\nreturn y, x")
    check_result_shapes(graph, [promised, (7,)])


@pytest.mark.parametrize("promised", [(), (3,), (None, 1), (2, 3, 1)])
def test_a_promised_shape_that_the_node_cannot_have_is_refused(promised):
    graph = parse_graph(f"x = _Arg[T=float]()\ny = Neg[T=float, {_SHAPES}](x)\nreturn x, y")
    with pytest.raises(errors.FormatError, match="an output of a signature has shape") as caught:
        check_result_shapes(graph, [(7,), promised])
    assert caught.value.node == "y"
