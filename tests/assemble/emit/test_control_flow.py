"""Loops and branches."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from assemble.emit.regions import (
    SCALAR,
    State,
    X,
    gradient_at,
    make_body,
    make_branch,
    make_carried,
    make_loop,
    make_nodes,
    run_items,
    run_text,
)

from converter import errors
from converter.assemble.emit import emit
from converter.ir.graph import TensorRef
from converter.ir.region import Branch, Region


def test_a_loop():
    assert run_items("xn", [make_loop()], ["last"], 3.0, 20.0) == [24]
    assert run_items("xn", [make_loop()], ["last"], 3.0, 2.0) == [3]


def test_nodes_before_and_after_a_loop():
    items = [*make_nodes("x = Neg[T=float](y)"), make_loop(), *make_nodes("z = Neg[T=float](last)")]
    assert run_items("yn", items, ["z", "last", "y"], -3.0, 20.0) == [-24, 24, -3]


def test_values_that_a_loop_carries_and_nobody_uses_afterwards():
    loop = make_loop(
        carried=(make_carried("v", "x"), make_carried("w", "n", "last")),
        body=make_body("half = Sub[T=float](w, v)\nreturn v, half", "vw"),
        predicate=make_body("more = Less[T=float](v, w)\nreturn more", "vw"),
    )
    assert run_items("xn", [loop], ["last"], 3.0, 10.0) == [1]


def test_a_limit_and_parallel_iterations_are_given_to_the_loop():
    region = Region(("x", "n", "k"), (make_loop(maximum_iterations=TensorRef("k")),), ())
    state = State()
    function = tf.function(lambda *a: emit(region, a, state), autograph=False)
    concrete = function.get_concrete_function(*map(tf.constant, (1.0, 9.0, 2)))
    (loop,) = [op for op in concrete.graph.get_operations() if "While" in op.type]
    assert loop.get_attr("parallel_iterations") == 10
    assert run_items("xnk", region.items, ["last"], 1.0, 100.0, 2) == [4]


@pytest.mark.parametrize(("limit", "expected"), [(0, 1), (2, 4), (100, 128), (2**31 - 1, 128)])
def test_a_limit_may_be_a_number(limit, expected):
    loop = make_loop(maximum_iterations=limit)
    assert run_items("xn", [loop], ["last"], 1.0, 100.0) == [expected]


@pytest.mark.parametrize("limit", [4, TensorRef("k")])
def test_the_gradient_of_a_loop_with_a_limit_has_it_too(limit):
    """XLA compiles such a gradient, and no other."""
    loop, state = make_loop(maximum_iterations=limit), State()
    assert gradient_at([loop], "last", 3.0, 20.0, True, 4) == 8

    @tf.function(jit_compile=True, autograph=False)
    def compiled(x, n):
        with tf.GradientTape() as tape:
            tape.watch(x)
            items = [*make_nodes(f"k = {SCALAR % 4}()"), loop]
            (y,) = emit(Region(("x", "n"), tuple(items), (TensorRef("last"),)), [x, n], state)
        return tape.gradient(y, x)

    assert compiled(tf.constant(3.0), tf.constant(20.0)) == 8


def test_a_limit_whose_shape_is_not_known():
    region = Region(("x", "n", "k"), (make_loop(maximum_iterations=TensorRef("k")),),
                    (TensorRef("last"),))  # fmt: skip
    specs = [tf.TensorSpec((), tf.float32)] * 2 + [tf.TensorSpec(None, tf.int32)]
    state = State()
    function = tf.function(
        lambda *a: emit(region, a, state), autograph=False, input_signature=specs
    )
    assert function(tf.constant(1.0), tf.constant(100.0), tf.constant(2))[0] == 4


def test_shapes_that_change_from_one_iteration_to_the_next():
    grow = "axis = Const[dtype=int32, value={tensor { dtype: DT_INT32 tensor_shape { } }}]()\n"
    grow += "w = ConcatV2[N=2, T=float, Tidx=int32](v, v, axis)\nreturn w"
    size = "s = Size[T=float, out_type=int32](v)\nmore = Less[T=int32](s, n)\nreturn more"
    for shape in [(None,), None]:
        loop = make_loop(
            carried=(make_carried("v", "x", "last", shape),),
            predicate=make_body(size, ["v"]),
            body=make_body(grow, ["v"]),
        )
        (last,) = run_items("xn", [loop], ["last"], [1.0, 2.0], 5)
        np.testing.assert_array_equal(last, [1, 2] * 4)


def test_a_shape_that_the_body_does_not_know_is_checked_when_it_runs():
    hide = "w = PlaceholderWithDefault[dtype=float, shape=[...]](t)\nreturn w"
    loop = make_loop(body=make_body(f"t = AddV2[T=float](v, v)\n{hide}", ["v"]))
    assert run_items("xn", [loop], ["last"], 3.0, 20.0) == [24]
    vector = [make_carried("v", "x", "last", (3,))]
    other = "k = Const[dtype=bool, value={tensor { dtype: DT_BOOL tensor_shape { } bool_val: true"
    wrong = make_loop(
        carried=tuple(vector),
        predicate=make_body(other + " }}]()\nreturn k", ["v"]),
        body=make_body("t = ConcatV2[N=2, T=float, Tidx=int32](v, v, z)\n" + hide, ["v"]),
    )
    zero = make_nodes(
        "z = Const[dtype=int32, value={tensor { dtype: DT_INT32 tensor_shape { } }}]()"
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"is not compatible with.*\[3\]"):
        run_items("x", [*zero, wrong], ["last"], [1.0, 2.0, 3.0])


def test_a_shape_that_cannot_be_kept_is_a_conversion_error():
    loop = make_loop(carried=(make_carried("v", "x", "last", (3,)),))
    with pytest.raises(errors.ConversionError, match="TensorFlow rejects the graph"):
        run_items("xn", [loop], ["last"], [1.0, 2.0], 5.0)


@pytest.mark.parametrize(("value", "expected"), [(True, -3.0), (False, 3.0)])
def test_a_branch(value, expected):
    branch = make_branch("a = Neg[T=float](x)\nreturn a", "return x", "m")
    assert run_items("px", [branch], ["m"], value, 3.0) == [expected]


@pytest.mark.parametrize(("value", "expected"), [(True, [-3, 1]), (False, [3, 0])])
def test_several_outputs_among_them_the_number_of_the_input(value, expected):
    text = """
        x = _Arg[T=float]()
        p = _Arg[T=bool]()
        s = Switch[T=float](x, p)
        a = Neg[T=float](s:1)
        m = Merge[T=float, N=2](s, a)
        return m, m:1
    """
    assert run_text(text, tf.constant(3.0), tf.constant(value)) == expected


def test_a_branch_for_its_effect_alone():
    add = 'w = _Variable[key="w"]()\nu = AssignAddVariableOp[dtype=float](w, x)'
    for value, expected in [(True, [11, 22]), (False, [10, 20])]:
        state = State()
        run_items("px", [make_branch(add, "")], ["x"], value, X, state=state)
        np.testing.assert_array_equal(state.value, expected)


def test_a_loop_in_a_branch_in_a_loop():
    inner = make_loop(carried=(make_carried("w", "v", "inner"),), predicate=make_body(
        "k = Less[T=float](w, n)\nreturn k", "w"), body=make_body(
        "t = AddV2[T=float](w, w)\nreturn t", "w"))  # fmt: skip
    then = Region((), (inner,), (TensorRef("inner"),))
    otherwise = make_body("less = Sub[T=float](v, one)\nreturn less")
    branch = Branch(TensorRef("big"), then, otherwise, (TensorRef("m"),))
    body = Region(("v",), (*make_nodes("big = Less[T=float](ten, v)"), branch), (TensorRef("m"),))
    outer = make_loop(predicate=make_body("k = Less[T=float](v, n)\nreturn k", "v"), body=body)
    args = ["x", "n", "ten", "one"]
    assert run_items(args, [outer], ["last"], 12.0, 90.0, 10.0, 1.0) == [96]


@pytest.mark.parametrize(
    "bad",
    [
        make_loop(predicate=make_body("more = Less[T=double](v, n)\nreturn more", ["v"])),
        make_loop(body=make_body("y = Cast[SrcT=float, DstT=int32](v)\nreturn y", ["v"])),
        make_loop(parallel_iterations=0),
        make_loop(predicate=make_body("return v", ["v"])),
        dataclasses.replace(make_branch("return x", "return x", "last"), predicate=TensorRef("x")),
        make_branch("a = Cast[SrcT=float, DstT=int32](x)\nreturn a", "return x", "last"),
    ],
    ids=["predicate", "body", "parallel_iterations", "no bool", "no bool either", "branch"],
)
def test_what_tensorflow_rejects_inside_is_a_conversion_error(bad):
    with pytest.raises(errors.ConversionError, match="TensorFlow rejects the graph") as caught:
        run_items("xnp", [bad], ["last"], 1.0, 3.0, True)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", ["int32", "float"])
@pytest.mark.parametrize("kind", ["loop", "branch"])
def test_a_condition_that_is_no_bool_is_refused(kind, dtype):
    """TensorFlow would take it, as V1 would not."""
    args = f"x = _Arg[T={dtype}]()\n"
    text = {
        "branch": f"s = Switch[T={dtype}](x, x)\nm = Merge[T={dtype}, N=2](s, s:1)\nreturn m",
        "loop": f"""
            e = Enter[T={dtype}, frame_name="f"](x)
            v = Merge[T={dtype}, N=2](e, n)
            k = LoopCond(v)
            s = Switch[T={dtype}](v, k)
            y = Neg[T={dtype}](s:1)
            n = NextIteration[T={dtype}](y)
            last = Exit[T={dtype}](s)
            return last
        """,
    }
    with pytest.raises(errors.ConversionError, match=f"a condition has dtype {dtype}") as caught:
        run_text(args + text[kind], tf.constant(0, "float32" if dtype == "float" else dtype))
    assert "TensorFlow rejects the graph" in str(caught.value)
