"""Text forms for each op and each refusal; then V1 graphs that run before and after."""

import re

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.ops import tensor_array_ops

from converter import errors
from converter.ir import check, op_facts, query, serde
from converter.ir.graph import Graph, TensorRef
from converter.ir.text import format_graph, parse_graph
from converter.passes import lower_tensor_arrays as module
from converter.passes.lower_tensor_arrays import lower_tensor_arrays
from converter.passes.lower_tensor_arrays.lengths import length_of

v1 = tf.compat.v1

_SCALAR = "{{tensor {{ dtype: DT_INT32 tensor_shape {{ }} int_val: {} }}}}"


def _const(name, number, controls=""):
    return f"{name} = Const[dtype=int32, value={_SCALAR.format(number)}]({controls})"


_SOME = f"""
    n = _Arg[T=int32]()
    i = _Arg[T=int32]()
    j = _Arg[T=int32]()
    x = _Arg[T=float]()
    p = _Arg[T=bool]()
    {_const("zero", 0)}
    {_const("one", 1)}
"""
_ARRAY = _SOME + "a = TensorArrayV3[dtype=float, element_shape=[2,?]](n)\n"
_ROWS = """
    shape = Shape[T=float, out_type=int32](x)
    begin = Const[dtype=int32, value={tensor { dtype: DT_INT32 tensor_shape { dim { size: 1 } } int_val: 0 }}]()
    stride = Const[dtype=int32, value={tensor { dtype: DT_INT32 tensor_shape { dim { size: 1 } } int_val: 1 }}]()
    rows = StridedSlice[T=int32, Index=int32, shrink_axis_mask=1](shape, begin, stride, stride)
    all = Range[Tidx=int32](zero, rows, one)
"""  # noqa: E501


def _lower(text, make_program):
    """The lowered graph of `text`, which has to be well-formed, as a dict of lines by name."""
    graph = parse_graph(text)
    check.check_graph(graph)
    lowered = lower_tensor_arrays(graph, make_program())
    check.check_graph(lowered, absent=op_facts.TENSOR_ARRAY_OPS)
    lines = format_graph(lowered).splitlines()
    return {line.split(" = ")[0]: line.partition(" = ")[2] for line in lines}


def _shape_const(*dims):
    sizes = " ".join(f"int_val: {dim}" for dim in dims)
    shape = f"tensor_shape {{ dim {{ size: {len(dims)} }} }}"
    return f"Const[dtype=int32, value={{tensor {{ dtype: DT_INT32 {shape} {sizes} }}}}]"


def _refusal(text, make_program):
    graph = parse_graph(text)
    check.check_graph(graph)
    with pytest.raises(errors.UnsupportedOpError) as error:
        lower_tensor_arrays(graph, make_program())
    return str(error.value)


def test_the_example_of_the_docstring(docstring_example, make_program):
    before, after = docstring_example(module)
    assert lower_tensor_arrays(before, make_program()) == after


def test_the_table_of_ops_is_complete():
    registered = {name for name in dir(tf.raw_ops) if name.startswith("TensorArray")}
    assert registered == op_facts.TENSOR_ARRAY_OPS


def test_it_does_nothing_because_there_are_no_arrays(make_program):
    before = parse_graph("x = _Arg[T=float]()\ny = Identity[T=float](x)\nreturn y")
    assert lower_tensor_arrays(before, make_program()) is before


def test_it_does_nothing_because_lists_are_lists_already(make_program):
    before = parse_graph(
        "n = _Arg[T=int32]()\nl = TensorListReserve[element_dtype=float, shape_type=int32](n, n)\n"
        "s = TensorListLength(l)\nreturn s"
    )
    assert lower_tensor_arrays(before, make_program()) is before


def test_other_nodes_stay(make_program):
    text = "y = Identity[T=float](x)\nb = Switch[T=float](y, p)\nr = TensorArraySizeV3(a, a:1)\n"
    after = _lower(_ARRAY + text + "return r, b:1", make_program)
    assert after["y"] == "Identity[T=float](x)"
    assert after["b"] == "Switch[T=float](y, p)"


# One op at a time.


def test_creation(make_program):
    after = _lower(_ARRAY + "r = TensorArraySizeV3(a, a:1)\nreturn r", make_program)
    assert after["a"] == "TensorListReserve[element_dtype=float, shape_type=int32](a/dims, n)"
    assert after["a/dims"] == _shape_const(2, -1) + "()"


def test_a_shape_that_is_not_known(make_program):
    text = "a = TensorArrayV3[dtype=float](n)\nr = TensorArraySizeV3(a, a:1)\nreturn r"
    assert "tensor_shape { } int_val: -1" in _lower(_SOME + text, make_program)["a/dims"]


def test_a_scalar_shape(make_program):
    text = "a = TensorArrayV3[dtype=float, element_shape=[]](n)\nr = TensorArraySizeV3(a, a:1)\n"
    after = _lower(_SOME + text + "return r", make_program)
    assert "dim { } } }}" in after["a/dims"]  # A vector of no sizes.


def test_write(make_program):
    text = (
        "w = TensorArrayWriteV3[T=float](a, i, x, a:1, ^p)\nr = TensorArraySizeV3(a, w)\nreturn r"
    )
    after = _lower(_ARRAY + text, make_program)
    assert after["w"] == "TensorListSetItem[element_dtype=float](a, i, x, ^p)"
    assert after["r"] == "TensorListLength(w)"


def test_a_write_beyond_the_end_of_a_growing_array(make_program):
    text = """
        a = TensorArrayV3[dtype=float, dynamic_size=true](n)
        w = TensorArrayWriteV3[T=float](a, i, x, a:1)
        r = TensorArraySizeV3(a, w)
        return r
    """
    assert "resize_if_index_out_of_bounds=true" in _lower(_SOME + text, make_program)["w"]


def test_read(make_program):
    text = """
        k = Identity[T=int32](i)
        w = TensorArrayWriteV3[T=float](a, i, x, a:1)
        r = TensorArrayReadV3[dtype=float](a, k, w)
        return r
    """
    after = _lower(_ARRAY + text, make_program)
    assert after["r"] == "TensorListGetItem[element_dtype=float](w, k, r/dims)"
    assert after["r/dims"] == _shape_const(2, -1) + "(^w, ^k)"


@pytest.mark.parametrize(
    "indices",
    [
        "s = TensorArraySizeV3(a, w)\nr = Range[Tidx=int32](zero, s, one)",
        "s = TensorArraySizeV3(a, a:1)\nr = Range[Tidx=int32](zero, s, one)",
        "s = Identity[T=int32](n)\nr = Range[Tidx=int32](zero, s, one)",
    ],
)
def test_a_gather_of_all_is_a_stack(indices, make_program):
    text = f"""
        w = TensorArrayWriteV3[T=float](a, i, x, a:1)
        {indices}
        g = TensorArrayGatherV3[dtype=float, element_shape=[?,3]](a, r, w)
        return g
    """
    after = _lower(_ARRAY + text, make_program)
    assert after["g"] == "TensorListStack[element_dtype=float](w, g/dims)"
    assert after["g/dims"] == _shape_const(2, 3) + "(^w)"
    assert "r" not in after


@pytest.mark.parametrize(
    "indices",
    [
        "r = Range[Tidx=int32](one, n, one)",
        "r = Range[Tidx=int32](zero, n, n)",
        "r = Range[Tidx=int32](zero, j, one)",
        "r = Identity[T=int32](i)",
        """b = TensorArrayV3[dtype=float](j)
        s = TensorArraySizeV3(b, b:1)
        r = Range[Tidx=int32](zero, s, one)""",
    ],
)
def test_any_other_gather_is_a_gather(indices, make_program):
    text = f"{indices}\ng = TensorArrayGatherV3[dtype=float](a, r, a:1)\nreturn g"
    after = _lower(_ARRAY + text, make_program)
    assert after["g"] == "TensorListGather[element_dtype=float](a, r, g/dims)"


@pytest.mark.parametrize("known", ["element_shape=[2]", "identical_element_shapes=true"])
def test_a_gather_that_may_take_an_element_twice_is_one_of_the_stack(known, make_program):
    text = f"""
        a = TensorArrayV3[dtype=float, clear_after_read=false, {known}](n)
        g = TensorArrayGatherV3[dtype=float](a, j, a:1)
        return g
    """
    after = _lower(_SOME + text, make_program)
    assert (
        after["g"] == "GatherV2[Taxis=int32, Tindices=int32, Tparams=float](g/stack, j, g/number)"
    )
    assert after["g/stack"] == "TensorListStack[element_dtype=float](a, g/dims)"


@pytest.mark.parametrize(
    ("dtype", "indices"),
    [
        ("int32", "r = Identity[T=int32](j)"),
        ("float", "r = Range[Tidx=int32](i, n, j)"),
        ("float", "r = Const[dtype=int32, value={numbers}]()"),
    ],
)
def test_a_gather_that_takes_no_gradient_twice_is_a_gather(dtype, indices, make_program):
    tensor = "dtype: DT_INT32 tensor_shape { dim { size: 2 } } int_val: 3 int_val: 1"
    numbers = f"{{tensor {{ {tensor} }}}}"
    text = f"""
        a = TensorArrayV3[dtype={dtype}, clear_after_read=false](n)
        {indices.format(numbers=numbers)}
        g = TensorArrayGatherV3[dtype={dtype}](a, r, a:1)
        return g
    """
    assert "TensorListGather" in _lower(_SOME + text, make_program)["g"]


@pytest.mark.parametrize(("flow", "op"), [("a:1", "Gather"), ("w", "Stack")])
def test_a_growing_array_is_stacked_up_to_its_size_at_that_time(flow, op, make_program):
    text = f"""
        a = TensorArrayV3[dtype=float, dynamic_size=true](n)
        s = TensorArraySizeV3(a, {flow})
        w = TensorArrayWriteV3[T=float](a, i, x, a:1)
        r = Range[Tidx=int32](zero, s, one)
        g = TensorArrayGatherV3[dtype=float](a, r, w)
        return g
    """
    assert _lower(_SOME + text, make_program)["g"].startswith(f"TensorList{op}[")


def test_concat(make_program):
    text = """
        a = TensorArrayV3[dtype=float](n)
        w = TensorArrayWriteV3[T=float](a, i, x, a:1)
        c = TensorArrayConcatV3[dtype=float, element_shape_except0=[3]](a, w)
        return c, c:1
    """
    after = _lower(_SOME + text, make_program)
    assert after["c"] == (
        "TensorListConcatV2[element_dtype=float, shape_type=int32](w, c/dims, c/leading_dims)"
    )
    assert after["c/dims"] == _shape_const(-1, 3) + "(^w)"
    assert "DT_INT64" in after["c/leading_dims"]
    assert after["return c, c:1"] == ""


def test_split(make_program):
    text = """
        l = _Arg[T=int64]()
        y = Identity[T=float](x)
        w = TensorArraySplitV3[T=float](a, y, l, a:1)
        r = TensorArrayReadV3[dtype=float](a, i, w)
        return r
    """
    after = _lower(_ARRAY + text, make_program)
    assert after["w"] == "TensorListSplit[element_dtype=float, shape_type=int32](y, w/dims, l)"
    assert after["w/dims"] == _shape_const(2, -1) + "(^y)"
    assert "a" not in after


def test_close(make_program):
    text = "c = TensorArrayCloseV3(a, ^p)\nr = TensorArraySizeV3(a, a:1, ^c)\nreturn r"
    assert _lower(_ARRAY + text, make_program)["c"] == "NoOp(^p)"


@pytest.mark.parametrize("size", ["rows", "shape_again"])
def test_a_scatter_of_all_rows_is_a_list_from_a_tensor(size, make_program):
    text = f"""
        same = Identity[T=float](x)
        other = Shape[T=float, out_type=int32](same)
        shape_again = StridedSlice[T=int32, Index=int32, shrink_axis_mask=1](
            other, begin, stride, stride)
        a = TensorArrayV3[dtype=float]({size})
        w = TensorArrayScatterV3[T=float](a, all, x, a:1)
        r = TensorArrayReadV3[dtype=float](a, i, w)
        return r
    """.replace("(\n            ", "(")
    after = _lower(_SOME + _ROWS + text, make_program)
    assert after["w"] == "TensorListFromTensor[element_dtype=float, shape_type=int32](x, w/dims)"
    assert "a" not in after


def test_a_scatter_of_all_rows_into_an_empty_growing_array(make_program):
    text = """
        a = TensorArrayV3[dtype=float, dynamic_size=true](zero)
        w = TensorArrayScatterV3[T=float](a, all, x, a:1)
        r = TensorArrayReadV3[dtype=float](a, i, w)
        return r
    """
    assert "TensorListFromTensor" in _lower(_SOME + _ROWS + text, make_program)["w"]


def test_a_scatter_into_a_part_of_a_fresh_array(make_program):
    text = """
        w = TensorArrayScatterV3[T=float](a, j, x, a:1)
        r = TensorArrayReadV3[dtype=float](a, i, w)
        return r
    """
    after = _lower(_ARRAY + text, make_program)
    assert after["w"] == (
        "TensorListScatterV2[element_dtype=float, shape_type=int32](x, j, w/dims, w/length)"
    )
    assert after["w/length"] == "TensorListLength(a)"


def test_a_scatter_that_makes_an_empty_array_grow(make_program):
    text = """
        a = TensorArrayV3[dtype=float, dynamic_size=true](zero)
        w = TensorArrayScatterV3[T=float](a, j, x, a:1)
        r = TensorArrayReadV3[dtype=float](a, i, w)
        return r
    """
    after = _lower(_SOME + text, make_program)
    assert after["w"].endswith("(x, j, w/dims, w/number)")
    assert "int_val: -1" in after["w/number"]


def test_a_scatter_beside_elements_checks_its_indices(make_program):
    text = """
        v = TensorArrayWriteV3[T=float](a, i, x, a:1)
        w = TensorArrayScatterV3[T=float](a, j, x, v)
        r = TensorArrayReadV3[dtype=float](a, i, w)
        return r
    """
    after = _lower(_ARRAY + text, make_program)
    assert after["w"] == ("TensorListScatterIntoExistingList[element_dtype=float](v, x, w/indices)")
    assert after["w/indices"].endswith("(w/range, j, w/number)")
    assert after["w/range"].endswith("(w/number, w/length, w/number_1)")


# Arrays that are tensors.

_STRINGS = """
    t = _Arg[T=string]()
    a = TensorArrayV3[dtype=string](n)
    all = Range[Tidx=int32](zero, n, one)
    w = TensorArrayScatterV3[T=string](a, all, t, a:1)
"""


def test_strings_that_are_only_read_stay_a_tensor(make_program):
    text = """
        f = Identity[T=float, _output_shapes={list { shape { } }}](w)
        r = TensorArrayReadV3[dtype=string](a, i, f)
        g = TensorArrayGatherV3[dtype=string](a, j, w)
        s = TensorArraySizeV3(a, w)
        return r, g, s
    """
    after = _lower(_SOME + _STRINGS + text, make_program)
    gather = "GatherV2[Taxis=int32, Tindices=int32, Tparams="
    assert after["w"] == "Identity[T=string](t)"
    assert after["f"] == "Identity[T=string](w)"
    assert after["r"] == f"{gather}string](f, i, r/number)"
    assert after["g"] == f"{gather}string](w, j, g/number)"
    assert after["s"] == f"{gather}int32](s/sizes, s/number, s/number)"
    assert after["s/sizes"] == "Shape[T=string, out_type=int32](w)"


def test_strings_of_which_there_may_be_more_than_the_array_holds(make_program):
    text = _STRINGS.replace("zero, n", "zero, j") + "r = TensorArrayReadV3[dtype=string](a, i, w)\n"
    after = _lower(_SOME + text + "return r", make_program)
    assert after["w"] == "Identity[T=string](t)"


@pytest.mark.parametrize(
    "use",
    [
        "u = TensorArrayWriteV3[T=string](a, i, t, w)\nr = TensorArraySizeV3(a, u)",
        "r = TensorArrayConcatV3[dtype=string](a, w)",
        """e = TensorArrayReadV3[dtype=string](a, i, a:1)
        r = TensorArrayReadV3[dtype=string](a, i, w, ^e)""",
    ],
    ids=["written", "concat", "read_before"],
)
def test_strings_that_need_a_list(use, make_program):
    after = _lower(_SOME + _STRINGS + use + "\nreturn r", make_program)
    assert "TensorListFromTensor" in after["w"]


def test_strings_of_an_array_whose_size_matters_need_a_list(make_program):
    text = _STRINGS.replace("zero, n", "zero, j") + "r = TensorArraySizeV3(a, w)\nreturn r"
    assert "TensorListScatterV2" in _lower(_SOME + text, make_program)["w"]


@pytest.mark.parametrize(
    ("dtype", "op"),
    [("string", "Identity"), ("int64", "Identity"), ("bool", "Identity"), ("uint8", "Identity"),
     ("half", "TensorList"), ("bfloat16", "TensorList"), ("double", "TensorList"),
     ("complex64", "TensorList")],
)  # fmt: skip
def test_what_has_gradients_is_a_list(dtype, op, make_program):
    text = _STRINGS.replace("string", dtype)
    text += f"r = TensorArrayReadV3[dtype={dtype}](a, i, w)\nreturn r"
    assert _lower(_SOME + text, make_program)["w"].startswith(op)


# Flows.


def test_all_that_passes_a_flow_on_takes_lists(make_program):
    text = """
        e = Enter[T=float, frame_name="f"](a:1)
        m = Merge[N=2, T=float, _output_shapes={list { shape { unknown_rank: true } shape { } }}](e, x1)
        c = LoopCond(q)
        q = Enter[T=bool, frame_name="f"](p)
        s = Switch[T=float](m, c)
        b = Identity[T=float](s:1)
        o = StopGradient[T=float](b)
        x1 = NextIteration[T=float](o)
        out = Exit[T=float](s)
        r = TensorArraySizeV3(a, out)
        return r
    """  # noqa: E501
    after = _lower(_ARRAY + text, make_program)
    for name in ("e", "m", "s", "b", "o", "x1", "out"):
        assert "T=variant" in after[name]
    assert "_output_shapes={list { shape { } shape { } }}" in after["m"]
    assert "T=bool" in after["q"]
    assert after["e"].endswith("(a)")


def test_a_constant_for_a_branch_waits_for_that_branch(make_program):
    text = """
        s = Switch[T=float](a:1, p)
        h = Switch[T=resource](a, p)
        k = Switch[T=int32](i, p)
        r = TensorArrayReadV3[dtype=float](h:1, k:1, s:1)
        return r
    """
    after = _lower(_ARRAY + text, make_program)
    assert after["r/dims"].endswith("(^r/branch, ^r/branch_1)")
    assert after["r/branch"] == "Identity[T=variant](s:1)"
    assert after["r/branch_1"] == "Identity[T=int32](k:1)"


def test_control_edges_from_handles_stay(make_program):
    text = """
        h = Identity[T=resource](a)
        r = TensorArraySizeV3(h, a:1, ^h, ^a)
        return r
    """
    after = _lower(_ARRAY + text, make_program)
    assert after["h"] == "Identity[T=variant](a)"
    assert after["r"] == "TensorListLength(a, ^h, ^a)"


def test_effects_behind_what_an_op_no_longer_takes_stay(make_program):
    text = """
        check = Assert[T={list { type: DT_FLOAT }}](p, x)
        s = TensorArraySizeV3(a, a:1)
        r = Range[Tidx=int32](zero, s, one, ^check)
        g = TensorArrayGatherV3[dtype=float](a, r, a:1)
        return g
    """
    assert "^r)" in _lower(_ARRAY + text, make_program)["g"]


def test_effects_behind_an_array_that_is_filled_at_once_stay(make_program):
    text = """
        check = Assert[T={list { type: DT_FLOAT }}](p, x)
        a = TensorArrayV3[dtype=float](rows, ^check)
        w = TensorArrayScatterV3[T=float](a, all, x, a:1)
        r = TensorArrayReadV3[dtype=float](a, i, w)
        return r
    """
    after = _lower(_SOME + _ROWS + text, make_program)
    assert "^a" in after["w"]
    assert after["a"].endswith("^check)")


def test_effects_that_the_op_waits_for_anyhow_add_no_edge(make_program):
    text = """
        check = Assert[T={list { type: DT_FLOAT }}](p, x)
        y = Identity[T=float](x, ^check)
        a = TensorArrayV3[dtype=float](rows, ^check)
        w = TensorArrayScatterV3[T=float](a, all, y, a:1)
        r = TensorArrayReadV3[dtype=float](a, i, w)
        return r
    """
    after = _lower(_SOME + _ROWS + text, make_program)
    assert after["w"].endswith("(y, w/dims)")


# Refusals.


@pytest.mark.parametrize("op", ["TensorArrayGradV3", "TensorArrayGradWithShape"])
def test_gradients_of_arrays_are_refused(op, make_program):
    more = ", n" if op == "TensorArrayGradWithShape" else ""
    text = f'g = {op}[source="s"](a, a:1{more})\nr = TensorArraySizeV3(g, g:1)\nreturn r'
    message = _refusal(_ARRAY + text, make_program)
    assert "contains the gradient of a TensorArray" in message
    assert "'g'" in message


@pytest.mark.parametrize("op", ["TensorArray", "TensorArrayV2"])
def test_old_versions_are_refused(op, make_program):
    message = _refusal(f"n = _Arg[T=int32]()\na = {op}[dtype=float](n)\nreturn a", make_program)
    assert f"op '{op}' is of a version that TensorFlow 1.0 replaced (at node 'a')" in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("return a:1", "a result is the handle or the flow"),
        ("return a", "a result is the handle or the flow"),
        ("f = Identity[T=float](a:1)\nreturn f", "a result is the handle or the flow"),
        ("y = Add[T=float](a:1, x)\nreturn y", "op 'Add' uses the handle or the flow"),
        ("y = AddN[N=2, T=float](a:1, x)\nreturn y", "op 'AddN' uses the handle or the flow"),
        ("y = Pack[N=1, T=resource](a)\nreturn y", "op 'Pack' uses the handle or the flow"),
        ("w = TensorArrayWriteV3[T=float](a, i, a:1, a:1)\nr = TensorArraySizeV3(a, w)\nreturn r",
         "op 'TensorArrayWriteV3' uses the handle or the flow"),
        ("r = TensorArraySizeV3(a, x)\nreturn r", "leads to no TensorArray, or to two"),
        ("h = _Arg[T=resource]()\nr = TensorArraySizeV3(h, a:1)\nreturn r",
         "leads to no TensorArray, or to two"),
        ("m = Merge[N=2, T=float](a:1, x)\nr = TensorArraySizeV3(a, m)\nreturn r",
         "leads to no TensorArray, or to two"),
        ("b = TensorArrayV3[dtype=float](n)\nr = TensorArraySizeV3(b, a:1)\nreturn r",
         "leads to no TensorArray, or to two"),
        ("""b = TensorArrayV3[dtype=float](n)
            m = Merge[N=2, T=float](a:1, b:1)
            r = TensorArraySizeV3(a, m)
            return r""", "either TensorArray"),
        ("""b = TensorArrayV3[dtype=float](n)
            m = Merge[N=2, T=resource](a, b)
            r = TensorArraySizeV3(m, a:1)
            return r""", "either TensorArray"),
        ("""v = TensorArrayWriteV3[T=float](a, i, x, a:1)
            l = _Arg[T=int64]()
            w = TensorArraySplitV3[T=float](a, x, l, v)
            r = TensorArraySizeV3(a, w)
            return r""",
         "a split goes into a TensorArray that may hold elements already (at node 'w')"),
        ("""b = TensorArrayV3[dtype=float, clear_after_read=false](n)
            g = TensorArrayGatherV3[dtype=float](b, j, b:1)
            return g""", "a gather may take an element twice"),
    ],
)  # fmt: skip
def test_refusals(text, message, make_program):
    assert message in _refusal(_ARRAY + text, make_program)


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
def test_scatters_whose_indices_nobody_would_check_are_refused(text, make_program):
    message = _refusal(_SOME + text + "\nr = TensorArraySizeV3(a, w)\nreturn r", make_program)
    assert "a scatter goes into a growing TensorArray" in message
    assert "'w'" in message


# Order.


@pytest.mark.parametrize(
    "second",
    [
        "w = TensorArrayWriteV3[T=float](a, j, x, a:1)",
        "f = Identity[T=float](a:1)\nw = TensorArrayWriteV3[T=float](a, j, x, f)",
        "s = Switch[T=float](a:1, p)\nw = TensorArrayWriteV3[T=float](a, j, x, s:1)",
    ],
)
def test_two_writes_from_one_flow_are_refused(second, make_program):
    text = f"""
        v = TensorArrayWriteV3[T=float](a, i, x, a:1)
        {second}
        r = TensorArrayReadV3[dtype=float](a, i, v)
        q = TensorArrayReadV3[dtype=float](a, j, w)
        return r, q
    """
    assert "changes what 'v' changes too" in _refusal(_ARRAY + text, make_program)


def test_writes_in_two_branches_are_fine(make_program):
    text = """
        s = Switch[T=float](a:1, p)
        same = Identity[T=bool](p)
        t = Switch[T=float](a:1, same)
        v = TensorArrayWriteV3[T=float](a, i, x, s:1)
        w = TensorArrayWriteV3[T=float](a, j, x, t)
        m = Merge[N=2, T=float](v, w)
        r = TensorArrayReadV3[dtype=float](a, i, m)
        return r
    """
    assert _lower(_ARRAY + text, make_program)["m"] == "Merge[N=2, T=variant](v, w)"


def test_a_read_that_follows_a_write_by_a_control_edge_is_refused(make_program):
    text = """
        w = TensorArrayWriteV3[T=float](a, i, x, a:1)
        r = TensorArrayReadV3[dtype=float](a, i, a:1, ^w)
        return r
    """
    assert "follows 'w' without seeing its result" in _refusal(_ARRAY + text, make_program)


def test_a_read_before_a_write_is_fine(make_program):
    text = """
        r = TensorArrayReadV3[dtype=float](a, i, a:1)
        w = TensorArrayWriteV3[T=float](a, j, r, a:1)
        q = TensorArrayReadV3[dtype=float](a, j, w)
        return q
    """
    assert "GetItem" in _lower(_ARRAY + text, make_program)["r"]


@pytest.mark.parametrize(("attr", "is_fine"), [("false", True), ("true", False)])
def test_the_size_of_an_older_flow_is_fine_for_an_array_that_does_not_grow(
    attr, is_fine, make_program
):
    text = f"""
        a = TensorArrayV3[dtype=float, dynamic_size={attr}](n)
        w = TensorArrayWriteV3[T=float](a, i, x, a:1)
        r = TensorArraySizeV3(a, a:1, ^w)
        return r
    """
    if is_fine:
        assert _lower(_SOME + text, make_program)["r"] == "TensorListLength(a, ^w)"
    else:
        assert "follows 'w'" in _refusal(_SOME + text, make_program)


_LOOP = """
    p_in = Enter[T=bool, frame_name="f"](p)
    i_in = Enter[T=int32, frame_name="f"](i)
    x_in = Enter[T=float, frame_name="f"](x)
    h_in = Enter[T=resource, frame_name="f"](a)
    a_in = Enter[T=float, frame_name="f"](a:1)
    m = Merge[N=2, T=float]({first}, next)
    c = LoopCond(p_in)
    s = Switch[T=float](m, c)
    b = Identity[T=float](s:1)
    {body}
    next = NextIteration[T=float]({last})
    out = Exit[T=float](s)
"""


def test_a_loop_that_writes_into_an_array_that_it_does_not_carry_is_refused(make_program):
    text = _LOOP.format(
        first="x_in",
        body="w = TensorArrayWriteV3[T=float](h_in, i_in, b, a_in)\ny = Identity[T=float](b, ^w)",
        last="y",
    )
    message = _refusal(_ARRAY + text + "return out", make_program)
    assert "changes it in a loop that does not carry it" in message
    assert "'w'" in message


_CARRIED = _LOOP.format(
    first="a_in", body="w = TensorArrayWriteV3[T=float](h_in, i_in, x_in, b)", last="w"
)


def test_a_loop_that_carries_what_it_writes_is_fine(make_program):
    text = _CARRIED + "r = TensorArrayReadV3[dtype=float](a, i, out)\nreturn r"
    assert _lower(_ARRAY + text, make_program)["w"] == (
        "TensorListSetItem[element_dtype=float](b, i_in, x_in)"
    )


def test_reading_the_flow_from_before_a_loop_after_it_is_refused(make_program):
    text = _CARRIED + "r = TensorArrayReadV3[dtype=float](a, i, a:1, ^out)\nreturn r"
    assert "follows 'm' without seeing its result" in _refusal(_ARRAY + text, make_program)


def test_a_loop_may_carry_an_array_that_it_only_reads(make_program):
    body = "v = TensorArrayReadV3[dtype=float](h_in, i_in, b)\ny = Identity[T=float](b, ^v)"
    text = _LOOP.format(first="a_in", body=body, last="y")
    text += "r = TensorArrayReadV3[dtype=float](a, i, a:1, ^out)\nreturn r"
    assert "GetItem" in _lower(_ARRAY + text, make_program)["v"]


# Lengths.


@pytest.mark.parametrize(
    ("ref", "length"),
    [
        ("zero", 0),
        ("same", 0),
        ("rows", ("rows", TensorRef("x"))),
        ("cast_rows", ("rows", TensorRef("x"))),
        ("range_rows", TensorRef("n")),
        ("first", 0),
        ("second", TensorRef("second")),
        ("n", TensorRef("n")),
        ("out", TensorRef("out")),
    ],
)
def test_lengths(ref, length):
    text = """
        same = Identity[T=int32](zero)
        cast = Cast[SrcT=float, DstT=int32](x)
        cast_shape = Shape[T=int32](cast)
        cast_rows = StridedSlice[T=int32, Index=int32, shrink_axis_mask=1](cast_shape, begin, stride, stride)
        numbers = Range[Tidx=int32](zero, n, one)
        numbers_shape = Shape[T=int32](numbers)
        range_rows = StridedSlice[T=int32, Index=int32, shrink_axis_mask=1](numbers_shape, begin, stride, stride)
        first = StridedSlice[T=int32, Index=int32, shrink_axis_mask=1](begin, begin, stride, stride)
        second = StridedSlice[T=int32, Index=int32, shrink_axis_mask=1](shape, stride, stride, stride)
        out = Exit[T=int32](zero)
    """  # noqa: E501
    nodes = parse_graph(_SOME + _ROWS + text).nodes
    assert length_of(nodes, TensorRef(ref)) == length


# Execution: what V1 computes with arrays, and what it computes with the lists.


@pytest.fixture(autouse=True)
def _v1_control_flow():
    """Builds loops, conditionals and arrays as TensorFlow 1 does."""
    was_enabled = v1.control_flow_v2_enabled()
    v1.disable_control_flow_v2()
    yield
    if was_enabled:
        v1.enable_control_flow_v2()


def _read_graph(build):
    with tf.Graph().as_default() as graph:
        outputs = tf.nest.flatten(build())
    graph_def = graph.as_graph_def(add_shapes=True)
    return query.drop_dead(
        Graph(
            serde.nodes_from_graph_def(graph_def),
            args=(),
            results=tuple(TensorRef.parse(output.name) for output in outputs),
            producer=graph_def.versions.producer,
        )
    )


def _run(graph, feeds):
    graph_def = serde.graph_def_from_nodes(graph.nodes.values(), graph.producer)
    with tf.Graph().as_default(), v1.Session() as session:
        names = [str(ref) for ref in graph.results]
        outputs = tf.import_graph_def(graph_def, name="", return_elements=names)
        return session.run(outputs, {f"{name}:0": value for name, value in feeds.items()})


def _input(name, *shape, dtype=tf.float32):
    return v1.placeholder(dtype, shape, name=name)


def _lists(build, make_program):
    lowered = lower_tensor_arrays(_read_graph(build), make_program())
    check.check_graph(lowered, absent=op_facts.TENSOR_ARRAY_OPS)
    return lowered


def _ops(graph):
    return {node.op for node in graph.nodes.values() if "TensorList" in node.op}


def _compare(build, feeds, make_program):
    """Runs both, and returns the results and the kinds of list ops."""
    expected = _run(_read_graph(build), feeds)
    lowered = _lists(build, make_program)
    for one, other in zip(expected, _run(lowered, feeds), strict=True):
        np.testing.assert_array_equal(one, other, strict=True)
    return expected, {op.removeprefix("TensorList") for op in _ops(lowered)}


def _with_flow(array, flow):
    return tensor_array_ops.build_ta_with_new_flow(array, flow)


_X = np.arange(12, dtype=np.float32).reshape(4, 3) + 1


def _doubled_rows():
    x = _input("x", None, 3)
    rows = tf.shape(x)[0]
    source = tf.TensorArray(tf.float32, rows).unstack(x)
    made = tf.TensorArray(tf.float32, rows)

    def body(i, made):
        return i + 1, made.write(i, source.read(i) * 2.0)

    _, made = v1.while_loop(lambda i, _: i < rows, body, (0, made))
    return made.stack()


@pytest.mark.parametrize("rows", [0, 1, 4])
def test_a_loop_over_rows(rows, make_program):
    (result,), ops = _compare(_doubled_rows, {"x": _X[:rows]}, make_program)
    np.testing.assert_array_equal(result, _X[:rows] * 2)
    assert ops == {"FromTensor", "GetItem", "Reserve", "SetItem", "Stack"}


def test_a_loop_in_a_loop_with_writes_in_a_branch(make_program):
    def build():
        x = _input("x", 4, 3)
        array = tf.TensorArray(tf.float32, 12, element_shape=[])

        def inner(i, j, flow):
            here = _with_flow(array, flow)
            write = lambda: here.write(i * 3 + j, x[i, j]).flow  # noqa: E731
            return i, j + 1, v1.cond(tf.equal(j % 2, 0), write, lambda: tf.identity(flow))

        def outer(i, flow):
            _, _, flow = v1.while_loop(lambda _i, j, _f: j < 3, inner, (i, 0, flow))
            return i + 1, flow

        _, flow = v1.while_loop(lambda i, _: i < 4, outer, (0, array.flow))
        return _with_flow(array, flow).gather(tf.range(12))

    (result,), _ = _compare(build, {"x": _X}, make_program)
    expected = _X.copy()
    expected[:, 1] = 0  # Never written.
    np.testing.assert_array_equal(result.reshape(4, 3), expected)


@pytest.mark.parametrize("branch", [False, True])
def test_a_conditional(branch, make_program):
    def build():
        x, p = _input("x", 3), _input("p", dtype=tf.bool)
        array = tf.TensorArray(tf.float32, 2, element_shape=[3]).write(0, x)
        flow = v1.cond(p, lambda: array.write(1, array.read(0) + 1).flow, lambda: array.flow)
        return _with_flow(array, flow).read(1), array.size()

    (result, _), _ = _compare(build, {"x": _X[0], "p": branch}, make_program)
    np.testing.assert_array_equal(result, (_X[0] + 1) * branch)


def test_a_growing_array(make_program):
    def build():
        x = _input("x", None, 3)
        array = tf.TensorArray(tf.float32, 0, dynamic_size=True, clear_after_read=False)

        def body(i, array):
            return i + 1, array.write(i * 2, x[i])

        _, array = v1.while_loop(lambda i, _: i < tf.shape(x)[0], body, (0, array))
        return array.size(), array.read(2), array.gather([0, 1, 6]), array.stack()

    (size, *_), ops = _compare(build, {"x": _X}, make_program)
    assert size == 7
    assert {"Length", "Gather", "Stack"} <= ops


@pytest.mark.parametrize("infer_shape", [False, True])
def test_split_and_concat(infer_shape, make_program):
    lengths = [2, 2] if infer_shape else [1, 3]

    def build():
        x = _input("x", 4, 3)
        array = tf.TensorArray(tf.float32, 2, infer_shape=infer_shape, clear_after_read=False)
        array = array.split(x, lengths)
        return array.concat(), array.read(1)

    (whole, part), ops = _compare(build, {"x": _X}, make_program)
    np.testing.assert_array_equal(whole, _X)
    np.testing.assert_array_equal(part, _X[lengths[0] :])
    assert ops == {"Split", "ConcatV2", "GetItem"}


def test_concat_in_a_loop_gives_lengths(make_program):
    def build():
        x = _input("x", None, 3)
        array = tf.TensorArray(tf.float32, 3, infer_shape=False)
        _, array = v1.while_loop(
            lambda i, _: i < 3, lambda i, array: (i + 1, array.write(i, x[:i])), (0, array)
        )
        return tf.raw_ops.TensorArrayConcatV3(
            handle=array.handle, flow_in=array.flow, dtype=tf.float32
        )

    (_, lengths), _ = _compare(build, {"x": _X}, make_program)
    assert lengths.tolist() == [0, 1, 2]


def _scattered():
    x, i = _input("x", 2, 3), _input("i", 2, dtype=tf.int32)
    array = tf.TensorArray(tf.float32, 5, element_shape=[3], clear_after_read=False)
    array = array.scatter(i, x)
    more = array.scatter([1], x[:1])
    return more.stack(), more.gather([1, 1, 4])


def test_scatter(make_program):
    (result, _), ops = _compare(_scattered, {"x": _X[:2], "i": [4, 0]}, make_program)
    np.testing.assert_array_equal(result[[0, 1, 4]], _X[[1, 0, 0]])
    assert {"ScatterV2", "ScatterIntoExistingList"} <= ops


@pytest.mark.parametrize("indices", [[5, 0], [-1, 2]])
def test_a_scatter_beyond_the_end_stays_an_error(indices, make_program):
    graph = _read_graph(_scattered)
    for each in (graph, lower_tensor_arrays(graph, make_program())):
        with pytest.raises(tf.errors.InvalidArgumentError):
            _run(each, {"x": _X[:2], "i": indices})


def _scattered_beside():
    x, i = _input("x", 2, 3), _input("i", 2, dtype=tf.int32)
    array = tf.TensorArray(tf.float32, 5, element_shape=[3]).write(3, x[0])
    return array.scatter(i, x).stack()


@pytest.mark.parametrize("indices", [[5, 0], [-1, 2], [1, 1 << 30]])
def test_a_scatter_beside_elements_beyond_the_end_stays_an_error(indices, make_program):
    graph = _read_graph(_scattered_beside)
    for each in (graph, lower_tensor_arrays(graph, make_program())):
        with pytest.raises(tf.errors.InvalidArgumentError):
            _run(each, {"x": _X[:2], "i": indices})


def _written_and_read():
    i, j = _input("i", dtype=tf.int32), _input("j", dtype=tf.int32)
    array = tf.TensorArray(tf.float32, 2, element_shape=[3])
    return array.write(i, _X[0]).read(j)


@pytest.mark.parametrize(("i", "j"), [(2, 0), (-1, 0), (0, 2), (0, -1)])
def test_other_indices_beyond_the_end_stay_errors(i, j, make_program):
    graph = _read_graph(_written_and_read)
    for each in (graph, lower_tensor_arrays(graph, make_program())):
        with pytest.raises(tf.errors.InvalidArgumentError):
            _run(each, {"i": i, "j": j})


@pytest.mark.parametrize("element_shape", [[3], None])
def test_what_was_not_written_is_zero(element_shape, make_program):
    def build():
        x = _input("x", 3)
        array = tf.TensorArray(tf.float32, 2, element_shape=element_shape)
        return array.write(0, x).read(1)

    (result,), _ = _compare(build, {"x": _X[0]}, make_program)
    assert result.tolist() == [0, 0, 0]


def test_strings_in_a_loop(make_program):
    def build():
        x = _input("x", None, dtype=tf.string)
        count = tf.shape(x)[0]
        source = tf.TensorArray(tf.string, count).unstack(x)
        made = tf.TensorArray(tf.int32, count)

        def body(i, made):
            return i + 1, made.write(i, tf.strings.length(source.read(i)))

        _, made = v1.while_loop(lambda i, _: i < count, body, (0, made))
        return made.stack(), source.size()

    words = np.array([b"a", b"", b"word"], object)
    (lengths, _), ops = _compare(build, {"x": words}, make_program)
    assert lengths.tolist() == [1, 0, 4]
    assert "FromTensor" not in ops


def test_an_array_that_is_made_in_a_loop(make_program):
    def build():
        x = _input("x", None, 3)

        def body(i, total):
            array = tf.TensorArray(tf.float32, i + 1, element_shape=[3]).write(i, x[i])
            return i + 1, total + tf.reduce_sum(array.stack(), axis=0)

        return v1.while_loop(lambda i, _: i < tf.shape(x)[0], body, (0, tf.zeros(3)))[1]

    (result,), _ = _compare(build, {"x": _X}, make_program)
    np.testing.assert_array_equal(result, _X.sum(axis=0))


def test_effects_stay(make_program):
    def build():
        x = _input("x", None, 3)
        is_short = v1.assert_less(tf.shape(x)[0], 4)
        with tf.control_dependencies([is_short]):
            array = tf.TensorArray(tf.float32, tf.shape(x)[0]).unstack(x)
        is_long = v1.assert_greater(tf.shape(x)[0], 1)
        with tf.control_dependencies([is_long]):
            return array.stack()

    graph = _read_graph(build)
    lowered = lower_tensor_arrays(graph, make_program())
    np.testing.assert_array_equal(_run(lowered, {"x": _X[:3]})[0], _X[:3])
    for rows in (1, 4):
        for each in (graph, lowered):
            with pytest.raises(tf.errors.InvalidArgumentError, match="assertion failed"):
                _run(each, {"x": _X[:rows]})


def _gradient(graph, feeds):
    graph_def = serde.graph_def_from_nodes(graph.nodes.values(), graph.producer)
    with tf.Graph().as_default(), v1.Session() as session:
        names = [*(str(ref) for ref in graph.results), "x:0"]
        *outputs, x = tf.import_graph_def(graph_def, name="", return_elements=names)
        losses = [tf.reduce_sum(tf.sin(output)) for output in outputs]
        (gradient,) = v1.gradients(losses, [x])
        return session.run(gradient, {f"{name}:0": value for name, value in feeds.items()})


def _all_ops_without_control_flow():
    x = _input("x", 4, 3)
    keep = {"clear_after_read": False}
    rows = tf.TensorArray(tf.float32, 4, **keep).unstack(x)
    parts = tf.TensorArray(tf.float32, 2, infer_shape=False, **keep).split(x, [1, 3])
    some = tf.TensorArray(tf.float32, 5, element_shape=[3], **keep).scatter([4, 2], x[:2])
    some = some.scatter([1], x[2:3])
    made = tf.TensorArray(tf.float32, 0, dynamic_size=True, **keep).write(1, x[0]).write(0, x[1])
    from_rows = [rows.read(1), rows.gather([1, 1, 3]), rows.gather([0, 1]), rows.stack()]
    from_some = [some.gather([1, 4]), some.stack()]
    return [*from_rows, *from_some, parts.read(1), parts.concat(), made.stack(), made.read(1)]


def test_gradients_without_control_flow(make_program):
    # A GraphDef lacks the loop contexts that V1 differentiates loops by.
    _compare(_all_ops_without_control_flow, {"x": _X}, make_program)
    graph = _read_graph(_all_ops_without_control_flow)
    expected = _gradient(graph, {"x": _X})
    lowered = lower_tensor_arrays(graph, make_program())
    np.testing.assert_allclose(_gradient(lowered, {"x": _X}), expected, rtol=1e-6)


def test_names_are_kept(make_program):
    graph = _read_graph(_doubled_rows)
    lowered = lower_tensor_arrays(graph, make_program())
    new = {name for name in lowered.nodes if name not in graph.nodes}
    assert new
    assert all(re.fullmatch(r".*/(dims|branch|number|length|stack)(_\d+)?", name) for name in new)
    assert lowered.results == graph.results
