import contextlib
import dataclasses
import struct

import pytest
from golden.golden_values import GOLDEN
from tensorflow.core.framework import attr_value_pb2

from converter import errors
from converter.compile import lowering
from converter.compile.compile_module import compile_module
from converter.compile.lowering import Lowering
from converter.formats.registry import read_module
from converter.ir.graph import ASSET_OP, AssetSpec, VariableSpec
from converter.ir.text import format_graph, parse_graph
from converter.passes import pipeline

_READ = """
    x = _Arg[T=float]()
    w = VarHandleOp[dtype=float, shape=[]]()
    r = ReadVariableOp[dtype=float](w)
    y = Mul[T=float](x, r)
    return y
"""


@pytest.fixture
def lowered(monkeypatch):
    """The graphs that are lowered, as texts that tell all of them apart."""
    texts = []

    def lower(graph, program):
        attrs = [value for node in graph.nodes.values() for value in node.attrs.values()]
        texts.append((format_graph(graph), *(value.SerializeToString() for value in attrs)))
        return pipeline.lower(graph, program)

    monkeypatch.setattr(lowering, "lower", lower)
    return texts


def _variable(**fields):
    return {"w": VariableSpec(**{"name": "w", "node": "w", "dtype": 1, "shape": (),
                                 "trainable": True, "checkpoint_key": "w", **fields})}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "calls"), [("image_bn_dropout", 12), ("table_in_memory", 10), ("sparse_input", 1)]
)
def test_each_distinct_graph_is_lowered_once(name, calls, lowered):
    compiled = compile_module(read_module(GOLDEN / name / "module"))
    assert len(lowered) == len(set(lowered)) == calls
    assert len(list(compiled.regions())) > calls


@pytest.mark.slow
def test_of_no_module_is_a_graph_lowered_twice(fixture_name, lowered):
    compile_module(read_module(GOLDEN / fixture_name / "module"))
    assert len(lowered) == len(set(lowered))


def _check_that_a_restricted_program_suffices(name, monkeypatch):
    lower = Lowering.lower

    def lower_both(self, graph, program, shapes=()):
        made = lower(self, graph, program, shapes)
        assert made.region == pipeline.lower(graph, program)
        assert made.unresolved_overrides == lowering.find_unresolved_overrides(graph, program)
        return made

    monkeypatch.setattr(Lowering, "lower", lower_both)
    compile_module(read_module(GOLDEN / name / "module"))


@pytest.mark.parametrize("name", ["defun_gradient", "image_bn_dropout", "table_in_memory"])
def test_passes_need_no_more_of_a_program(name, monkeypatch):
    _check_that_a_restricted_program_suffices(name, monkeypatch)


@pytest.mark.slow
def test_for_no_module_passes_need_more_of_a_program(fixture_name, monkeypatch):
    _check_that_a_restricted_program_suffices(fixture_name, monkeypatch)


def test_variants_share_a_graph(make_program, lowered):
    lower = Lowering().lower
    one = lower(parse_graph(_READ), make_program(_READ, variables=_variable()))
    other = lower(
        parse_graph(_READ),
        make_program(
            f"{_READ.replace('return y', '')}z = Const[dtype=float]()",
            tags=frozenset({"train"}),
            variables={"z": VariableSpec("z", "z", 1, (), False, "z"), **_variable()},
            assets={"z": AssetSpec("z", "a.txt")},
            loops_without_gradient=frozenset({"while"}),
        ),
    )
    assert one is other
    assert len(lowered) == 1


@pytest.mark.parametrize("changed", [{"trainable": False}, {"name": "v"}, {"dtype": 2}])
def test_graphs_of_other_variables_are_two(changed, make_program, lowered):
    lower = Lowering().lower
    lower(parse_graph(_READ), make_program(_READ, variables=_variable()))
    with contextlib.suppress(errors.FormatError):  # Where the dtype is another.
        lower(parse_graph(_READ), make_program(_READ, variables=_variable(**changed)))
    assert len(lowered) == 2


def test_a_constant_that_names_an_asset_is_another_graph(make_program, lowered):
    lower, program = Lowering().lower, make_program()
    lower(_constant(0.0), program)
    named = dataclasses.replace(program, assets={"c": AssetSpec("c", "a.txt")})
    (node,) = lower(_constant(0.0), named).region.nodes()
    assert node.op == ASSET_OP
    assert len(lowered) == 2


def _constant(value):
    graph = parse_graph("c = Const[dtype=float]()\nreturn c")
    (node,) = graph.nodes.values()
    tensor = {"dtype": 1, "tensor_shape": {}, "tensor_content": struct.pack("<f", value)}
    attrs = {**node.attrs, "value": attr_value_pb2.AttrValue(tensor=tensor)}
    return dataclasses.replace(graph, nodes={"c": dataclasses.replace(node, attrs=attrs)})


def test_numbers_that_are_equal_but_not_the_same_are_two_constants(make_program, lowered):
    lower = Lowering().lower
    made = [lower(_constant(value), make_program()) for value in (0.0, -0.0, 0.0)]
    assert made[0] is made[2] is not made[1]
    assert len(lowered) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"results": ()},
        {"targets": ("y",)},
        {"producer": 7},
    ],
)
def test_graphs_that_differ_in_what_they_give_are_two(change, make_program, lowered):
    lower, program = Lowering().lower, make_program(_READ, variables=_variable())
    graph = parse_graph(_READ)
    lower(graph, program)
    lower(dataclasses.replace(graph, **change), program)
    assert len(lowered) == 2


def test_graphs_that_call_functions_belong_to_their_variant(make_program, make_function, lowered):
    lower, graph = Lowering().lower, parse_graph("x = _Arg[T=float]()\ny = f(x)\nreturn y")
    regions = []
    for tags, op in (((), "Neg"), (("train",), "Exp"), ((), "Neg")):
        body = make_function("f", {"x": "float"}, f"y = {op}[T=float](x)", {"out": "y:y:0"})
        program = make_program(tags=frozenset(tags), functions={"f": body})
        regions.append(lower(graph, program).region)
    ops = [[node.op for node in region.nodes()] for region in regions]
    assert ops == [["Neg"], ["Exp"], ["Neg"]]
    assert len(lowered) == 2


def test_an_error_is_raised_each_time(make_program, lowered):
    lower, graph = Lowering().lower, parse_graph("x = Frobnicate()\nreturn x")
    caught = []
    for _ in range(2):
        with pytest.raises(errors.UnsupportedOpError, match="is not registered") as error:
            lower(graph, make_program())
        caught.append(error.value)
    assert caught[0] is caught[1]
    assert len(lowered) == 1
