import pytest

from converter import errors
from converter.ir.graph import AssetSpec, TableSpec, VariableSpec
from converter.ir.text import format_graph, parse_graph
from converter.passes import bind_resources as module
from converter.passes.bind_resources import bind_resources


def _variable(name):
    return VariableSpec(name, name, 1, (2,), True, name)


def test_the_example_of_the_docstring(docstring_example, make_program):
    before, after = docstring_example(module)
    assert bind_resources(before, make_program(variables={"w": _variable("w")})) == after


def test_two_handles_of_one_variable_get_one_key(make_program, as_text):
    program = make_program(variables={"w": _variable("w"), "again/w": _variable("w")})
    graph = parse_graph(
        "w = VarHandleOp()\nagain/w = VarHandleOp()\na = ReadVariableOp(w)\n"
        "b = ReadVariableOp(again/w)\nreturn a, b"
    )
    assert format_graph(bind_resources(graph, program)) == as_text(
        """
        w = _Variable[key="w"]()
        again/w = _Variable[key="w"]()
        a = ReadVariableOp(w)
        b = ReadVariableOp(again/w)
        return a, b
        """
    )


def test_a_variable_without_a_value_is_refused(make_program):
    graph = parse_graph("local/w = VarHandleOp()\na = ReadVariableOp(local/w)\nreturn a")
    with pytest.raises(errors.WeightsError, match="not in the VARIABLES collection") as caught:
        bind_resources(graph, make_program(variables={"w": _variable("w")}))
    assert caught.value.node == "local/w"
    assert caught.value.remedy


def test_tables_and_assets_are_bound_and_control_edges_from_them_vanish(make_program, as_text):
    program = make_program(
        tables={"t": TableSpec("t", ())}, assets={"path": AssetSpec("path", "words.txt")}
    )
    graph = parse_graph(
        """
        empty = Const()
        t = MutableDenseHashTableV2[key_dtype=int64](empty, empty)
        path = Const[dtype=string]()
        other = Const[dtype=string](^path)
        n = LookupTableSizeV2(t, ^path, ^other, ^t)
        return n, path
        """
    )
    assert format_graph(bind_resources(graph, program)) == as_text(
        """
        t = _Table[key="t"]()
        path = _Asset[key="path"]()
        other = Const[dtype=string]()
        n = LookupTableSizeV2(t, ^other)
        return n, path
        """
    )


def test_an_asset_that_is_no_constant_is_refused(make_program):
    program = make_program(assets={"path": AssetSpec("path", "words.txt")})
    graph = parse_graph("x = _Arg()\npath = Identity(x)\nreturn path")
    with pytest.raises(errors.FormatError, match="must be a Const, found 'Identity'") as caught:
        bind_resources(graph, program)
    assert caught.value.node == "path"


@pytest.mark.parametrize("op", ["FIFOQueueV2", "Barrier", "IteratorV2"])
def test_state_of_another_kind_is_refused(op, make_program):
    graph = parse_graph(f"s = {op}()\nreturn s")
    with pytest.raises(errors.UnsupportedOpError, match="neither a variable nor a table") as caught:
        bind_resources(graph, make_program())
    assert caught.value.node == "s"


def test_a_resource_that_never_changes_stays_and_is_shared_by_nobody(make_program, as_text):
    graph = parse_graph(
        """
        s = SentencepieceOp[container="c", model="m", shared_name="n", use_node_name_sharing=true]()
        x = _Arg()
        y = SentencepieceTokenizeOp(s, x, ^s)
        return y
        """
    )
    assert format_graph(bind_resources(graph, make_program())) == as_text(
        """
        s = SentencepieceOp[model="m"]()
        x = _Arg()
        y = SentencepieceTokenizeOp(s, x, ^s)
        return y
        """
    )


def test_it_does_nothing_because_the_resource_has_no_name(make_program):
    before = parse_graph('s = SentencepieceOp[model="m"]()\nreturn s')
    assert bind_resources(before, make_program()) is before


def test_it_does_nothing_because_there_is_no_state(make_program):
    before = parse_graph("x = _Arg()\nr = RandomUniform(x)\nreturn r")
    assert bind_resources(before, make_program()) is before
