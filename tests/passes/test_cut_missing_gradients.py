import pytest

from converter.ir.graph import VariableSpec
from converter.ir.text import format_graph, parse_graph
from converter.passes import cut_missing_gradients as module
from converter.passes.cut_missing_gradients import cut_missing_gradients

_ONE = "d = Const[dtype=float, value=float(1)]()\n"
_ARGUMENT = "x = _Arg[T=float]()\n"
_WEIGHT = 'w = _VariableValue[key="w"]()\n'
_MISSING = '_gradient_op_type="tf1hub/missing"'


@pytest.fixture
def run(make_program):
    """`run(text)` applies the pass where variables `w` and `frozen` are; `w` is trainable."""
    variables = {n: VariableSpec(n, n, 1, (), n == "w", n) for n in ("w", "frozen")}
    program = make_program(variables=variables)
    return lambda text: format_graph(cut_missing_gradients(parse_graph(text), program))


def _is_unchanged(run, text):
    return run(text) == format_graph(parse_graph(text))


def test_the_example_of_the_docstring(docstring_example, make_program):
    before, after = docstring_example(module)
    program = make_program(variables={"w": VariableSpec("w", "w", 1, (), True, "w")})
    assert cut_missing_gradients(before, program) == after


def test_variables_that_do_not_train_are_no_reason_to_fail(run):
    text = (
        'f = _VariableValue[key="frozen"]()\n'
        + _ARGUMENT
        + ("y = Mul[T=float](x, f)\nh = AdjustHue[T=float](y, f)\nreturn h")
    )
    assert "h/stopped = StopGradient[T=float](h)\nreturn h/stopped" in run(text)


def test_what_leads_back_to_weights_through_a_loop_fails(run):
    text = (
        _WEIGHT + _ARGUMENT + _ONE + 'e = Enter[T=float, frame_name="f"](w)\n'
        'start = Enter[T=float, frame_name="f"](x)\n'
        "m = Merge[N=2, T=float](start, next)\n"
        "h = AdjustHue[T=float](m, d)\n"
        "y = Mul[T=float](h, e)\n"
        "next = NextIteration[T=float](y)\n"
        "out = Exit[T=float](m)\nreturn out"
    )
    assert f"h = AdjustHue[T=float, {_MISSING}](m, d)" in run(text)


def test_a_loop_that_the_weights_follow_is_stopped(run):
    text = (
        _WEIGHT + _ARGUMENT + _ONE + 'start = Enter[T=float, frame_name="f"](x)\n'
        "m = Merge[N=2, T=float](start, next)\n"
        "h = AdjustHue[T=float](m, d)\n"
        "next = NextIteration[T=float](h)\n"
        "out = Exit[T=float](m)\n"
        "y = Mul[T=float](out, w)\nreturn y"
    )
    assert "next = NextIteration[T=float](h/stopped)" in run(text)


@pytest.mark.parametrize(
    "between",
    [
        pytest.param("s = StopGradient[T=float](w)\n", id="stopped"),
        pytest.param(
            "i = Cast[SrcT=float, DstT=int32](w)\ns = Cast[SrcT=int32, DstT=float](i)\n",
            id="integers",
        ),
        pytest.param("n = NoOp(^w)\ns = Identity[T=float](x, ^n)\n", id="control edge"),
    ],
)
def test_no_gradient_leads_to_weights(between, run):
    text = (
        _WEIGHT
        + _ARGUMENT
        + _ONE
        + between
        + ("y = Mul[T=float](x, s)\nh = AdjustHue[T=float](y, d)\nreturn h")
    )
    assert "return h/stopped" in run(text)


def test_each_output_that_could_carry_gradients_is_stopped(run):
    text = _ARGUMENT + (
        "k = Const[dtype=int32, value=int32(2)]()\n"
        "n = NonMaxSuppressionV5[T=float](x, x, k, x, x, x)\n"
        "return n, n:1, n:2"
    )
    changed = run(text)
    assert changed.count("StopGradient") == 1  # Indices and counts are integers.
    assert changed.endswith("(n:1)\nreturn n, n/stopped, n:2\n")


def test_a_gradient_that_always_fails_is_none(run):
    text = _WEIGHT + "p = PreventGradient[T=float](w)\nreturn p"
    assert f"PreventGradient[T=float, {_MISSING}]" in run(text)


@pytest.mark.parametrize(
    "node",
    [
        pytest.param("Exp[T=float](x)", id="op with a gradient"),
        pytest.param("Sign[T=float](x)", id="zero gradient"),
        pytest.param("AdjustHue[T=float](d, d)", id="no argument and no variable"),
        pytest.param('AdjustHue[T=float, _gradient_op_type="Neg"](x, d)', id="overridden"),
    ],
)
def test_it_does_nothing_because_nothing_is_missing(node, run):
    assert _is_unchanged(run, _WEIGHT + _ARGUMENT + _ONE + f"y = {node}\nreturn y")


def test_random_numbers_keep_their_place(run):
    text = (
        _WEIGHT
        + "s = Const[dtype=int32, value=int32(2)]()\n"
        + ("r = RandomPoissonV2[S=int32, R=float, dtype=float](s, w)\nreturn r")
    )
    assert _is_unchanged(run, text)
