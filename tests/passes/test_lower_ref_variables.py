import pytest

from converter import errors
from converter.ir.text import format_graph, parse_graph
from converter.passes import lower_ref_variables as module
from converter.passes.lower_ref_variables import lower_ref_variables

_V = "v = VariableV2[dtype=float, shape=[4]]()\nx = _Arg[T=float]()\n"
_H = "v = VarHandleOp[dtype=float, shape=[4]]()\nx = _Arg[T=float]()\n"


@pytest.fixture
def lower(make_program):
    """`lower(text)` returns the text of the graph after the pass."""
    return lambda text: format_graph(lower_ref_variables(parse_graph(text), make_program()))


def test_the_example_of_the_docstring(docstring_example, make_program):
    before, after = docstring_example(module)
    assert lower_ref_variables(before, make_program()) == after


def test_it_does_nothing_because_variables_are_resources(make_program):
    before = parse_graph(
        "v = VarHandleOp()\nx = _Arg()\nu = AssignVariableOp(v, x)\nr = ReadVariableOp(v)\nreturn r"
    )
    assert lower_ref_variables(before, make_program()) is before


@pytest.mark.parametrize("op", ["Variable", "VariableV2"])
def test_a_variable_becomes_a_handle_and_keeps_dtype_and_shape(op, lower):
    attrs = 'container="", dtype=half_ref, shape=[2,?], shared_name="s"'
    assert lower(f"v = {op}[{attrs}]()\nr = Identity[T=half](v)\nreturn r") == (
        "v = VarHandleOp[dtype=half_ref, shape=[2,?]]()\n"
        "r = ReadVariableOp[dtype=half](v)\n"
        "return r\n"
    )


# Uses of the value.


def test_an_identity_becomes_a_read_with_its_control_inputs(lower):
    text = _V + "n = NoOp()\nr = Identity[T=float](v, ^n)\ny = Neg(r)\nreturn y\n"
    assert lower(text) == _H + (
        "n = NoOp()\nr = ReadVariableOp[dtype=float](v, ^n)\ny = Neg(r)\nreturn y\n"
    )


def test_another_use_reads_just_before_with_the_control_inputs_of_the_user(lower):
    text = _V + "n = NoOp()\ny = Mul[T=float](v, x, ^n)\nreturn y\n"
    assert lower(text) == _H + (
        "n = NoOp()\ny/read = ReadVariableOp[dtype=float](v, ^n, ^x)\n"
        "y = Mul[T=float](y/read, x, ^n)\nreturn y\n"
    )


def test_two_uses_by_one_node_share_one_read(lower):
    assert lower(_V + "y = Mul(v, v)\nreturn y\n") == (
        _H + "y/read = ReadVariableOp[dtype=float](v)\ny = Mul(y/read, y/read)\nreturn y\n"
    )


def test_two_users_read_twice(lower):
    after = lower(_V + "a = Neg(v)\nb = Exp(v)\nreturn a, b\n")
    assert "a/read = ReadVariableOp[dtype=float](v)" in after
    assert "b/read = ReadVariableOp[dtype=float](v)" in after


def test_a_result_that_is_a_ref_is_read(lower):
    assert lower(_V + "return v\n") == (
        _H + "v/result = ReadVariableOp[dtype=float](v)\nreturn v/result\n"
    )


def test_a_name_in_use_is_not_taken(lower):
    after = lower(_V + "y/read = Neg(x)\ny = Mul(v, y/read)\nreturn y\n")
    assert "y/read_1 = ReadVariableOp[dtype=float](v, ^y/read)" in after
    assert "y = Mul(y/read_1, y/read)" in after


# Changes.


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Assign[T=float, use_locking=true, validate_shape=false](v, x)",
         "AssignVariableOp[dtype=float, validate_shape=false](v, x)"),
        ("AssignAdd[T=float, use_locking=true](v, x)", "AssignAddVariableOp[dtype=float](v, x)"),
        ("AssignSub[T=float](v, x)", "AssignSubVariableOp[dtype=float](v, x)"),
        *(
            (f"{op}[T=float, Tindices=int32, use_locking=true](v, i, x)",
             f"Resource{op}[Tindices=int32, dtype=float](v, i, x)")
            for op in ("ScatterAdd", "ScatterDiv", "ScatterMax", "ScatterMin", "ScatterMul",
                       "ScatterSub", "ScatterUpdate")
        ),
        *(
            (f"{op}[T=float, Tindices=int32, use_locking=true](v, i, x)",
             f"Resource{op}[T=float, Tindices=int32, use_locking=true](v, i, x)")
            for op in ("ScatterNdAdd", "ScatterNdMax", "ScatterNdMin", "ScatterNdSub",
                       "ScatterNdUpdate")
        ),
        ("StridedSliceAssign[Index=int32, T=float, shrink_axis_mask=1](v, i, i, i, x)",
         "ResourceStridedSliceAssign[Index=int32, T=float, shrink_axis_mask=1](v, i, i, i, x)"),
        ("ApplyGradientDescent[T=float](v, x, x)",
         "ResourceApplyGradientDescent[T=float](v, x, x)"),
    ],
)  # fmt: skip
def test_a_change_takes_the_handle_and_its_output_is_read_after_it(before, after, lower):
    ids = "i = _Arg[T=int32]()\n"
    assert lower(f"{_V}{ids}u = {before}\nreturn u\n") == (
        f"{_H}{ids}u = {after}\nu/result/value = ReadVariableOp[dtype=float](v, ^u)\n"
        "u/result = StopGradient[T=float](u/result/value)\nreturn u/result\n"
    )


def test_count_up_to_returns_a_value(lower):
    text = "v = VariableV2[dtype=int64, shape=[]]()\nc = CountUpTo[T=int64, limit=9](v)\nreturn c\n"
    assert lower(text) == (
        "v = VarHandleOp[dtype=int64, shape=[]]()\nc = ResourceCountUpTo[T=int64, limit=9](v)\n"
        "return c\n"
    )


def test_is_variable_initialized_returns_a_value(lower):
    assert lower(_V + "c = IsVariableInitialized[dtype=float](v)\nreturn c\n") == (
        _H + "c = VarIsInitializedOp(v)\nreturn c\n"
    )


def test_a_change_that_is_a_target_is_not_read(lower):
    assert "ReadVariableOp" not in lower(_V + "u = Assign[T=float](v, x)\nreturn x\ntarget u\n")


def test_a_change_by_the_variable_s_own_value(lower):
    after = lower(_V + "u = AssignAdd[T=float](v, v)\ntarget u\n")
    assert (
        "u/read = ReadVariableOp[dtype=float](v)\nu = AssignAddVariableOp[dtype=float](v, u/read)"
        in after
    )


# Order.


def test_what_waits_for_a_change_reads_after_it(lower):
    after = lower(_V + "u = Assign[T=float](v, x)\nr = Identity[T=float](v, ^u)\nreturn r\n")
    assert "r = ReadVariableOp[dtype=float](v, ^u)" in after


def test_what_does_not_wait_for_a_change_is_not_made_to(lower):
    after = lower(_V + "u = Assign[T=float](v, x)\nr = Identity[T=float](v)\nreturn r\ntarget u\n")
    assert "r = ReadVariableOp[dtype=float](v)\n" in after


def test_changes_of_changes_run_in_their_order(lower):
    after = lower(
        _V + "a = Assign[T=float](v, x)\nb = AssignAdd[T=float](a, x)\n"
        "c = AssignSub[T=float](b, x)\nreturn c\n"
    )
    assert "b = AssignAddVariableOp[dtype=float](v, x, ^a)" in after
    assert "c = AssignSubVariableOp[dtype=float](v, x, ^b)" in after
    assert "ReadVariableOp[dtype=float](v, ^c)" in after


def test_a_node_that_uses_a_ref_and_the_change_of_it_sees_the_change_in_both(lower):
    # V1 looks at both refs when Mul runs, which is after the change.
    after = lower(_V + "u = AssignAdd[T=float](v, x)\ny = Mul(v, u)\nreturn y\n")
    assert "y/read = ReadVariableOp[dtype=float](v, ^u)" in after


def test_a_change_waits_for_the_changes_of_all_its_refs(lower):
    text = (
        _V + "m = VariableV2[dtype=float, shape=[4]]()\nnew = Assign[T=float](m, x)\n"
        "u = ApplyMomentum[T=float](v, new, x, x, x)\ntarget u\n"
    )
    assert "u = ResourceApplyMomentum[T=float](v, m, x, x, x, ^new)" in lower(text)


def test_ref_identities_hand_the_ref_on(lower):
    text = _V + (
        "n = NoOp()\ni = RefIdentity(v, ^n)\nj = RefIdentity(i)\nu = Assign[T=float](j, x)\n"
        "r = Identity[T=float](j)\nreturn r\ntarget u\n"
    )
    after = lower(text)
    assert "i = NoOp(^n)\n" in after
    assert "j = NoOp(^i)\n" in after
    assert "u = AssignVariableOp[dtype=float](v, x, ^j)" in after
    assert "r = ReadVariableOp[dtype=float](v, ^j)" in after


# Gradients.


def test_no_gradient_leads_through_the_output_of_a_change_but_through_plain_reads(lower):
    after = lower(_V + "u = Assign[T=float](v, x)\na = Neg(u)\nb = Neg(v)\nreturn a, b\n")
    assert "a = Neg(a/read)" in after
    assert "a/read = StopGradient[T=float](a/read/value)" in after
    assert "b/read = ReadVariableOp[dtype=float](v)" in after


# Refusals.


def test_a_change_that_resource_variables_lack_is_refused(lower):
    with pytest.raises(errors.UnsupportedOpError, match=r"'DestroyTemp.*' changes a V1") as caught:
        lower(_V + "d/estroy = DestroyTemporaryVariable[T=float](v)\nreturn d/estroy")
    assert caught.value.node == "d/estroy"


def test_an_op_whose_first_input_is_no_ref_is_refused(lower):
    with pytest.raises(errors.UnsupportedOpError, match="'RefSelect' changes a V1") as caught:
        lower(_V + "i = Const()\ns/elect = RefSelect[N=2](i, v, v)\nreturn s/elect")
    assert caught.value.node == "s/elect"


def test_a_ref_to_something_else_is_refused(lower):
    with pytest.raises(errors.UnsupportedOpError, match="changes something that is no") as caught:
        lower(_V + "q = Neg(x)\nu = Assign[T=float](q, v)\ntarget u")
    assert caught.value.node == "u"


# Control flow.

_P = _V + "p = _Arg[T=bool]()\n"


def test_a_switch_of_a_ref_steers_the_handle(lower):
    text = _P + (
        "s = RefSwitch[T=float_ref, _output_shapes={list { }}](v, p)\n"
        "u = Assign[T=float](s:1, x)\ny = Neg(s)\nreturn y\ntarget u\n"
    )
    after = lower(text)
    assert "s = Switch[T=resource](v, p)\n" in after
    assert "u = AssignVariableOp[dtype=float](s:1, x)\n" in after
    assert "y/read = ReadVariableOp[dtype=float](s)\ny = Neg(y/read)\n" in after


def test_an_enter_and_an_exit_of_a_ref_steer_the_handle(lower):
    text = _V + (
        'e = RefEnter[T=float, frame_name="f", is_constant=true](v)\n'
        "u = AssignAdd[T=float](e, x)\no = RefExit[T=float](e, ^u)\nr = Identity[T=float](o)\n"
        "return r\n"
    )
    after = lower(text)
    assert 'e = Enter[T=resource, frame_name="f", is_constant=true](v)\n' in after
    assert "u = AssignAddVariableOp[dtype=float](e, x)\n" in after
    assert "o = Exit[T=resource](e, ^u)\nr = ReadVariableOp[dtype=float](o)\n" in after


def test_where_refs_meet_each_side_reads(lower):
    text = _P + (
        "s = RefSwitch[T=float](v, p)\nu = Assign[T=float](s:1, x)\n"
        "m = RefMerge[T=float, N=2](s, u)\ny = Neg(m)\nz = Neg(m:1)\nreturn y, z\n"
    )
    after = lower(text)
    assert "m/read = ReadVariableOp[dtype=float](s)\n" in after
    assert "m/read_1/value = ReadVariableOp[dtype=float](s:1, ^u)\n" in after
    assert "m/read_1 = StopGradient[T=float](m/read_1/value)\n" in after
    assert "m = Merge[N=2, T=float](m/read, m/read_1)\ny = Neg(m)\nz = Neg(m:1)\n" in after


def test_a_read_before_a_merge_waits_for_nothing_of_the_other_side(lower):
    text = _P + (
        "s = RefSwitch[T=float](v, p)\nt = Switch[T=float](x, p)\n"
        "m = Merge[T=float, N=2](s, t:1)\nreturn m\n"
    )
    assert "m/read = ReadVariableOp[dtype=float](s)\nm = Merge" in lower(text)


@pytest.mark.parametrize("op", ["Switch[T=float](v, p)", 'Enter[T=float, frame_name="f"](v)'])
def test_steering_the_value_of_a_ref_reads_before(op, lower):
    after = lower(_P + f"s = {op}\ny = Neg(s)\nreturn y\n")
    assert f"s/read = ReadVariableOp[dtype=float](v)\ns = {op.replace('(v', '(s/read')}\n" in after


def test_ref_control_flow_of_other_values_becomes_plain(lower):
    after = lower(_P + "s = RefSwitch[T=float](x, p)\nm = RefMerge[N=2, T=float](s, s:1)\n"
                  "y = Mul(m, v)\nreturn y\n")  # fmt: skip
    assert "s = Switch[T=float](x, p)\nm = Merge[N=2, T=float](s, s:1)\n" in after


def test_a_loop_that_carries_a_ref_is_refused(lower):
    text = _V + (
        'e = RefEnter[T=float, frame_name="f"](v)\nn/ext = RefNextIteration[T=float](e)\n'
        "m = RefMerge[T=float, N=2](e, n/ext)\nreturn m\n"
    )
    with pytest.raises(errors.UnsupportedOpError, match="carries a V1 variable by ref") as caught:
        lower(text)
    assert caught.value.node == "n/ext"


_CARRIED = _P + (
    'e = RefEnter[T=float, frame_name="f"](v)\n'
    'c = RefEnter[T=float, frame_name="f", is_constant=true](v)\n'
    "m = RefMerge[T=float, N=2](e, n)\ns = RefSwitch[T=float](m, p)\n"
    "i = Identity[T=float](s:1{})\nn = NextIteration[T=float](i)\no = Exit[T=float](s)\n"
    "return o\n"
)


def test_a_loop_carries_the_value_of_a_ref_that_does_not_change(lower):
    after = lower(_CARRIED.format(""))
    assert "e/read = ReadVariableOp[dtype=float](v)\n" not in after
    assert "m = Merge[N=2, T=float](m/read, n)\n" in after
    assert "s = Switch[T=float](m, p)\ni = Identity[T=float](s:1)\n" in after


@pytest.mark.parametrize(
    "change",
    [
        "u = AssignAdd[T=float](c, x)\n",  # in the loop
        "u = Assign[T=float](v, x)\ntarget u\n",  # beside it
        "w = RefSwitch[T=float](v, p)\nu = AssignSub[T=float](w:1, x)\ntarget u\n",
    ],
)
def test_a_loop_that_carries_a_ref_that_changes_is_refused(change, lower):
    text = _CARRIED.format(", ^u" if "target" not in change else "") + change
    with pytest.raises(errors.UnsupportedOpError, match="a loop carries V1 variable 'v'") as caught:
        lower(text)
    assert caught.value.node == "m"


def test_a_loop_that_carries_another_ref_than_the_one_that_changes(lower):
    text = _CARRIED.format("") + "o/ther = VariableV2[dtype=float, shape=[4]]()\n"
    after = lower(text + "u = Assign[T=float](o/ther, x)\ntarget u\n")
    assert "u = AssignVariableOp[dtype=float](o/ther, x)\n" in after


@pytest.mark.parametrize("op", ["Assign[T=float](m, x)", "ScatterAdd[T=float](m, x, x)"])
def test_a_change_of_what_came_from_either_side_is_refused(op, lower):
    text = f"s = RefSwitch[T=float](v, p)\nm = RefMerge[N=2, T=float](s, s:1)\nu = {op}\ntarget u\n"
    with pytest.raises(errors.UnsupportedOpError, match="changes something that is no") as caught:
        lower(_P + text)
    assert caught.value.node == "u"


# Damaged graphs.


@pytest.mark.parametrize(
    "user", ["Identity[T=int32](v)", "Assign[T=int32](v, v)", "RefSwitch[T=int32](v, p)"]
)
def test_a_user_that_says_another_dtype_is_refused(user, make_program):
    graph = parse_graph(_V + f"p = _Arg[T=bool]()\nu = {user}\nreturn u")
    with pytest.raises(errors.FormatError, match="'u'") as caught:
        lower_ref_variables(graph, make_program())
    assert "takes a V1 variable of dtype float32, expected int32" in str(caught.value)


def test_control_flow_of_refs_becomes_plain_even_if_there_is_no_variable(lower):
    after = lower("x = _Arg[T=float]()\np = _Arg[T=bool]()\ns = RefSwitch[T=float](x, p)\nreturn s")
    assert "s = Switch[T=float](x, p)" in after


def test_a_change_is_refused_even_if_there_is_no_variable(make_program):
    graph = parse_graph("x = _Arg[T=float]()\nu = Assign[T=float](x, x)\nreturn u")
    with pytest.raises(errors.UnsupportedOpError, match="something that is not a variable"):
        lower_ref_variables(graph, make_program())
