import numpy as np
import pytest
from tensorflow.core.protobuf import meta_graph_pb2

from converter import errors
from converter.formats.saved_model_state import read_state
from converter.ir.text import parse_graph
from converter.tensor_bundle.checkpoint import Checkpoint, Entry

_GRAPH = """
file = Const[dtype=string, value=string("model")]()
names = Const[dtype=string, value=string[1]("key")]()
slices = Const[dtype=string, value=string[1]("")]()
a = VarHandleOp[dtype=float, shape=[], shared_name="shared"]()
alias = VarHandleOp[dtype=float, shape=[], shared_name="shared"]()
read = RestoreV2[dtypes=(float)](file, names, slices)
set_a = AssignVariableOp[dtype=float](a, read)
restore = NoOp(^set_a)
one = Const[dtype=float, value=float(1)]()
shape = Const[dtype=int32, value=int32[0]()]()
random = RandomStandardNormal[T=int32, dtype=float](shape)
b = VariableV2[dtype=float, shape=[]]()
set_b = Assign[T=float](b, one)
reset_a = AssignVariableOp[dtype=float](a, one)
c = VariableV2[dtype=float, shape=[]]()
set_c = Assign[T=float](c, random)
d = VariableV2[dtype=float, shape=[]]()
init = NoOp(^set_b, ^set_c)
resets = NoOp(^reset_a)
"""
_NODES = parse_graph(_GRAPH).nodes


def _read(tmp_path, init=("init",), saver=True):
    graph = meta_graph_pb2.MetaGraphDef()
    if saver:
        graph.saver_def.restore_op_name = "restore"
        graph.saver_def.filename_tensor_name = "file:0"
    graph.collection_def["saved_model_main_op"].node_list.value.extend(init)
    return read_state(Checkpoint(tmp_path, {"key": Entry(1, ()), "d": Entry(1, ())}), graph, _NODES)


def test_a_variable_is_what_the_saver_restores(tmp_path):
    state = _read(tmp_path)
    assert state.variables["a"].checkpoint_key == "key"
    assert state.variables["alias"] is state.variables["a"]


def test_a_variable_may_be_what_the_init_op_assigns(tmp_path):
    state = _read(tmp_path)
    assert state.variables["b"].checkpoint_key == ""
    np.testing.assert_array_equal(state.initial_values["b"], np.float32(1), strict=True)


def test_the_init_op_wins_over_the_checkpoint(tmp_path):
    state = _read(tmp_path, ["resets"])
    assert state.variables["a"].checkpoint_key == ""
    assert state.initial_values["a"] == 1


def test_other_variables_have_no_value_and_a_reason(tmp_path):
    reasons = _read(tmp_path).unknown_values
    assert "by op 'RandomStandardNormal' at node 'random'" in reasons["c"]
    assert reasons["d"] == "nothing restores or initializes it"


def test_an_entry_of_its_name_is_not_the_value_of_a_variable(tmp_path):
    assert _read(tmp_path).variables["d"].checkpoint_key == ""


def test_an_asset_is_the_first_output_of_a_node(tmp_path):
    graph = meta_graph_pb2.MetaGraphDef()
    asset = graph.asset_file_def.add(filename="words.txt")
    asset.tensor_info.name = "file:0"
    state = read_state(Checkpoint(tmp_path, {}), graph, _NODES)
    assert state.assets["file"].filename == "words.txt"
    asset.tensor_info.name = "file:1"
    with pytest.raises(errors.FormatError, match="is fed to tensor 'file:1'"):
        read_state(Checkpoint(tmp_path, {}), graph, _NODES)
