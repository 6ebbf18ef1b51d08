"""Lambda layers of Keras, in metadata and in objects."""

import base64
import json

import pytest
from tensorflow.core.protobuf import saved_model_pb2

from converter.safety.keras_layers import find_in_metadata, find_in_objects


def _lambda_layer(function, kind="lambda"):
    config = {"name": "twice", "function": function, "function_type": kind}
    return {"class_name": "Lambda", "config": config}


def _metadata(config, place="root.layer-1"):
    text = config if isinstance(config, bytes) else json.dumps(config).encode()
    saved = b"\x1a" + bytes([len(place)]) + place.encode() + b"\x2a" + _varint(len(text)) + text
    return b"\x0a" + _varint(len(saved)) + saved


def _varint(number):
    return bytes([number & 127 | 128]) + _varint(number >> 7) if number > 127 else bytes([number])


_BYTECODE = {"class_name": "__tuple__", "items": [base64.b64encode(b"code").decode(), None, None]}


@pytest.mark.parametrize(
    ("config", "severity", "reason"),
    [
        (_lambda_layer(_BYTECODE), "high", "holds Python bytecode"),
        ({"config": {"layers": [_lambda_layer(_BYTECODE)]}}, "high", "holds Python bytecode"),
        (_lambda_layer("tf.nn.relu", "function"), "low", "calls a function by name"),
        (_lambda_layer("name", "lambda"), "high", "holds Python bytecode"),
        ({"class_name": "Lambda", "config": None}, "high", "holds Python bytecode"),
        (b'{"class_name": "Lambda', "medium", "cannot be read"),
        (b'["Lambda",' + b"[" * 10_000, "medium", "cannot be read"),
    ],
)
def test_lambda_layers_of_keras(config, severity, reason):
    (finding,) = find_in_metadata(_metadata(config))
    assert (finding.severity, finding.file) == (severity, "keras_metadata.pb")
    assert finding.node.startswith("root.layer-1")
    assert reason in finding.reason


def test_an_escaped_name_of_a_lambda_layer():
    text = json.dumps(_lambda_layer(_BYTECODE)).replace('"Lambda"', '"\\u004cambda"').encode()
    (finding,) = find_in_metadata(_metadata(text))
    assert finding.severity == "high"


def test_damaged_metadata_of_keras():
    (finding,) = find_in_metadata(b"\xff\xff")
    assert finding.severity == "medium"


def test_it_does_nothing_because_the_layers_are_others():
    assert not [*find_in_metadata(_metadata({"class_name": "Dense"}))]
    assert not [*find_in_metadata(_metadata({"class_name": "Dense", "name": "Lambda"}))]


def test_lambda_layers_in_the_objects_of_a_saved_model():
    saved_model = saved_model_pb2.SavedModel()
    nodes = saved_model.meta_graphs.add().object_graph_def.nodes
    for identifier in ("_tf_keras_layer", "_generic_user_object"):
        user_object = nodes.add().user_object
        user_object.identifier = identifier
        user_object.metadata = json.dumps(_lambda_layer(_BYTECODE))
    (finding,) = find_in_objects(saved_model)
    assert (finding.severity, finding.file) == ("high", "saved_model.pb")
