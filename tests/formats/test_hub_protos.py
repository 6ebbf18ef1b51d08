import base64

from google.protobuf import json_format

from converter.formats import hub_protos


def test_module_def_reads_what_tensorflow_hub_writes():
    # field 1, varint 3; field 2, "x"
    message = hub_protos.ModuleDef.FromString(b"\x08\x03\x12\x01x")
    assert message.format == hub_protos.FORMAT_V3
    assert list(message.required_features) == ["x"]


def test_attachments_have_a_key_and_bytes():
    message = hub_protos.ModuleAttachment.FromString(b"\x0a\x01k\x12\x02\xff\x00")
    assert (message.key, message.value) == ("k", b"\xff\x00")


def test_image_module_info_prints_as_json():
    value = base64.b64decode("CgYI4AEQ4AE=")  # default_image_size { height: 224 width: 224 }
    message = hub_protos.ATTACHMENT_TYPES["image_module_info"].FromString(value)
    assert json_format.MessageToDict(message) == {"defaultImageSize": {"height": 224, "width": 224}}


def test_the_golden_image_module_has_one(golden_module):
    from converter.formats.registry import read_module

    program = read_module(golden_module("image_bn_dropout")).variants[frozenset()]
    info = hub_protos.ImageModuleInfo.FromString(program.attachments["image_module_info"])
    assert info.default_image_size.height == 16
