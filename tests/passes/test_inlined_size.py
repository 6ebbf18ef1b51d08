"""What inlining would make is counted before anything is inlined."""

import time

import pytest

from converter import errors, limits
from converter.ir.text import parse_graph
from converter.passes.inline_functions import inline_functions
from converter.passes.inlined_size import check_inlined_size

_TEXT = "a = _Arg[T=float]()\ncall = {}(a)\nreturn call"


@pytest.fixture
def library(make_function, make_program):
    """`library(levels, name)` has functions that call the next one twice, in nodes of that name."""

    def make(levels, name=""):
        functions = [make_function("f0", {"x": "float"}, "n = Neg[T=float](x)", {"out": "n:y:0"})]
        for level in range(1, levels):
            below = f"f{level - 1}"
            body = f"a{name} = {below}(x)\nb{name} = {below}(a{name}:out:0)"
            out = {"out": f"b{name}:out:0"}
            functions.append(make_function(f"f{level}", {"x": "float"}, body, out))
        return make_program(functions={f.signature.name: f for f in functions})

    return make


@pytest.mark.parametrize("levels", [15, 21, 40, 100])
def test_functions_that_double_are_refused_at_once(library, levels):
    program = library(levels)
    start = time.perf_counter()
    with pytest.raises(errors.FormatError, match=r"more than \d+ nodes after inlining") as caught:
        inline_functions(parse_graph(_TEXT.format(f"f{levels - 1}")), program)
    assert caught.value.node == "call"
    assert time.perf_counter() - start < 20


def test_names_that_grow_with_each_call_are_refused(library):
    with pytest.raises(errors.FormatError, match="names of the graph's nodes take more than"):
        check_inlined_size(parse_graph(_TEXT.format("f11")), library(12, "x" * 4000))


def test_the_count_is_at_least_what_comes_out(library, monkeypatch):
    program, graph = library(6), parse_graph(_TEXT.format("f5"))
    made = len(inline_functions(graph, program).nodes)
    monkeypatch.setattr(limits, "MAX_NODES", made - 1)
    with pytest.raises(errors.FormatError, match=f"more than {made - 1} nodes"):
        inline_functions(graph, program)


def test_a_large_graph_may_make_more_nodes(library, monkeypatch):
    """What it stores counts, and not which of its functions are large."""
    monkeypatch.setattr(limits, "MAX_INLINED_NODES", 100)
    calls = "".join(f"c{i} = f4(a)\n" for i in range(100))
    text = f"a = _Arg[T=float]()\n{calls}return c0"
    check_inlined_size(parse_graph(text), library(6))
    with pytest.raises(errors.FormatError, match="more than 11200 nodes after inlining"):
        check_inlined_size(parse_graph(text.replace("f4", "f5")), library(6))


_TOO_MANY = r"more than \d+ (nodes|branches and loops) after inlining"
_FORKS = {
    "If": "then_branch={{ func {{ name: '{0}' }}}}, else_branch={{ func {{ name: '{0}' }}}}",
    "Case": "branches={{ list {{ func {{ name: '{0}' }} func {{ name: '{0}' }} }}}}",
    "While": "cond={{ func {{ name: '{0}' }}}}, body={{ func {{ name: '{0}' }}}}",
}


@pytest.fixture
def forking(make_function, make_program):
    """`forking(op, levels)` has functions that run the next one on both ways of an op."""

    def make(op, levels):
        leaf = make_function("f0", {"x": "float"}, "n = Neg[T=float](x)", {"out": "n:y:0"})
        functions = [leaf]
        for level in range(1, levels):
            body = f"a = {op}[{_FORKS[op].format(f'f{level - 1}')}](x)".replace("'", '"')
            out = {"out": "a:output:0"}
            functions.append(make_function(f"f{level}", {"x": "float"}, body, out))
        return make_program(functions={f.signature.name: f for f in functions})

    return make


@pytest.mark.parametrize("op", _FORKS)
@pytest.mark.parametrize("levels", [11, 100])
def test_control_flow_that_doubles_is_refused_at_once(forking, op, levels):
    start = time.perf_counter()
    with pytest.raises(errors.FormatError, match=_TOO_MANY) as caught:
        inline_functions(parse_graph(_TEXT.format(f"f{levels - 1}")), forking(op, levels))
    assert caught.value.node == "call"
    assert time.perf_counter() - start < 20


@pytest.mark.parametrize("op", _FORKS)
def test_it_does_nothing_because_there_is_little_control_flow(forking, op):
    check_inlined_size(parse_graph(_TEXT.format("f8")), forking(op, 9))


def test_it_does_nothing_because_the_library_is_small(library):
    check_inlined_size(parse_graph(_TEXT.format("f9")), library(10))


def test_it_leaves_circles_and_depth_to_the_inliner(make_function, make_program):
    ring = make_function("ring", {"x": "float"}, "c = ring(x)", {"out": "c:out:0"})
    program = make_program(functions={"ring": ring})
    check_inlined_size(parse_graph(_TEXT.format("ring")), program)
    with pytest.raises(errors.FormatError, match="calls itself"):
        inline_functions(parse_graph(_TEXT.format("ring")), program)
