"""The protos of warm-up requests of TensorFlow Serving, as far as requests to predict need them.

Names and numbers of fields are those of `prediction_log`, `predict` and `model.proto` in
tensorflow_serving/apis.
"""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2
from tensorflow.core.framework import tensor_pb2

_PACKAGE = "tensorflow.serving"
_Field = descriptor_pb2.FieldDescriptorProto


def _message(file, name, *fields):
    message = file.message_type.add(name=name)
    for number, key, kind in fields:
        field = message.field.add(name=key, number=number, label=_Field.LABEL_OPTIONAL)
        if kind is str:
            field.type = _Field.TYPE_STRING
        else:
            field.type, field.type_name = _Field.TYPE_MESSAGE, kind
    return message


def _make_class():
    file = descriptor_pb2.FileDescriptorProto(
        name="consumers/warmup.proto", package=_PACKAGE, syntax="proto3"
    )
    for part in (tensor_pb2, wrappers_pb2):
        file.dependency.append(part.DESCRIPTOR.name)
    _message(
        file, "ModelSpec",
        (1, "name", str), (2, "version", ".google.protobuf.Int64Value"),
        (3, "signature_name", str),
    )  # fmt: skip
    request = _message(file, "PredictRequest", (1, "model_spec", f".{_PACKAGE}.ModelSpec"))
    entry = request.nested_type.add(name="InputsEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, label=_Field.LABEL_OPTIONAL, type=_Field.TYPE_STRING)
    entry.field.add(
        name="value", number=2, label=_Field.LABEL_OPTIONAL,
        type=_Field.TYPE_MESSAGE, type_name=".tensorflow.TensorProto",
    )  # fmt: skip
    request.field.add(
        name="inputs", number=2, label=_Field.LABEL_REPEATED,
        type=_Field.TYPE_MESSAGE, type_name=f".{_PACKAGE}.PredictRequest.InputsEntry",
    )  # fmt: skip
    _message(file, "PredictLog", (1, "request", f".{_PACKAGE}.PredictRequest"))
    _message(file, "PredictionLog", (6, "predict_log", f".{_PACKAGE}.PredictLog"))
    pool = descriptor_pool.Default()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.PredictionLog"))


PredictionLog = _make_class()
