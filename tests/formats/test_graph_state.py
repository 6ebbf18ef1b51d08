import pytest
from tensorflow.core.protobuf import meta_graph_pb2

from converter import errors
from converter.formats.graph_state import find_aliases, find_filled, read_assets, read_tables
from converter.ir.graph import AssetSpec, VariableSpec
from converter.ir.text import parse_graph

_TABLE = """
t = HashTableV2[key_dtype=string, value_dtype=int64]()
u = HashTableV2[key_dtype=string, value_dtype=int64]()
keys = Const[dtype=string, value=string("a")]()
values = Const[dtype=int64, value=int64(1)]()
fill = LookupTableImportV2[Tin=string, Tout=int64](t, keys, values)
other = LookupTableImportV2[Tin=string, Tout=int64](u, keys, values)
init = NoOp(^fill)
"""


def test_a_table_is_filled_by_what_the_loader_runs():
    nodes = parse_graph(_TABLE).nodes
    assert find_filled(nodes, nodes["fill"]) == ["t"]
    tables = read_tables(nodes, ["init"])
    assert tables["t"].initializers == ("fill",)
    assert tables["u"].initializers == ()


def test_nodes_with_one_shared_name_are_one_variable():
    nodes = parse_graph(
        'a = VarHandleOp[dtype=float, shape=[], shared_name="v"]()\n'
        'b = VarHandleOp[dtype=float, shape=[], shared_name="v"]()\n'
        "c = VarHandleOp[dtype=float, shape=[]]()\n"
    ).nodes
    spec = VariableSpec("a", "a", 1, (), False, "a")
    assert dict(find_aliases(nodes, {"a": spec})) == {"b": spec}


def test_a_node_has_one_asset():
    one = meta_graph_pb2.AssetFileDef(filename="words.txt")
    one.tensor_info.name = "path:0"
    assert read_assets([one, one]) == {"path": AssetSpec("path", "words.txt")}
    other = meta_graph_pb2.AssetFileDef(filename="other.txt", tensor_info=one.tensor_info)
    with pytest.raises(errors.FormatError, match="two assets belong to one node"):
        read_assets([one, other])
