import pytest

from converter.compile.definitions import DefinitionCompiler
from converter.compile.lowering import Lowering
from converter.compile.refusals import Refusals
from converter.ir.graph import TableSpec, TensorRef
from converter.ir.region import Region
from converter.ir.text import parse_graph

_CALL = """
    a = _Arg()
    c = _CustomGradient[key="f", outputs=1](a)
    return c
"""
_LOOKUP = """
    k = _Arg()
    missing = _Arg()
    t = _Table[key="t"]()
    v = LookupTableFindV2[Tin=string, Tout=int64](t, k, missing)
    return v
"""
_TABLE = """
    t = HashTableV2[key_dtype=string, value_dtype=int64]()
    k = Const[dtype=string, value={tensor { dtype: DT_STRING tensor_shape { dim { size: 1 } } }}]()
    v = Const[dtype=int64, value={tensor { dtype: DT_INT64 tensor_shape { dim { size: 1 } } }}]()
    fill = InitializeTableV2[Tkey=string, Tval=int64](t, k, v)
"""


def _region(text):
    graph = parse_graph(text)
    return Region(graph.args, tuple(graph.nodes[n] for n in graph.nodes if n not in graph.args),
                  graph.results)  # fmt: skip


def _require(program, *texts):
    """The definitions and refusals of these graphs, which are called `part 0`, `part 1`, …"""
    refusals = Refusals()
    maker = DefinitionCompiler(Lowering(), refusals)
    for number, text in enumerate(texts):
        maker.require(_region(text), program, f"part {number}")
    return maker.definitions, {str(each.error): list(each.parts) for each in refusals.all}


@pytest.fixture
def with_table(make_program):
    """`with_table(text, t=("fill",))` has tables with these initializers."""

    def make(text, **tables):
        return make_program(text, tables={t: TableSpec(t, ops) for t, ops in tables.items()})

    return make


def test_a_gradient_may_call_its_function(library, make_function):
    forward = make_function("f", {"x": "float"}, "y = Exp[T=float](x)", {"out": "y:y:0"})
    body = "y = f(x)\nd = Mul[T=float](y:out:0, dy)"
    backward = make_function("g", {"x": "float", "dy": "float"}, body, {"dx": "d:z:0"})
    made, refused = _require(library(forward, backward), _CALL)
    assert not refused
    assert list(made.gradients) == [(frozenset(), "f")]


def test_a_function_that_calls_itself_is_refused(library, gradient, make_function):
    looped = make_function("f", {"x": "float"}, "c = f(x)", {"out": "c:out:0"})
    _, refused = _require(library(looped, gradient), _CALL)
    ((text, parts),) = refused.items()
    assert text.startswith("function 'f' calls itself. ")
    assert parts == ["part 0"]


def test_functions_that_call_each_other_are_refused(library, gradient, make_function):
    one = make_function("f", {"x": "float"}, "c = h(x)", {"out": "c:out:0"})
    two = make_function("h", {"x": "float"}, "c = f(x)", {"out": "c:out:0"})
    _, refused = _require(library(one, two, gradient, f="g", h="g"), _CALL)
    (text,) = refused
    assert "calls itself. " in text


def test_a_function_that_only_a_gradient_calls_is_made(library, make_function):
    forward = make_function("f", {"x": "float"}, "y = Exp[T=float](x)", {"out": "y:y:0"})
    body = "y = h(x)\nd = Mul[T=float](y:out:0, dy)"
    backward = make_function("g", {"x": "float", "dy": "float"}, body, {"dx": "d:z:0"})
    other = make_function("h", {"x": "float"}, "y = Frobnicate(x)", {"out": "x"}, stateful=True)
    program = library(forward, backward, other, f="g", h="g")
    _, refused = _require(program, _CALL)
    (text,) = refused
    assert "'Frobnicate' is not registered" in text


def test_a_table_is_made_once_for_all_that_use_it(with_table):
    program = with_table(_TABLE, t=("fill",))
    refusals = Refusals()
    maker = DefinitionCompiler(Lowering(), refusals)
    maker.require(_region(_LOOKUP), program, "one")
    (first,) = maker.definitions.tables.values()
    maker.require(_region(_LOOKUP), program, "other")
    assert list(maker.definitions.tables.values()) == [first]
    assert maker.definitions.tables[frozenset(), "t"] is first
    assert first.creation.results == (TensorRef("t"),)
    assert [node.op for region in first.filling for node in region.nodes()][-1] == (
        "InitializeTableV2"
    )
    assert refusals.all == ()


def test_a_table_that_is_refused_is_noted_for_itself_and_for_all_that_use_it(with_table):
    program = with_table(_TABLE.replace("InitializeTableV2", "FillTable"), t=("fill",))
    _, refused = _require(program, _LOOKUP, _LOOKUP)
    ((text, parts),) = refused.items()
    assert text.startswith("op 'FillTable' is not registered in this TensorFlow (at node 'fill')")
    assert parts == ["part 0", "table 't'", "part 1"]


def test_an_attribute_that_the_op_of_a_table_lacks_is_noted(with_table):
    program = with_table(_TABLE.replace("key_dtype=string, ", ""), t=("fill",))
    _, refused = _require(program, _LOOKUP)
    ((text, parts),) = refused.items()
    assert text.startswith("op 'HashTableV2' lacks attribute 'key_dtype' (at node 't'). ")
    assert parts == ["part 0", "table 't'"]


_CHAIN = """
    t = HashTableV2[key_dtype=string, value_dtype=int64]()
    u = HashTableV2[key_dtype=string, value_dtype=int64]()
    k = Const[dtype=string, value={tensor { dtype: DT_STRING tensor_shape { dim { size: 1 } } }}]()
    v = Const[dtype=int64, value={tensor { dtype: DT_INT64 tensor_shape { dim { size: 1 } } }}]()
    w = LookupTableFindV2[Tin=string, Tout=int64](u, k, v)
    fill = InitializeTableV2[Tkey=string, Tval=int64](t, k, w)
    fill_u = InitializeTableV2[Tkey=string, Tval=int64](u, k, v)
"""


def test_a_table_that_only_another_is_filled_from_is_made(with_table):
    made, refused = _require(with_table(_CHAIN, t=("fill",), u=("fill_u",)), _LOOKUP)
    assert not refused
    assert {node for _, node in made.tables} == {"t", "u"}


def test_tables_that_are_filled_from_each_other_are_refused(with_table):
    text = _CHAIN.replace("(u, k, v)\n    fill =", "(u, k, v)\n    x = LookupTableFindV2"
                          "[Tin=string, Tout=int64](t, k, v)\n    fill =")  # fmt: skip
    text = text.replace("(u, k, v)\n", "(u, k, x)\n").replace(
        "w = LookupTableFindV2[Tin=string, Tout=int64](u, k, x)",
        "w = LookupTableFindV2[Tin=string, Tout=int64](u, k, v)",
    )
    _, refused = _require(with_table(text, t=("fill",), u=("fill_u",)), _LOOKUP)
    (message,) = refused
    assert "is filled from itself. " in message


def test_each_function_has_a_gradient_of_its_own(library, make_function):
    """Two functions of one variant that share a gradient function."""

    def function(name, op):
        return make_function(name, {"x": "float"}, f"y = {op}[T=float](x)", {"out": "y:y:0"})

    shared = make_function("g", {"x": "float", "dy": "float"}, "", {"dx": "dy"})
    program = library(function("f", "Exp"), function("h", "Neg"), shared, f="g", h="g")
    made, refused = _require(program, _CALL, _CALL.replace('"f"', '"h"'))
    assert not refused
    forward = {key: each.forward for (_, key), each in made.gradients.items()}
    ops = {key: [node.op for node in region.nodes()] for key, region in forward.items()}
    assert ops == {"f": ["Exp"], "h": ["Neg"]}


def test_a_table_is_made_with_what_its_op_takes(with_table):
    program = with_table(
        """
        k = Const[dtype=int64, value={tensor { dtype: DT_INT64 tensor_shape { } int64_val: -1 }}]()
        d = Neg[T=int64](k)
        t = MutableDenseHashTableV2[key_dtype=int64, value_dtype=float](k, d)
        """,
        t=(),
    )
    call = """
        x = _Arg()
        t = _Table[key="t"]()
        n = LookupTableSizeV2(t)
        return n
    """
    made, refused = _require(program, call)
    assert not refused
    (table,) = made.tables.values()
    ops = [node.op for node in table.creation.nodes()]
    assert ops == ["Const", "Neg", "MutableDenseHashTableV2"]
