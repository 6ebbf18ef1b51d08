import pytest
from tensorflow.core.framework import variable_pb2
from tensorflow.core.protobuf import meta_graph_pb2

from converter import errors
from converter.formats.variable_defs import find_trainable, make_spec, read_variables
from converter.ir.graph import SliceSpec
from converter.ir.text import parse_graph
from converter.tensor_bundle.checkpoint import Checkpoint

_NODES = parse_graph("v = VariableV2[dtype=float, shape=[2,?]]()").nodes


def _graph(*names, key="variables"):
    graph = meta_graph_pb2.MetaGraphDef()
    for name in names:
        proto = variable_pb2.VariableDef(variable_name=f"{name}:0")
        graph.collection_def[key].bytes_list.value.append(proto.SerializeToString())
    return graph


def test_a_variable_is_stored_under_its_name(tmp_path):
    specs = read_variables(_graph("v"), _NODES, Checkpoint(tmp_path, {}))
    assert (specs["v"].checkpoint_key, specs["v"].shape) == ("v", (2, None))
    assert not specs["v"].trainable


def test_trainable_variables_are_those_of_their_collection_alone():
    assert find_trainable(_graph("v", key="trainable_variables"), _NODES) == {"v"}
    assert find_trainable(_graph("v"), _NODES) == set()


def test_a_variable_that_the_graph_lacks_is_refused(tmp_path):
    with pytest.raises(errors.FormatError, match="'w', which it does not contain"):
        read_variables(_graph("w"), _NODES, Checkpoint(tmp_path, {}))


def test_a_spec_says_where_a_part_lies():
    part = SliceSpec((4, 2), (2, 0), (2, 2))
    spec = make_spec(_NODES["v"], "key", part, trainable=True)
    assert (spec.name, spec.checkpoint_key, spec.slice) == ("v", "key", part)
