"""Targets that read SavedModels, and find in them what could do harm."""

import itertools

from google.protobuf import text_format
from hostile_models import OPS, PLACES, add_node, add_string
from tensorflow.core.protobuf import saved_model_pb2

import converter
from converter import errors
from converter.formats.registry import read_module
from converter.ir.serde import nodes_from_graph_def
from converter.safety.judge import inspect_saved_model
from converter.safety.keras_layers import _SavedMetadata, find_in_metadata
from converter.safety.serialized_graphs import find_graph, list_graphs
from fuzz_bytes.files import GOLDEN, fixture_files, write

_MODULE_DEF = bytes([8, 3])  # format: FORMAT_V3
_GRAPH = "saved_model.pb"
_TINY = GOLDEN / "half_plus_two" / "module"

_LAMBDA = b"""{"class_name": "Model", "config": {"layers": [{"class_name": "Lambda", "config":
 {"name": "twice", "function_type": "lambda", "function": ["4wE=", null, null]}}]}}"""


@errors.explaining_exhaustion()
def read_graph(data: bytes) -> None:
    """Reads a TF1 module whose `saved_model.pb` has the bytes."""
    write("graph", "tfhub_module.pb", _MODULE_DEF)
    read_module(write("graph", _GRAPH, data))


def graph_seeds() -> list[bytes]:
    """Graphs of fixtures, with functions, composites, tables, partitions and contexts."""
    return fixture_files(_GRAPH, 20_000, 24)


def read_module_def(data: bytes) -> None:
    """Reads a module whose `tfhub_module.pb` has the bytes."""
    write("module_def", _GRAPH, (_TINY / _GRAPH).read_bytes())
    read_module(write("module_def", "tfhub_module.pb", data))


def module_def_seeds() -> list[bytes]:
    """Both kinds of content: what hub writes, and a feature."""
    return [_MODULE_DEF, _MODULE_DEF + b"\x12\x03new"]


def scan(data: bytes) -> None:
    """Scans a SavedModel, and writes what was found as JSON and SARIF."""
    report = converter.scan(write("scan", _GRAPH, data))
    report.to_json()
    report.to_sarif("src")


def scan_seeds() -> list[bytes]:
    """Graphs with unsafe ops in every place, and those of fixtures."""
    return [*_hostile_models(), *fixture_files(_GRAPH, 8000, 8)]


def _hostile_models() -> list[bytes]:
    seeds = []
    for (change, _), op in zip(PLACES.values(), itertools.cycle(OPS), strict=False):
        model = saved_model_pb2.SavedModel()
        change(model.meta_graphs.add(), op)
        user_object = model.meta_graphs[0].object_graph_def.nodes.add().user_object
        user_object.identifier, user_object.metadata = "_tf_keras_layer", _LAMBDA.decode()
        seeds.append(model.SerializeToString())
    return seeds


def scan_text(data: bytes) -> None:
    """Scans a SavedModel in protobuf's text format."""
    converter.scan(write("text", "saved_model.pbtxt", data))


def text_seeds() -> list[bytes]:
    """Small graphs as text."""
    graphs = [*_hostile_models()[::5], *fixture_files(_GRAPH, 3000, 2)]
    return [
        text_format.MessageToString(saved_model_pb2.SavedModel.FromString(graph)).encode()
        for graph in graphs
    ]


def read_nested_graph(data: bytes) -> None:
    """Looks for unsafe ops in a graph that a constant holds in serialized form."""
    model = saved_model_pb2.SavedModel()
    graph_def = model.meta_graphs.add().graph_def
    add_string(graph_def.node, "graph", data)
    add_node(graph_def.node, "data", "DatasetFromGraph", "graph")
    inspect_saved_model(model)
    nodes = nodes_from_graph_def(graph_def)
    found = find_graph(nodes["data"], nodes)
    assert found is None or len(list(list_graphs(found))) == 1 + len(found.library.function)


def nested_graph_seeds() -> list[bytes]:
    """The graphs of hostile models, which hold each other."""
    return [
        saved_model_pb2.SavedModel.FromString(model).meta_graphs[0].graph_def.SerializeToString()
        for model in _hostile_models()
    ]


def read_keras_metadata(data: bytes) -> None:
    """Looks for Lambda layers in `keras_metadata.pb`."""
    list(find_in_metadata(data))


def keras_metadata_seeds() -> list[bytes]:
    """Metadata of a model with a Lambda layer, and without."""
    metadata = _SavedMetadata()
    metadata.nodes.add(node_path=b"root", identifier=b"_tf_keras_network", metadata=_LAMBDA)
    plain = _SavedMetadata()
    plain.nodes.add(node_path=b"root", identifier=b"_tf_keras_layer", metadata=b"{}")
    return [metadata.SerializeToString(), plain.SerializeToString()]
