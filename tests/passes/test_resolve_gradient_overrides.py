import pytest

from converter import errors
from converter.ir.graph import Graph, VariableSpec
from converter.ir.region_text import format_region
from converter.ir.text import parse_graph
from converter.passes import resolve_gradient_overrides as module
from converter.passes.pipeline import lower
from converter.passes.resolve_gradient_overrides import (
    check_overrides_kept,
    find_unresolved_overrides,
    resolve_gradient_overrides,
)


def _resolve(line, make_program):
    before = parse_graph(f"x = _Arg[T=float]()\n{line}\nreturn y")
    return resolve_gradient_overrides(before, make_program())


def _has_override(graph: Graph, name="y"):
    return "_gradient_op_type" in graph.nodes[name].attrs


def test_the_example_of_the_docstring(docstring_example, make_program):
    before, after = docstring_example(module)
    assert resolve_gradient_overrides(before, make_program()) == after


@pytest.mark.parametrize(
    "override", ["Identity", "Relu6", "StopGradient", "FoldFusedBatchNormGrad", "GDNLowerBound"]
)
def test_a_name_that_tf1_knows_stays(override, make_program):
    line = f'y = Sign[T=float, _gradient_op_type="{override}"](x)'
    assert _has_override(_resolve(line, make_program))


@pytest.mark.parametrize("override", ["CustomGradient-7", "PartitionedCall-3", "Mine", "Sign", ""])
def test_a_name_that_changes_nothing_or_that_nobody_knows_goes(override, make_program):
    line = f'y = Sign[T=float, _gradient_op_type="{override}"](x)'
    assert not _has_override(_resolve(line, make_program))


@pytest.mark.parametrize(
    "line",
    [
        # Gradients of ops without inputs, and of tensors that have none, are never asked for.
        'y = Const[dtype=float, value={tensor { dtype: DT_FLOAT }}, _gradient_op_type="Relu"]()',
        'y = ArgMax[T=float, _gradient_op_type="Identity"](x, x)',
    ],
)
def test_an_override_that_can_have_no_effect_goes(line, make_program):
    assert not _has_override(_resolve(line, make_program))


def test_an_op_that_tf1_does_not_differentiate_gets_an_override(make_program):
    line = "y = EuclideanNorm[T=float, Tidx=int32](x, x)"
    assert _has_override(_resolve(line, make_program))


def test_it_does_nothing_because_no_gradient_is_overridden(make_program):
    before = parse_graph("x = _Arg()\ny = Neg(x)\nreturn y")
    assert resolve_gradient_overrides(before, make_program()) is before


@pytest.mark.parametrize(
    "line",
    [
        'y = Switch[T=float, _gradient_op_type="Identity"](x, x)',
        'y = ReadVariableOp[dtype=float, _gradient_op_type="Relu"](x)',
        'y = TensorArrayReadV3[dtype=float, _gradient_op_type="Relu"](x, x, x)',
        'y = Assign[T=float, _gradient_op_type="Relu"](x, x)',
    ],
)
def test_it_refuses_what_has_no_place_in_a_function(line, make_program):
    with pytest.raises(errors.UnsupportedOpError, match="cannot be carried over for this op"):
        _resolve(line, make_program)


def test_an_override_of_a_read_of_a_ref_variable_reaches_the_end(make_program):
    program = make_program(variables={"v": VariableSpec("v", "v", 1, (), True, "v")})
    graph = parse_graph(
        """
        v = VariableV2[dtype=float, shape=[]]()
        r = Identity[T=float, _gradient_op_type="Relu"](v)
        return r
        """
    )
    after = format_region(lower(graph, program))
    assert 'r = Identity[T=float, _gradient_op_type="Relu"](r/before)' in after


def _nodes(text):
    return parse_graph(text).nodes


def test_a_lost_override_is_found():
    before = _nodes('x = _Arg()\ny = Sign[_gradient_op_type="Identity"](x)\nreturn y')
    after = _nodes("x = _Arg()\ny = Sign(x)\nreturn y")
    check_overrides_kept(before, before)
    check_overrides_kept(after, before)
    check_overrides_kept(before, _nodes("x = _Arg()\nreturn x"))
    with pytest.raises(errors.UnsupportedOpError, match=r"'Sign' is overridden by .*'Identity'"):
        check_overrides_kept(before, after)


def test_a_list_needs_no_override_of_a_tensor_array_s_flow():
    text = "x = _Arg()\ny = Identity[T={dtype}{override}](x)\nreturn y"

    def nodes(dtype, override):
        return _nodes(text.format(dtype=dtype, override=override))

    check_overrides_kept(nodes("float", ', _gradient_op_type="Relu"'), nodes("variant", ""))
    with pytest.raises(errors.UnsupportedOpError):
        check_overrides_kept(
            nodes("float", ', _gradient_op_type="StopGradient"'), nodes("variant", "")
        )


_MINE = 'm = Sign[T=float, _gradient_op_type="Mine"](x)'


def test_it_finds_what_nobody_resolves(make_program, make_function):
    functions = {
        name: make_function(name, {"x": "float"}, _MINE, {"out": "m:y:0"})
        for name in ("then", "other", "called")
    }
    program = make_program(functions=functions)
    graph = parse_graph(
        """
        x = _Arg[T=float]()
        a = Sign[T=float, _gradient_op_type="CustomGradient-2"](x)
        b = Sign[T=float, _gradient_op_type="Identity"](a)
        c = called[_gradient_op_type="PartitionedCall-4"](b)
        d = If[then_branch={func { name: "then" }}, else_branch={func { name: "other" }}](c, c)
        return d
        """
    )
    assert find_unresolved_overrides(graph, program) == {
        "a": "CustomGradient-2",
        "then/m": "Mine",
        "other/m": "Mine",
    }
