"""The order in which ops with effects run."""

import numpy as np
from assemble.emit.regions import (
    State,
    X,
    make_body,
    make_branch,
    make_carried,
    make_loop,
    make_nodes,
    run_items,
)

_ADD = "u = AssignAddVariableOp[dtype=float](w, x)"


_W = 'w = _Variable[key="w"]()'


_READ = "r = ReadVariableOp[dtype=float](w, ^{0})"


def test_a_loop_and_a_branch_wait_for_nodes_before_them():
    read = "r = ReadVariableOp[dtype=float](w)\nreturn r"
    before = make_nodes(f"{_W}\n{_ADD}")
    branch = make_branch(read, read, "m", control_inputs=("u",))
    state = State()
    (result,) = run_items("px", [*before, branch], ["m"], True, X, state=state)
    np.testing.assert_array_equal(result, [11, 22])
    once = make_body("k = Less[T=float](c, n)\nreturn k", "cv")
    body = make_body("one = AddV2[T=float](c, n)\n" + read.replace("return ", "return one, "), "cv")
    carried = (make_carried("c", "z"), make_carried("v", "x", "last", (2,)))
    loop = make_loop(carried=carried, predicate=once, body=body, control_inputs=("u",))
    (result,) = run_items("xnz", [*before, loop], ["last"], X, 1.0, 0.0)
    np.testing.assert_array_equal(result, [11, 22])


def test_nodes_wait_for_a_loop_and_a_branch_before_them():
    add = f"{_ADD}\nb = Identity[T=float](x, ^u)\nreturn b"
    branch = make_branch(add, "return x", "m")
    items = [*make_nodes(_W), branch, *make_nodes(_READ.format("m"))]
    (result,) = run_items("px", items, ["r"], True, X)
    np.testing.assert_array_equal(result, [11, 22])
    carried = (make_carried("c", "z", "last"),)
    body = make_body("one = AddV2[T=float](c, n)\n" + _ADD + "\nreturn one", "c")
    loop = make_loop(
        carried=carried, predicate=make_body("k = Less[T=float](c, n)\nreturn k", "c"), body=body
    )
    items = [*make_nodes(_W), loop, *make_nodes(_READ.format("last"))]
    (result,) = run_items("xnz", items, ["r"], X, 1.0, 0.0)
    np.testing.assert_array_equal(result, [11, 22])


def test_nodes_wait_for_nodes_of_an_earlier_run():
    branch = make_branch("a = Neg[T=float](x)\nreturn a", "return x", "m")
    for op in (_ADD, _ADD + "\ng = NoOp(^u)"):  # neither gives a tensor
        name = "g" if "g =" in op else "u"
        items = [*make_nodes(f"{_W}\n{op}"), branch, *make_nodes(_READ.format(name))]
        (result,) = run_items("px", items, ["r"], True, X)
        np.testing.assert_array_equal(result, [11, 22])
