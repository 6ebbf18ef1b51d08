"""Finds the Lambda layers of a Keras model, whose Python bytecode runs when Keras loads it.

`tf_keras.models.load_model` restores layers from their configurations: in `keras_metadata.pb`, or,
before TensorFlow 2.5, in the objects of `saved_model.pb`. Other loaders do not read them.

Source: saved_metadata.proto of Keras, `func_load` of keras/src/utils/generic_utils.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory

from converter.safety.findings import Finding, Severity
from converter.safety.op_table import Kind

FILE_NAME = "keras_metadata.pb"
_Field = descriptor_pb2.FieldDescriptorProto


def _message_class() -> Any:
    """Declares the messages, which are not TensorFlow's, in their own pool."""
    file = descriptor_pb2.FileDescriptorProto(
        name="converter/keras.proto", package="keras", syntax="proto3"
    )
    saved_object = file.message_type.add(name="SavedObject")
    for name, number in (("node_path", 3), ("identifier", 4), ("metadata", 5)):
        # Bytes are strings on the wire, and these need not be UTF-8.
        saved_object.field.add(
            name=name, number=number, type=_Field.TYPE_BYTES, label=_Field.LABEL_OPTIONAL
        )
    metadata = file.message_type.add(name="SavedMetadata")
    metadata.field.add(
        name="nodes",
        number=1,
        type=_Field.TYPE_MESSAGE,
        type_name=".keras.SavedObject",
        label=_Field.LABEL_REPEATED,
    )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("keras.SavedMetadata"))


_SavedMetadata = _message_class()


def find_in_metadata(content: bytes) -> Iterator[Finding]:
    """Finds the Lambda layers in the bytes of `keras_metadata.pb`."""
    try:
        nodes = _SavedMetadata.FromString(content).nodes
    except message.DecodeError:
        yield _finding(FILE_NAME, "", "medium", "cannot be read, so its layers are not known")
        return
    for node in nodes:
        place = node.node_path.decode(errors="replace")
        yield from _find_in_config(node.metadata, FILE_NAME, place)


def find_in_objects(saved_model: Any) -> Iterator[Finding]:
    """Finds the Lambda layers in the objects of `saved_model.pb`."""
    for meta_graph in saved_model.meta_graphs:
        for node in meta_graph.object_graph_def.nodes:
            user_object = node.user_object
            if user_object.identifier.startswith("_tf_keras_"):
                yield from _find_in_config(
                    user_object.metadata.encode(), "saved_model.pb", user_object.identifier
                )


def _find_in_config(text: bytes, file: str, place: str) -> Iterator[Finding]:
    if b"Lambda" not in text and b"\\u" not in text:  # JSON may escape letters.
        return
    try:
        config = json.loads(text)
    except (ValueError, RecursionError):
        yield _finding(file, place, "medium", "has a configuration that cannot be read")
        return
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if value.get("class_name") == "Lambda":
                yield _judge_lambda(value.get("config"), file, place)
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _judge_lambda(config: Any, file: str, place: str) -> Finding:
    config = config if isinstance(config, dict) else {}
    name = config.get("name")
    where = f"{place}/{name}" if isinstance(name, str) else place
    kinds = [config.get(key) for key in ("function_type", "output_shape_type", "mask_type")]
    if "lambda" in kinds or not isinstance(config.get("function"), str):
        return _finding(file, where, "high", "holds Python bytecode, which Keras runs")
    return _finding(file, where, "low", "calls a function by name, which Keras looks up")


def _finding(file: str, place: str, severity: Severity, reason: str) -> Finding:
    return Finding(
        severity=severity,
        kind=Kind.RUNS_CODE.value,
        op="Lambda layer of Keras",
        reason=reason,
        file=file,
        node=place,
        runs=("load",),
    )
