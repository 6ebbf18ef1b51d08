"""The protobuf messages of TF1 Hub modules that are not TensorFlow's.

tensorflow_hub 0.16 no longer ships them. They are declared here in their own descriptor pool, so
that any protobuf runtime can read them, and other copies of them do not collide.

Sources: module_def.proto, module_attachment.proto and image_module_info.proto of
tensorflow_hub 0.12.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "tensorflow_hub"
_Field = descriptor_pb2.FieldDescriptorProto

FORMAT_V3 = 3


def _field(name: str, number: int, kind: Any, *, repeated: bool = False, of: str = "") -> Any:
    return _Field(
        name=name,
        number=number,
        type=kind,
        label=_Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL,
        type_name=of or None,
    )


def _build_pool() -> descriptor_pool.DescriptorPool:
    file = descriptor_pb2.FileDescriptorProto(
        name="converter/hub.proto", package=_PACKAGE, syntax="proto3"
    )
    module_def = file.message_type.add(name="ModuleDef")
    formats = module_def.enum_type.add(name="Format")
    formats.value.add(name="FORMAT_UNSPECIFIED", number=0)
    formats.value.add(name="FORMAT_V3", number=FORMAT_V3)
    module_def.field.extend(
        [
            _field("format", 1, _Field.TYPE_ENUM, of=f".{_PACKAGE}.ModuleDef.Format"),
            _field("required_features", 2, _Field.TYPE_STRING, repeated=True),
        ]
    )
    attachment = file.message_type.add(name="ModuleAttachment")
    attachment.field.extend(
        [_field("key", 1, _Field.TYPE_STRING), _field("value", 2, _Field.TYPE_BYTES)]
    )
    image = file.message_type.add(name="ImageModuleInfo")
    size = image.nested_type.add(name="InputSize")
    size.field.extend(
        [_field("height", 1, _Field.TYPE_INT32), _field("width", 2, _Field.TYPE_INT32)]
    )
    of_size = f".{_PACKAGE}.ImageModuleInfo.InputSize"
    image.field.append(_field("default_image_size", 1, _Field.TYPE_MESSAGE, of=of_size))
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return pool


_POOL = _build_pool()


def _message_class(name: str) -> Any:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


ModuleDef = _message_class("ModuleDef")
ModuleAttachment = _message_class("ModuleAttachment")
ImageModuleInfo = _message_class("ImageModuleInfo")

# The types of attachments by their keys; these attachments can be printed as JSON.
ATTACHMENT_TYPES = {"image_module_info": ImageModuleInfo}
