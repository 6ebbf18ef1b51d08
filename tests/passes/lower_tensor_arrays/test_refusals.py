"""Arrays that cannot be lists."""

import pytest
from passes.lower_tensor_arrays.programs import ARRAY, SOME

from converter import errors
from converter.ir import op_facts
from converter.ir.text import parse_graph
from converter.passes.lower_tensor_arrays import lower_tensor_arrays


@pytest.mark.parametrize("op", ["TensorArrayGradV3", "TensorArrayGradWithShape"])
def test_gradients_of_arrays_are_refused(op, refusal_of):
    more = ", n" if op == "TensorArrayGradWithShape" else ""
    text = f'g = {op}[source="s"](a, a:1{more})\nr = TensorArraySizeV3(g, g:1)\nreturn r'
    message = refusal_of(ARRAY + text)
    assert "contains the gradient of a TensorArray" in message
    assert "'g'" in message


@pytest.mark.parametrize("op", ["TensorArray", "TensorArrayV2"])
def test_old_versions_are_refused(op, refusal_of):
    message = refusal_of(f"n = _Arg[T=int32]()\na = {op}[dtype=float](n)\nreturn a")
    assert f"op '{op}' is of a version that TensorFlow 1.0 replaced (at node 'a')" in message


@pytest.mark.parametrize("op", sorted(op_facts.TENSOR_ARRAY_OPS - {"TensorArrayV3"}))
def test_every_op_on_an_array_that_is_made_elsewhere_is_refused(op, make_program):
    count = len(op_facts.find_op_def(op).input_arg)
    names = [f"a{number}" for number in range(count)]
    args = "".join(f"{name} = _Arg[T=float]()\n" for name in names)
    graph = parse_graph(f"{args}r = {op}({', '.join(names)})\nreturn r")
    with pytest.raises(errors.UnsupportedOpError, match=f"op '{op}'.*at node 'r'"):
        lower_tensor_arrays(graph, make_program())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("return a:1", "an output is the handle or the flow"),
        ("""b = TensorArrayV3[dtype=float, element_shape=[2147483648]](n)
            r = TensorArraySizeV3(b, b:1)
            return r""",
         "have a size of 2147483648, which is above 2147483647 (at node 'b')"),
        ("return a", "an output is the handle or the flow"),
        ("f = Identity[T=float](a:1)\nreturn f", "an output is the handle or the flow"),
        ("y = Add[T=float](a:1, x)\nreturn y", "op 'Add' uses the handle or the flow"),
        ("y = AddN[N=2, T=float](a:1, x)\nreturn y", "op 'AddN' uses the handle or the flow"),
        ("y = Pack[N=1, T=resource](a)\nreturn y", "op 'Pack' uses the handle or the flow"),
        ("w = TensorArrayWriteV3[T=float](a, i, a:1, a:1)\nr = TensorArraySizeV3(a, w)\nreturn r",
         "op 'TensorArrayWriteV3' uses the handle or the flow"),
        ("r = TensorArraySizeV3(a, x)\nreturn r", "of no TensorArray, or of two"),
        ("h = _Arg[T=resource]()\nr = TensorArraySizeV3(h, a:1)\nreturn r",
         "of no TensorArray, or of two"),
        ("m = Merge[N=2, T=float](a:1, x)\nr = TensorArraySizeV3(a, m)\nreturn r",
         "of no TensorArray, or of two"),
        ("b = TensorArrayV3[dtype=float](n)\nr = TensorArraySizeV3(b, a:1)\nreturn r",
         "of no TensorArray, or of two"),
        ("""b = TensorArrayV3[dtype=float](n)
            m = Merge[N=2, T=float](a:1, b:1)
            r = TensorArraySizeV3(a, m)
            return r""", "does not say whether TensorArray"),
        ("""b = TensorArrayV3[dtype=float](n)
            m = Merge[N=2, T=resource](a, b)
            r = TensorArraySizeV3(m, a:1)
            return r""", "does not say whether TensorArray"),
        ("""v = TensorArrayWriteV3[T=float](a, i, x, a:1)
            l = _Arg[T=int64]()
            w = TensorArraySplitV3[T=float](a, x, l, v)
            r = TensorArraySizeV3(a, w)
            return r""",
         "a split writes into a TensorArray that may already hold elements (at node 'w')"),
        ("""b = TensorArrayV3[dtype=float, clear_after_read=false](n)
            g = TensorArrayGatherV3[dtype=float](b, j, b:1)
            return g""", "a gather may take an element twice"),
    ],
)  # fmt: skip
def test_refusals(text, message, refusal_of):
    assert message in refusal_of(ARRAY + text)


@pytest.mark.parametrize(
    "text",
    [
        """a = TensorArrayV3[dtype=float, dynamic_size=true](n)
        w = TensorArrayScatterV3[T=float](a, j, x, a:1)""",
        """a = TensorArrayV3[dtype=float, dynamic_size=true](zero)
        v = TensorArrayWriteV3[T=float](a, i, x, a:1)
        w = TensorArrayScatterV3[T=float](a, j, x, v)""",
    ],
)
def test_scatters_whose_indices_nobody_would_check_are_refused(text, refusal_of):
    message = refusal_of(SOME + text + "\nr = TensorArraySizeV3(a, w)\nreturn r")
    assert "a scatter writes into a growing TensorArray" in message
    assert "'w'" in message
