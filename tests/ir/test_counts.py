import pytest

from converter.ir.counts import count_control_flow

_COND = """
    x = Placeholder[dtype=float]()
    p = Placeholder[dtype=bool]()
    {name}/Switch = Switch[T=bool](p, p)
    {name}/pred_id = Identity[T=bool](p)
    {name}/Switch_1 = Switch[T=float](x, {name}/pred_id)
    {name}/Merge = Merge[T=float, N=2]({name}/Switch_1, {name}/Switch_1:1)
    {name}/Merge_1 = Merge[T=float, N=2]({name}/Switch_1, {name}/Switch_1:1)
"""
_LOOP = """
    x = Placeholder[dtype=float]()
    e = Enter[T=float, frame_name="f"](x)
    m = Merge[T=float, N=2](e, n)
    less = IsFinite[T=float](m)
    c = LoopCond(less)
    s = Switch[T=float](m, c)
    n = NextIteration[T=float](s:1)
"""


@pytest.mark.parametrize(
    ("text", "loops", "conditionals", "arrays"),
    [
        ("x = Placeholder[dtype=float]()", 0, 0, 0),
        (_COND.format(name="cond"), 0, 1, 0),
        (_COND.format(name="a") + _COND.format(name="b"), 0, 2, 0),
        ("x = P()\np = P()\ns = Switch(x, p)\nt = Switch(x, p)\nm = Merge(s, t:1)", 0, 1, 0),
        ("x = P()\np = P()\nq = P()\ns = Switch(x, p)\nt = RefSwitch(x, q)", 0, 2, 0),
        (_LOOP, 1, 0, 0),
        ("p = P()\na = If(p)\nb = StatelessCase(p)\nc = While(p)\nd = For(p)", 2, 2, 0),
        ("n = P()\na = TensorArrayV3(n)\nb = TensorArrayV3(n)", 0, 0, 2),
    ],
)
def test_a_graph(text, loops, conditionals, arrays, make_program):
    counts = count_control_flow(make_program(text))
    assert counts == {"loops": loops, "conditionals": conditionals, "tensor_arrays": arrays}


def test_functions_count(make_program, make_function):
    body = """
        i = Identity[T=bool](p)
        s = Switch[T=float](x, i:output:0)
        m = Merge[T=float, N=2](s:output_false:0, s:output_true:0)
    """
    function = make_function("f", {"x": "float", "p": "bool"}, body, {"y": "m:output:0"})
    counts = count_control_flow(make_program(functions={"f": function}))
    assert counts["conditionals"] == 1


def test_damaged_nodes_do_not_matter(make_program):
    text = "i = Identity()\nj = Identity(j)\ns = Switch(i)\nt = Switch(gone, j)\nu = Switch(j, i)"
    assert count_control_flow(make_program(text))["conditionals"] == 2
