import pytest
from tensorflow.core.framework import variable_pb2
from tensorflow.core.protobuf import meta_graph_pb2

from converter import errors
from converter.formats.initialization import (
    find_init_op,
    find_initialization,
    find_train_ops,
)
from converter.ir.graph import TensorRef
from converter.ir.text import parse_graph

_GRAPH = """
one = Const[dtype=float, value=float(1)]()
a = VariableV2[dtype=float, shape=[]]()
set_a = Assign[T=float](a, one)
t = HashTableV2[key_dtype=float, value_dtype=float]()
fill = LookupTableImportV2[Tin=float, Tout=float](t, one, one)
add = AssignAdd[T=float](a, one)
again = Assign[T=float](a, one)
init = NoOp(^set_a, ^fill)
legacy = NoOp(^fill)
adds = NoOp(^add)
twice = NoOp(^set_a, ^again)
"""
_NODES = parse_graph(_GRAPH).nodes


def _graph(signature=None, **collections):
    graph = meta_graph_pb2.MetaGraphDef()
    if signature is not None:
        key = "__saved_model_init_op"
        graph.signature_def[key].outputs[key].name = signature
    for key, names in collections.items():
        graph.collection_def[key].node_list.value.extend(names)
    return graph


def test_the_signature_comes_before_the_collections():
    both = {"saved_model_main_op": ["legacy"], "legacy_init_op": ["adds"]}
    assert find_init_op(_graph("init", **both)) == "init"
    assert find_init_op(_graph(**both)) == "legacy"
    assert find_init_op(_graph(legacy_init_op=["adds"])) == "adds"
    assert find_init_op(_graph()) is None


@pytest.mark.parametrize("names", [[], ["init", "legacy"]])
def test_there_is_exactly_one_init_op(names):
    with pytest.raises(errors.FormatError, match=f"has {len(names)} ops, expected one"):
        find_init_op(_graph(saved_model_main_op=names))


def test_a_signature_without_an_op_is_refused():
    graph = _graph()
    graph.signature_def["__saved_model_init_op"].outputs["other"].name = "init"
    with pytest.raises(errors.FormatError, match="names no op"):
        find_init_op(graph)


def test_the_init_op_assigns_and_fills():
    found = find_initialization(_graph("init"), _NODES)
    assert found.ops == ("init",)
    assert found.assigned == {"a": TensorRef("one")}
    assert not found.assigned_twice


def test_without_an_init_op_tables_and_local_variables_are_initialized():
    graph = _graph(table_initializer=["fill"])
    proto = variable_pb2.VariableDef(variable_name="a:0", initializer_name="set_a")
    graph.collection_def["local_variables"].bytes_list.value.append(proto.SerializeToString())
    found = find_initialization(graph, _NODES)
    assert (found.ops, list(found.assigned)) == (("set_a", "fill"), ["a"])


def test_with_an_init_op_nothing_else_is_initialized():
    found = find_initialization(_graph("legacy", table_initializer=["adds"]), _NODES)
    assert (found.ops, found.assigned) == (("legacy",), {})


def test_another_effect_is_refused():
    with pytest.raises(errors.FormatError, match="the init op runs op 'AssignAdd'") as caught:
        find_initialization(_graph("adds"), _NODES)
    assert caught.value.node == "add"


def test_a_variable_with_two_values_is_listed():
    assert find_initialization(_graph("twice"), _NODES).assigned_twice == {"a"}


def test_train_ops_are_those_of_signature_and_collections():
    graph = _graph(saved_model_train_op=["step"], train_op=["step", "other:0"])
    key = "__saved_model_train_op"
    graph.signature_def[key].outputs[key].name = "first"
    assert find_train_ops(graph) == ["first", "step", "other"]
    assert find_train_ops(_graph()) == []
