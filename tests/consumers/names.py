"""The names of families and consumers, in the order of docs/consumers.md. Imports no TensorFlow."""

# The fixture of each family; `legacy_fixtures/README.md` tells what these are.
FAMILIES = {
    "image": "image_bn_dropout",
    "text with a table": "text_embedding_oov",
    "BERT": "bert_tiny",
    "ELMo": "elmo",
    "GAN": "gan_truncation",
    "flow": "flow_autoregressive",
    "detector": "nms_in_map",
    "sparse input": "sparse_input",
}

CONSUMER_NAMES = (
    "`tf.saved_model.load`",
    "`hub.load`",
    "loaded twice in one process",
    "saved again",
    "wrapped in a `tf.Module` and saved",
    "`tf.train.Checkpoint`",
    "`tf.data.Dataset.map`",
    "persistent `tf.GradientTape`",
    "XLA, inference",
    "XLA, gradient",
    "`hub.KerasLayer`, functional model",
    "`hub.KerasLayer`, sequential model",
    "`hub.KerasLayer`, model saved and loaded",
    "`hub.KerasLayer`, loaded model trains",
    "`hub.KerasLayer`, mixed precision",
    '`hub.KerasLayer(dtype="float32")`, mixed precision',
    "`ModuleLayer`, functional model",
    "`ModuleLayer`, sequential model",
    "`ModuleLayer`, model saved and loaded",
    "`ModuleLayer`, loaded model trains",
    "`ModuleLayer`, mixed precision",
    "`TFSMLayer`, inference",
    "`TFSMLayer`, `fit`",
    "`MirroredStrategy.run`",
    "`MirroredStrategy`, `fit` with `hub.KerasLayer`",
    "`MirroredStrategy`, `fit` with `ModuleLayer`",
    "`tf.compat.v1.saved_model.load` in a session",
    "`saved_model_cli show`",
    "`saved_model_cli run`",
    "TensorFlow Serving: layout, warm-up requests",
    "LiteRT",
    "ONNX",
    "TF.js",
)

# What consumers need beside TensorFlow.
KERAS_3 = tuple(name for name in CONSUMER_NAMES if "ModuleLayer" in name or "TFSMLayer" in name)
HUB = tuple(name for name in CONSUMER_NAMES if "`hub." in name)
PACKAGES = {"ONNX": ("tf2onnx", "onnxruntime")}
# Environment variables with the places of tools that cannot be installed beside TensorFlow:
# `tensorflowjs_converter`, and the folder in which npm installed @tensorflow/tfjs.
TFJS_CONVERTER = "CONSUMERS_TFJS_CONVERTER"
TFJS_MODULES = "CONSUMERS_TFJS_MODULES"
EXTERNAL_TOOLS = {"TF.js": (TFJS_CONVERTER, TFJS_MODULES)}
