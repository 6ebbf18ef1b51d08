import dataclasses
import importlib
import itertools
import pkgutil

import pytest

import converter.passes
from converter import errors
from converter.ir import op_facts
from converter.ir.graph import ARG_OP, VariableSpec
from converter.ir.region import Region
from converter.ir.region_text import format_region
from converter.ir.text import parse_graph
from converter.passes import pipeline
from converter.passes.pipeline import PIPELINE, Pass, list_nodes, lower, trace_passes

_GRAPH = parse_graph("x = _Arg[T=float]()\ny = Neg[T=float](x)\nreturn y")


def _same(graph, program):
    del program
    return graph


def _to_exp(graph, program):
    del graph, program
    return parse_graph("x = _Arg[T=float]()\ny = Exp[T=float](x)\nreturn y")


def _to_region(graph, program):
    del program
    items = tuple(node for node in graph.nodes.values() if node.op != ARG_OP)
    return Region(graph.args, items, graph.results)


def _to_cos(region, program):
    del program
    items = tuple(dataclasses.replace(node, op="Cos") for node in region.items)
    return dataclasses.replace(region, items=items)


@pytest.fixture
def run(monkeypatch, make_program):
    """`run(*passes)` are the traces of these passes over a graph of one node."""

    def trace(*passes, graph=_GRAPH):
        monkeypatch.setattr(pipeline, "PIPELINE", passes)
        return list(trace_passes(graph, make_program()))

    return trace


def test_a_graph_goes_through_all_passes(make_program, as_text):
    program = make_program(variables={"v": VariableSpec("v", "v", 1, (), True, "v")})
    graph = parse_graph(
        """
        v = VariableV2[dtype=float, shape=[]]()
        x = _Arg[T=float]()
        r = Identity[T=float, _class={list { s: "loc:@v" }}](v)
        y = Mul[T=float, _gradient_op_type="Gone"](r, x)
        return y
        """
    )
    traces = list(trace_passes(graph, program))
    assert [trace.name for trace in traces] == [step.name for step in PIPELINE]
    assert traces[0].before is graph
    for earlier, later in itertools.pairwise(traces):
        assert earlier.after is later.before
    assert all(trace.seconds >= 0 for trace in traces)
    assert format_region(traces[-1].after) == as_text(
        """
        args x
        v/value = _VariableValue[key="v"]()
        r = Identity[T=float](v/value)
        y = Mul[T=float](r, x)
        return y
        """
    )
    assert lower(graph, program) == traces[-1].after


def test_a_plain_graph_comes_out_of_flat_passes_as_the_same_object(make_program):
    *flat, last = trace_passes(_GRAPH, make_program())
    assert all(trace.after is _GRAPH for trace in flat)
    assert isinstance(last.after, Region)


def test_the_order():
    names = [step.name for step in PIPELINE]
    assert names[0] == "inline_functions"
    assert names[-1] == "functionalize_control_flow"
    assert len(set(names)) == len(names)


def test_together_the_passes_promise_to_remove_all_that_a_trace_cannot_hold():
    removed = frozenset().union(*(step.removes for step in PIPELINE))
    assert removed >= op_facts.CALL_OPS | op_facts.FUNCTIONAL_CONTROL_FLOW
    assert removed >= op_facts.REF_CONTROL_FLOW | op_facts.REF_VARIABLES
    assert removed >= op_facts.VARIABLE_HANDLES | op_facts.TABLE_HANDLES
    assert removed >= op_facts.REF_TABLE_OPS.keys()
    assert removed >= op_facts.TENSOR_ARRAY_OPS | op_facts.V1_CONTROL_FLOW


def test_every_pass_is_in_the_pipeline():
    """A pass is a function from graph and program to graph or region, named as its file."""
    found = set()
    for info in pkgutil.iter_modules(converter.passes.__path__, "converter.passes."):
        name = info.name.rpartition(".")[2]
        function = getattr(importlib.import_module(info.name), name, None)
        if getattr(function, "__annotations__", {}).get("return") in ("Graph", "Region"):
            found.add(name)
    # It cuts a call's graph out of the program, before there is a graph to run passes on.
    assert found - {"prune_unreachable"} == {step.name for step in PIPELINE}


@pytest.mark.parametrize(
    "step", [step for step in PIPELINE if step.requires], ids=lambda step: step.name
)
def test_no_pass_runs_before_those_that_it_requires(step, make_program, monkeypatch):
    monkeypatch.setattr(pipeline, "PIPELINE", (step,))
    with pytest.raises(errors.InternalError, match=f"no pass before '{step.name}' removes"):
        list(trace_passes(_GRAPH, make_program()))


def test_requirements_may_come_from_several_passes(run):
    first = Pass(_same, removes=frozenset({"Exp", "Cos"}))
    second = Pass(_same, removes=frozenset({"Sin"}))
    needing = Pass(_same, requires=frozenset({"Exp", "Sin"}))
    assert len(run(first, second, needing)) == 3
    with pytest.raises(errors.InternalError, match=r"no pass before '_same' removes \['Sin'\]"):
        run(first, needing, second)


def test_types_are_checked_where_a_pass_requires_it(run):
    ill_typed = parse_graph("x = _Arg[T=float]()\ny = Neg[T=int32](x)\nreturn y")
    assert run(Pass(_same), graph=ill_typed)
    with pytest.raises(errors.FormatError, match="int32"):
        run(Pass(_same, requires_types=True), graph=ill_typed)


def test_a_damaged_graph_is_refused_before_any_pass_sees_it(run):
    damaged = parse_graph("x = _Arg[T=float]()\ny = Neg[T=float](gone)\nreturn y")
    with pytest.raises(errors.FormatError, match="gone"):
        run(Pass(_to_exp), graph=damaged)


def test_a_pass_that_breaks_its_promise_is_our_fault(run):
    with pytest.raises(errors.InternalError, match="'Neg' at 'y' should have been removed"):
        run(Pass(_same, removes=frozenset({"Neg"})))


def test_a_later_pass_that_brings_an_op_back_is_our_fault(run):
    with pytest.raises(errors.InternalError, match="'Exp' at 'y' should have been removed"):
        run(Pass(_same, removes=frozenset({"Exp"})), Pass(_to_exp))


def test_a_pass_that_keeps_its_promise_is_fine(run):
    (trace,) = run(Pass(_to_exp, removes=frozenset({"Neg"})))
    assert (trace.name, trace.after.nodes["y"].op) == ("_to_exp", "Exp")


def test_passes_over_regions_follow_that_which_makes_one(run):
    removed = Pass(_to_region, removes=frozenset({"Exp"}))
    traces = run(removed, Pass(_to_cos, removes=frozenset({"Neg"})))
    assert format_region(traces[-1].after) == "args x\ny = Cos[T=float](x)\nreturn y\n"
    assert [list_nodes(trace.after)[-1].op for trace in traces] == ["Neg", "Cos"]
    assert len(list_nodes(_GRAPH)) == 2


def test_promises_hold_for_regions(run):
    with pytest.raises(errors.InternalError, match="'Cos' at 'y' should have been removed"):
        run(Pass(_to_region, removes=frozenset({"Cos"})), Pass(_to_cos))


def test_a_pass_that_damages_a_region_is_caught(run):
    def damage(region, program):
        del program
        return dataclasses.replace(region, args=())

    with pytest.raises(errors.InternalError, match="'x:0' is used before it is made"):
        run(Pass(_to_region), Pass(damage))


def test_what_a_pass_left_is_compared_with_the_result_of_each_later_one(run):
    compared = []

    def check_kept(before, after):
        compared.append((before["y"].op, after["y"].op))

    kept = Pass(_to_exp, check_kept=check_kept)
    run(Pass(_same), kept, Pass(_same), Pass(_to_region), Pass(_to_cos))
    assert compared == [("Exp", "Exp"), ("Exp", "Cos")]


def test_what_ran_before_a_refusal_is_known(monkeypatch, make_program):
    def refuse(graph, program):
        del graph, program
        raise errors.UnsupportedOpError("no", node="y")

    monkeypatch.setattr(pipeline, "PIPELINE", (Pass(_to_exp), Pass(refuse)))
    traces = trace_passes(_GRAPH, make_program())
    assert next(traces).name == "_to_exp"
    with pytest.raises(errors.UnsupportedOpError, match="no"):
        next(traces)


def test_a_pass_that_nests_too_deeply_is_a_refusal(run):
    def recurse(graph, program):
        return recurse(graph, program)

    with pytest.raises(errors.UnsupportedOpError, match="nested too deeply"):
        run(Pass(recurse))


@pytest.mark.parametrize("removes", [frozenset(), frozenset({"Abs"})])
def test_a_pass_that_damages_the_graph_is_caught(removes, run):
    def damage(graph, program):
        del graph, program
        return parse_graph("x = _Arg[T=float]()\ny = Neg[T=float](gone)\nreturn y")

    with pytest.raises((errors.FormatError, errors.InternalError), match="gone"):
        run(Pass(_same), Pass(damage, removes=removes))


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("y = Neg(x)", errors.FormatError),
        ("y = Neg[T=float](x, x)", errors.FormatError),
        ("y = ReadVariableOp[dtype=float]()", errors.FormatError),
        ("y = Frobnicate(x)", errors.UnsupportedOpError),
        ("y = Merge[T=float, N=2](x, n)\nn = NextIteration[T=float](y)", errors.FormatError),
        ("y = Neg[T=float](z)\nz = Neg[T=float](y)", errors.FormatError),
        ('y = PartitionedCall[Tin={list { }}, Tout={list { }}, f={func { name: "f" }}]()',
         errors.FormatError),
    ],
)  # fmt: skip
def test_a_module_s_own_damage_is_a_conversion_error(line, error, make_program):
    with pytest.raises(error):
        lower(parse_graph(f"x = _Arg[T=float]()\n{line}\nreturn y"), make_program())
