import importlib
import itertools
import pkgutil

import pytest

import converter.passes
from converter import errors
from converter.ir import op_facts
from converter.ir.graph import VariableSpec
from converter.ir.text import format_graph, parse_graph
from converter.passes import pipeline
from converter.passes.pipeline import PIPELINE, Pass, lower, run_passes

_GRAPH = parse_graph("x = _Arg[T=float]()\ny = Neg[T=float](x)\nreturn y")


def _same(graph, program):
    del program
    return graph


def _to_exp(graph, program):
    del graph, program
    return parse_graph("x = _Arg[T=float]()\ny = Exp[T=float](x)\nreturn y")


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
    after, traces = run_passes(graph, program)
    assert format_graph(after) == as_text(
        """
        x = _Arg[T=float]()
        v/value = _VariableValue[key="v"]()
        r = Identity[T=float](v/value)
        y = Mul[T=float](r, x)
        return y
        """
    )
    assert [trace.name for trace in traces] == [step.name for step in PIPELINE]
    assert traces[0].nodes_before == 4
    for earlier, later in itertools.pairwise(traces):
        assert earlier.nodes_after == later.nodes_before
    assert traces[-1].nodes_after == len(after.nodes)
    assert all(trace.seconds >= 0 for trace in traces)


def test_a_plain_graph_comes_out_as_the_same_object(make_program):
    assert run_passes(_GRAPH, make_program())[0] is _GRAPH


def test_the_order():
    names = [step.name for step in PIPELINE]
    order = names.index
    assert order("inline_functions") == 0
    assert order("lower_ref_tables") < order("bind_resources")
    assert order("lower_ref_variables") < order("bind_resources") < order("hoist_variable_reads")
    assert len(set(names)) == len(names)


def test_together_the_passes_promise_to_remove_all_that_a_trace_cannot_hold():
    removed = frozenset().union(*(step.removes for step in PIPELINE))
    assert removed >= op_facts.CALL_OPS | op_facts.FUNCTIONAL_CONTROL_FLOW
    assert removed >= op_facts.REF_CONTROL_FLOW | op_facts.REF_VARIABLES
    assert removed >= op_facts.VARIABLE_HANDLES | op_facts.TABLE_HANDLES
    assert removed >= op_facts.REF_TABLE_OPS.keys()
    assert removed >= op_facts.TENSOR_ARRAY_OPS


def test_every_pass_is_in_the_pipeline():
    """A pass is a function from graph and program to graph, with the name of its file."""
    found = set()
    for info in pkgutil.iter_modules(converter.passes.__path__, "converter.passes."):
        name = info.name.rpartition(".")[2]
        function = getattr(importlib.import_module(info.name), name, None)
        if getattr(function, "__annotations__", {}).get("return") == "Graph":
            found.add(name)
    # It cuts a call's graph out of the program, before there is a graph to run passes on.
    assert found - {"prune_unreachable"} == {step.name for step in PIPELINE}


def test_a_damaged_graph_is_refused_before_any_pass_sees_it(monkeypatch, make_program):
    monkeypatch.setattr(pipeline, "PIPELINE", (Pass(_to_exp),))
    damaged = parse_graph("x = _Arg[T=float]()\ny = Neg[T=float](gone)\nreturn y")
    with pytest.raises(errors.FormatError, match="gone"):
        run_passes(damaged, make_program())


def test_a_pass_that_breaks_its_promise_is_our_fault(monkeypatch, make_program):
    monkeypatch.setattr(pipeline, "PIPELINE", (Pass(_same, removes=frozenset({"Neg"})),))
    with pytest.raises(errors.InternalError, match="'Neg' at 'y' should have been removed"):
        run_passes(_GRAPH, make_program())


def test_a_later_pass_that_brings_an_op_back_is_our_fault(monkeypatch, make_program):
    steps = (Pass(_same, removes=frozenset({"Exp"})), Pass(_to_exp))
    monkeypatch.setattr(pipeline, "PIPELINE", steps)
    with pytest.raises(errors.InternalError, match="'Exp' at 'y' should have been removed"):
        run_passes(_GRAPH, make_program())


def test_a_pass_that_keeps_its_promise_is_fine(monkeypatch, make_program):
    monkeypatch.setattr(pipeline, "PIPELINE", (Pass(_to_exp, removes=frozenset({"Neg"})),))
    graph, traces = run_passes(_GRAPH, make_program())
    assert graph.nodes["y"].op == "Exp"
    assert [trace.name for trace in traces] == ["_to_exp"]


@pytest.mark.parametrize("removes", [frozenset(), frozenset({"Abs"})])
def test_a_pass_that_damages_the_graph_is_caught(removes, monkeypatch, make_program):
    def damage(graph, program):
        del graph, program
        return parse_graph("x = _Arg[T=float]()\ny = Neg[T=float](gone)\nreturn y")

    monkeypatch.setattr(pipeline, "PIPELINE", (Pass(_same), Pass(damage, removes=removes)))
    with pytest.raises((errors.FormatError, errors.InternalError), match="gone"):
        run_passes(_GRAPH, make_program())


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
