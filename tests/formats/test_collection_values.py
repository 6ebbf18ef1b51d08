import pytest
from google.protobuf import any_pb2
from tensorflow.core.protobuf import meta_graph_pb2

from converter import errors
from converter.formats.collection_values import parse_message, parse_ref, read_collection
from converter.ir.graph import TensorRef


def test_a_collection_is_read_by_its_kind():
    graph = meta_graph_pb2.MetaGraphDef()
    graph.collection_def["names"].node_list.value.extend(["a", "b:0"])
    assert read_collection(graph, "names", "node") == ["a", "b:0"]
    with pytest.raises(errors.FormatError, match="holds node_list, expected bytes_list"):
        read_collection(graph, "names", "bytes")


def test_a_missing_collection_is_empty_and_stays_missing():
    graph = meta_graph_pb2.MetaGraphDef()
    assert read_collection(graph, "names", "node") == []
    assert "names" not in graph.collection_def


def test_the_name_of_a_node_is_its_first_output():
    assert parse_ref("a") == parse_ref("a:0") == TensorRef("a", 0)
    with pytest.raises(errors.FormatError, match="a reference to a tensor is damaged"):
        parse_ref("a:b")


def test_a_damaged_message_is_named():
    message = any_pb2.Any(type_url="x")
    assert parse_message(any_pb2.Any, message.SerializeToString(), "it") == message
    with pytest.raises(errors.FormatError, match="the message is damaged"):
        parse_message(any_pb2.Any, b"\xff\xff", "the message")
