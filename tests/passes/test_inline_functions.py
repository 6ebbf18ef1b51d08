import pytest

from converter import errors, limits
from converter.ir.text import format_graph, parse_graph
from converter.passes import inline_functions as module
from converter.passes.inline_functions import inline_functions

_TYPED = '{func { name: "typed" attr { key: "T" value { type: DT_DOUBLE } } }}'


@pytest.fixture(scope="module")
def square(make_function):
    return make_function("square", {"x": "float"}, "y = Mul[T=float](x, x)", {"z": "y:z:0"})


@pytest.fixture
def inline(make_program):
    """`inline(text, *functions)` returns the text of the graph after the pass."""

    def run(text, *functions, **fields):
        library = {function.signature.name: function for function in functions}
        program = make_program(functions=library, **fields)
        return format_graph(inline_functions(parse_graph(text), program))

    return run


def test_the_example_of_the_docstring(docstring_example, make_program, square):
    before, after = docstring_example(module)
    assert inline_functions(before, make_program(functions={"square": square})) == after


def test_a_function_called_twice_is_placed_twice(inline, square, as_text):
    text = "a = _Arg()\nb = square(a)\nc = square(b)\nd = Add(b, c)\nreturn d"
    after = """
        a = _Arg()
        b/y = Mul[T=float](a, a)
        b = NoOp(^b/y)
        c/y = Mul[T=float](b/y, b/y)
        c = NoOp(^c/y)
        d = Add(b/y, c/y)
        return d
    """
    expected = "".join(
        f"{line}\n"
        for line in as_text(after).splitlines()
        if "NoOp" not in line  # nothing waits for the calls
    )
    assert inline(text, square) == expected


def test_nested_calls_are_inlined_to_the_ground(inline, square, make_function, as_text):
    fourth = make_function(
        "fourth", {"x": "float"}, "s = square(x)\nt = square(s:z:0)", {"out": "t:z:0"}
    )
    after = """
        a = _Arg()
        call/s/y = Mul[T=float](a, a)
        call/t/y = Mul[T=float](call/s/y, call/s/y)
        return call/t/y
    """
    assert inline("a = _Arg()\ncall = fourth(a)\nreturn call", square, fourth) == as_text(after)


def test_several_outputs_and_outputs_of_lists(inline, make_function, as_text):
    parts = make_function(
        "parts",
        {"x": "float"},
        "axis = Const[dtype=int32]()\ns = Split[T=float, num_split=2](axis:output:0, x)\n"
        "u = Unique[T=float, out_idx=int32](x)",
        {"second": "s:output:1", "ids": "u:idx:0", "first": "s:output:0"},
    )
    text = "a = _Arg()\nc = parts(a)\nreturn c:2, c:1, c:0"
    after = """
        a = _Arg()
        c/axis = Const[dtype=int32]()
        c/s = Split[T=float, num_split=2](c/axis, a)
        c/u = Unique[T=float, out_idx=int32](a)
        return c/s, c/u:1, c/s:1
    """
    assert inline(text, parts) == as_text(after)


def test_a_result_that_is_an_argument(inline, make_function, as_text):
    swap = make_function("swap", {"x": "float", "y": "float"}, "", {"one": "y", "two": "x"})
    text = "a = _Arg()\nb = _Arg()\nc = swap(a, b)\nd = swap(c:0, c:1)\nreturn c:0, d:0"
    assert inline(text, swap) == as_text("a = _Arg()\nb = _Arg()\nreturn b, a")


def test_a_call_whose_body_is_empty_still_waits_for_its_control_inputs(
    inline, make_function, as_text
):
    same = make_function("same", {"x": "float"}, "", {"out": "x"})
    text = """
        a = _Arg()
        before = NoOp()
        call = same(a, ^before)
        after = Neg(a, ^call)
        return after
    """
    after = """
        a = _Arg()
        before = NoOp()
        call = NoOp(^before)
        after = Neg(a, ^call)
        return after
    """
    assert inline(text, same) == as_text(after)


def test_control_edges_in_reach_the_first_nodes_and_edges_out_leave_the_last(
    inline, make_function, as_text
):
    body = "c = Const[dtype=float]()\nm = Mul[T=float](x, c:output:0)\nn = Neg[T=float](m:z:0)"
    function = make_function("f", {"x": "float"}, body, {"out": "n:y:0"})
    text = "a = _Arg()\nb = NoOp()\ncall = f(a, ^b)\nend = NoOp(^call)\nreturn call\ntarget end"
    after = """
        a = _Arg()
        b = NoOp()
        call/c = Const[dtype=float](^b)
        call/m = Mul[T=float](a, call/c)
        call/n = Neg[T=float](call/m)
        call = NoOp(^call/n)
        end = NoOp(^call)
        return call/n
        target end
    """
    assert inline(text, function) == as_text(after)


def test_control_edges_from_arguments_inside_of_a_body_vanish(inline, make_function):
    function = make_function("f", {"x": "float"}, "n = Neg[T=float](x, ^x)", {"out": "n:y:0"})
    assert "call/n = Neg[T=float](a)\n" in inline("a = _Arg()\ncall = f(a)\nreturn call", function)


def test_stateful_bodies_become_targets(inline, make_function, as_text):
    function = make_function(
        "f",
        {"x": "float"},
        "p = Assert[T=(float)](x, x)\nn = Neg[T=float](x)",
        {"out": "n:y:0"},
        stateful=True,
    )
    after = """
        a = _Arg()
        call/p = Assert[T=(float)](a, a)
        call/n = Neg[T=float](a)
        call = NoOp(^call/n, ^call/p)
        return call/n
        target call
    """
    assert inline("a = _Arg()\ncall = f(a)\nreturn call", function) == as_text(after)


def test_effects_two_calls_deep_become_targets(inline, make_function):
    inner = make_function(
        "inner", {"x": "float"}, "p = Print[T=float, U={list { }}](x)", {"out": "x"}, stateful=True
    )
    outer = make_function("outer", {"x": "float"}, "c = inner(x)", {"out": "x"}, stateful=True)
    after = inline("a = _Arg()\ncall = outer(a)\nreturn call", inner, outer)
    assert "call/c/p = Print" in after
    assert after.endswith("return a\ntarget call\n")


def test_control_outputs_become_targets(inline, make_function):
    function = make_function(
        "f", {"x": "float"}, "n = Neg[T=float](x)", {"out": "x"}, control_ret=("n",)
    )
    after = inline("a = _Arg()\ncall = f(a)\nreturn call", function)
    assert "call = NoOp(^call/n)" in after
    assert after.endswith("target call\n")


def test_pure_bodies_become_no_targets(inline, square):
    assert "target" not in inline("a = _Arg()\ncall = square(a)\nreturn call", square)


def test_a_call_without_effects_in_a_stateful_body_is_no_target(inline, square, make_function):
    body = 'c = StatefulPartitionedCall[f={func { name: "square" }}](x)'
    outer = make_function("outer", {"x": "float"}, body, {"out": "x"}, stateful=True)
    after = inline("a = _Arg()\ncall = outer(a)\nreturn call", square, outer)
    assert after == "a = _Arg()\nreturn a\n"


def test_targets_of_the_graph_stay(inline, square):
    assert inline("a = _Arg()\ncall = square(a)\ntarget call", square).endswith("target call\n")


# Names.


def test_new_nodes_do_not_take_the_names_of_others(inline, square, as_text):
    text = "a = _Arg()\ncall = square(a)\ncall/y = Neg(call)\nreturn call/y"
    after = """
        a = _Arg()
        call_1/y = Mul[T=float](a, a)
        call/y = Neg(call_1/y)
        return call/y
    """
    assert inline(text, square) == as_text(after)


def test_nor_of_nodes_of_the_program_that_the_graph_has_not(square, make_program):
    program = make_program("call/y = VarHandleOp()", functions={"square": square})
    graph = parse_graph("a = _Arg()\ncall = square(a)\nreturn call")
    assert inline_functions(graph, program).results[0].node == "call_1/y"


_LOOP = """
    e = Enter[T=float, frame_name="f"](x)
    m = Merge[T=float, N=2](e:output:0, n:output:0)
    l = LoopCond(m:value_index:0)
    s = Switch[T=float](m:output:0, l:output:0)
    n = NextIteration[T=float](s:output_true:0)
    o = Exit[T=float](s:output_false:0)
"""


def test_each_call_of_a_function_with_a_v1_loop_has_a_frame_of_its_own(inline, make_function):
    loop = make_function("loop", {"x": "float"}, _LOOP, {"out": "o:output:0"})
    text = """
        a = _Arg()
        other = Enter[T=float, frame_name="b/f"](a)
        b = loop(a)
        c = loop(b)
        d = Exit(other)
        return c, d
    """
    after = inline(text, loop)
    assert 'b_1/e = Enter[T=float, frame_name="b_1/f"](a)' in after
    assert 'c/e = Enter[T=float, frame_name="c/f"](b_1/o, ^b)' in after
    assert "b_1/m = Merge[N=2, T=float](b_1/e, b_1/n)" in after


def test_constants_of_a_function_called_in_a_v1_loop_belong_to_it(inline, make_function):
    one = make_function("one", {"x": "float"}, "c = Const[dtype=float]()", {"out": "c:output:0"})
    twice = make_function("twice", {"x": "float"}, "b = one(x)", {"out": "b:out:0"})
    text = """
        a = _Arg()
        e = Enter[T=float, frame_name="f"](a)
        before = Identity(e)
        b = twice(e)
        c = twice(e, ^before)
        d = twice(a)
        return b, c, d
    """
    after = inline(text, one, twice)
    assert "b/b/c = Const[dtype=float](^e)" in after
    assert "c/b/c = Const[dtype=float](^before)" in after
    assert "d/b/c = Const[dtype=float]()" in after


# Calls among V1 control flow.


_LOUD = ({"x": "float"}, "p = PrintV2(x)", {"out": "x"})


def test_effects_in_a_v1_branch_are_waited_for_where_it_ends(inline, make_function, as_text):
    loud = make_function("loud", *_LOUD, stateful=True)
    text = """
        a = _Arg()
        p = _Arg()
        s = Switch(a, p)
        y = loud(s:1)
        m = Merge(s, y)
        return m
    """
    after = """
        a = _Arg()
        p = _Arg()
        s = Switch(a, p)
        y/p = PrintV2(s:1)
        y/result_0 = Identity[T=float](s:1, ^y/p)
        m = Merge(s, y/result_0)
        return m
        target m
    """
    assert inline(text, loud) == as_text(after)


def test_so_are_those_in_a_v1_branch_of_a_function(inline, make_function):
    loud = make_function("loud", *_LOUD, stateful=True)
    body = """
        s = Switch[T=float](x, p)
        y = loud(s:output_true:0)
        m = Merge[T=float, N=2](s:output_false:0, y:out:0)
    """
    outer = make_function(
        "outer", {"x": "float", "p": "bool"}, body, {"out": "m:output:0"}, stateful=True
    )
    after = inline("a = _Arg()\nb = _Arg()\nc = outer(a, b)\nreturn c", loud, outer)
    assert "c/m = Merge[N=2, T=float](c/s, c/y/result_0)\nc = NoOp(^c/m)\nreturn c/m" in after
    assert after.endswith("target c\n")


@pytest.mark.parametrize("op", ["PartitionedCall", "StatefulPartitionedCall"])
def test_call_ops_name_their_function_in_an_attribute(op, inline, square):
    text = f'a = _Arg()\ncall = {op}[f={{func {{ name: "square" }}}}](a)\nreturn call'
    assert "call/y = Mul[T=float](a, a)" in inline(text, square)


@pytest.mark.parametrize(
    "call",
    [
        "typed[T=double](a)",
        f"PartitionedCall[f={_TYPED}](a)",
    ],
)
def test_attributes_of_the_call_stand_in_for_placeholders(call, inline, make_function):
    typed = make_function(
        "typed", {"x": "$T"}, 'n = Neg[T={placeholder: "T"}](x)', {"out": "n:y:0"},
        results={"out": "$T"},
    )  # fmt: skip
    assert "call/n = Neg[T=double](a)" in inline(f"a = _Arg()\ncall = {call}\nreturn call", typed)


# Refusals.


def test_recursion_is_refused(inline, make_function):
    one = make_function("one", {"x": "float"}, "c = two(x)", {"out": "c:out:0"})
    two = make_function("two", {"x": "float"}, "d = one(x)", {"out": "d:out:0"})
    with pytest.raises(errors.FormatError, match="function 'one' calls itself") as caught:
        inline("a = _Arg()\ncall = one(a)\nreturn call", one, two)
    assert caught.value.node == "d"


def test_recursion_through_a_branch_is_refused(inline, make_function):
    branches = 'then_branch={func { name: "f" }}, else_branch={func { name: "f" }}'
    types = "Tin={list { type: DT_FLOAT }}, Tout={list { type: DT_FLOAT }}, Tcond=float"
    body = f"c = If[{types}, {branches}](x, x)"
    function = make_function("f", {"x": "float"}, body, {"out": "c:output:0"})
    with pytest.raises(errors.FormatError, match="function 'f' calls itself") as caught:
        inline("a = _Arg()\ncall = f(a)\nreturn call", function)
    assert caught.value.node == "c"


def test_a_call_that_names_no_function_is_refused(inline, make_function):
    function = make_function("f", {"x": "float"}, "c = PartitionedCall(x)", {"out": "x"})
    with pytest.raises(errors.FormatError, match="lacks a function in attribute 'f'") as caught:
        inline("a = _Arg()\ncall = f(a)\nreturn call", function)
    assert caught.value.node == "c"


def test_a_cycle_in_a_body_is_refused(inline, make_function):
    same = make_function("same", {"x": "float"}, "", {"out": "x"})
    body = "c = same(d:out:0)\nd = same(c:out:0)"
    ring = make_function("ring", {"x": "float"}, body, {"out": "c:out:0"})
    with pytest.raises(errors.FormatError, match="has a cycle"):
        inline("a = _Arg()\ncall = ring(a)\nreturn call", same, ring)


def test_a_control_edge_to_nowhere_in_a_body_is_refused(inline, make_function):
    body = make_function("f", {"x": "float"}, "n = NoOp(^gone)", {"out": "x"})
    with pytest.raises(errors.FormatError, match="refers to node 'gone'"):
        inline("a = _Arg()\ncall = f(a)\nreturn call", body)


def test_calls_of_calls_without_end_are_refused(inline, make_function):
    functions = [
        make_function(f"f{level}", {"x": "float"}, f"c = f{level + 1}(x)", {"out": "c:out:0"})
        for level in range(limits.MAX_CALL_DEPTH + 1)
    ]
    last = make_function(f"f{len(functions)}", {"x": "float"}, "", {"out": "x"})
    with pytest.raises(errors.FormatError, match=f"is over {limits.MAX_CALL_DEPTH} calls deep"):
        inline("a = _Arg()\ncall = f0(a)\nreturn call", *functions, last)
    assert inline("a = _Arg()\ncall = f9(a)\nreturn call", *functions, last)


def test_a_wrong_number_of_arguments_is_refused(inline, square):
    with pytest.raises(errors.FormatError, match="takes 1 arguments, the call passes 2") as caught:
        inline("a = _Arg()\ncall = square(a, a)\nreturn call", square)
    assert caught.value.node == "call"


def test_a_function_that_is_not_there_is_refused(inline):
    with pytest.raises(errors.FormatError, match="function 'gone' is not in the library") as caught:
        inline('a = _Arg()\ncall = PartitionedCall[f={func { name: "gone" }}](a)\nreturn call')
    assert caught.value.node == "call"


@pytest.mark.parametrize(
    "call", ["square(a, ^n)", 'PartitionedCall[f={func { name: "square" }}](a, ^n)']
)
def test_a_call_of_a_function_with_a_gradient_of_its_own_stays(call, inline, square, as_text):
    text = "a = _Arg()\nn = NoOp()\ncall = {}\ny = Neg(call, ^call)\nreturn y"
    kept = '_CustomGradient[key="square", outputs=1](a, ^n)'
    after = inline(text.format(call), square, gradients={"square": "square_grad"})
    assert after == as_text(text.format(kept))


_IF = (
    "If[Tcond=bool, Tin={list { type: DT_FLOAT }}, Tout={list { type: DT_FLOAT }},"
    ' then_branch={func { name: "BRANCH" }}, else_branch={func { name: "BRANCH" }}](p, a)'
)


def test_and_it_stays_in_a_branch_too(inline, square, make_function):
    branch = make_function("branch", {"x": "float"}, "c = square(x)", {"out": "c:z:0"})
    text = f"p = _Arg()\na = _Arg()\nif = {_IF.replace('BRANCH', 'branch')}\nreturn if"
    after = inline(text, square, branch, gradients={"square": "square_grad"})
    kept = '_CustomGradient[key="square", outputs=1](if/input_0:1, ^if/pivot_t)'
    assert f"if/then/c = {kept}\n" in after


def test_a_branch_is_differentiated_as_the_ops_that_it_is_made_of(inline, square):
    text = f"p = _Arg()\na = _Arg()\nif = {_IF.replace('BRANCH', 'square')}\nreturn if"
    after = inline(text, square, gradients={"square": "square_grad"})
    assert "if/then/y = Mul[T=float](if/input_0:1, if/input_0:1, ^if/pivot_t)\n" in after


def test_such_a_call_needs_the_right_arguments_too(inline, square):
    with pytest.raises(errors.FormatError, match="takes 1 arguments, the call passes 0") as caught:
        inline("call = square()\nreturn call", square, gradients={"square": "square_grad"})
    assert caught.value.node == "call"


@pytest.mark.parametrize("op", ["MapDefun", "For", "SymbolicGradient", "RemoteCall"])
@pytest.mark.parametrize("call", ["", "call = square(a)\n"])
@pytest.mark.parametrize(
    "attr", ['{func { name: "square" }}', '{list { func { name: "square" } }}']
)
def test_a_function_given_to_another_op_is_refused(op, call, attr, inline, square):
    text = f"a = _Arg()\n{call}m = {op}[f={attr}](a)\nreturn m"
    with pytest.raises(errors.UnsupportedOpError, match="takes a function in attribute") as caught:
        inline(text, square)
    assert caught.value.node == "m"


def test_it_does_nothing_because_nothing_is_called(make_program, square):
    before = parse_graph("a = _Arg()\nb = Neg(a)\nreturn b")
    assert inline_functions(before, make_program(functions={"square": square})) is before


def test_overrides_in_the_body_of_a_call_go_as_tf1_does_not_look_at_them(inline, make_function):
    function = make_function(
        "f", {"x": "float"}, 'n = Neg[T=float, _gradient_op_type="Identity"](x)', {"out": "n:y:0"}
    )
    after = inline("a = _Arg()\ncall = f(a)\nreturn call", function)
    assert "call/n = Neg[T=float](a)" in after


def test_overrides_in_a_branch_stay(inline, make_function):
    sides = [
        make_function(
            name, {"x": "float"}, 'n = Neg[T=float, _gradient_op_type="Tanh"](x)', {"out": "n:y:0"}
        )
        for name in ("yes", "no")
    ]
    after = inline(
        """
        p = _Arg[T=bool]()
        a = _Arg[T=float]()
        call = If[Tcond=bool, Tin={list { type: DT_FLOAT }}, Tout={list { type: DT_FLOAT }},
                  then_branch={func { name: "yes" }}, else_branch={func { name: "no" }}](p, a)
        return call
        """.replace("\n                  ", " "),
        *sides,
    )
    assert after.count('_gradient_op_type="Tanh"') == 2


def test_a_call_whose_gradient_is_that_of_another_op_is_refused(inline, square):
    text = 'a = _Arg()\ncall = square[_gradient_op_type="{}"](a)\nreturn call'
    with pytest.raises(errors.UnsupportedOpError, match="for a function"):
        inline(text.format("Identity"), square)
    assert "call/y = Mul" in inline(text.format("PartitionedCall-12"), square)
