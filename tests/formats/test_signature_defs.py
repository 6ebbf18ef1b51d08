import pytest
from tensorflow.core.protobuf import meta_graph_pb2

from converter import errors
from converter.formats.signature_defs import check_dtype, read_signatures


def _graph(**dtypes):
    graph = meta_graph_pb2.MetaGraphDef()
    for name, dtype in dtypes.items():
        output = graph.signature_def[name].outputs["y"]
        output.name, output.dtype = "y:0", dtype
    return graph


def test_signatures_come_in_the_order_of_their_names():
    assert list(read_signatures(_graph(b=1, a=1), {})) == ["a", "b"]


def test_a_hidden_signature_may_be_no_tensor():
    graph = _graph(default=1, __saved_model_init_op=0)
    assert list(read_signatures(graph, {}, {"__saved_model_init_op"})) == ["default"]
    with pytest.raises(errors.FormatError, match="has the unknown dtype 0"):
        read_signatures(graph, {})


def test_an_unknown_dtype_is_refused():
    check_dtype(1, "it")
    with pytest.raises(errors.FormatError, match="it has the unknown dtype 99"):
        check_dtype(99, "it")
