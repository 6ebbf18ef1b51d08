"""Messages attached to a module."""

from __future__ import annotations

import tensorflow.compat.v1 as tf
import tensorflow_hub as hub
from google.protobuf import struct_pb2

from legacy_fixtures import examples
from legacy_fixtures.fixture import INFERENCE, TRAIN, Call, Fixture


def _attachments(is_training):
    images = tf.placeholder(tf.float32, [None, 8, 12, 3], name="images")
    weights = tf.get_variable("weights", [3])
    hub.add_signature(inputs={"images": images}, outputs=tf.tensordot(images, weights, 1))

    info = hub.ImageModuleInfo()
    info.default_image_size.height = 8
    info.default_image_size.width = 12
    hub.attach_image_module_info(info)

    limits = struct_pb2.Struct()
    # One field alone, as the order of several is another in every build.
    limits.update({"max_batch": 64 if is_training else 8})
    hub.attach_message("limits", limits)
    if is_training:
        hub.attach_message("optimizer", struct_pb2.Value(string_value="momentum"))


ATTACHMENTS = Fixture(
    name="attachments",
    family="attachments",
    description="ImageModuleInfo and custom messages that differ per graph variant",
    module_fn=_attachments,
    tags_and_args=((INFERENCE, {"is_training": False}), (TRAIN, {"is_training": True})),
    calls=(Call("default", {"images": examples.images(2, 8, 12, 3)}),),
)
