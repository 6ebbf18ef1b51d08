"""Functions that build TF1 modules, for TensorFlow 1.15 as well as 2.15.

Run by itself in TensorFlow 1.15, this file prints the initial values that its seeds give there,
which are kept beside it: `python tests/interface/module_functions.py > …/module_functions.json`.
"""

import json
import sys

import tensorflow as tf
import tensorflow.compat.v1 as tf1
import tensorflow_hub as hub


def module_fn(is_training, words):
    x = tf1.placeholder(tf.float32, [None, 3])
    with tf1.variable_scope("dense", partitioner=tf1.fixed_size_partitioner(2)):
        kernel = tf1.get_variable(
            "kernel", [3, 4], initializer=tf1.glorot_uniform_initializer(seed=3)
        )
    regularizer = lambda value: 0.5 * tf.reduce_sum(value**2)  # noqa: E731
    bias = tf1.get_variable(
        "bias", [4], initializer=tf1.truncated_normal_initializer(seed=5), regularizer=regularizer
    )
    scale = tf1.get_variable(
        "scale", [4], initializer=tf1.random_normal_initializer(seed=9), use_resource=False
    )
    steps = tf1.get_variable("steps", [], tf.int64, tf1.constant_initializer(7), trainable=False)
    mean = tf1.get_variable("mean", [4], initializer=tf1.ones_initializer(), trainable=False)
    y = (tf.matmul(x, tf.convert_to_tensor(kernel)) + bias) * scale
    if is_training:
        update = tf1.assign(mean, 0.9 * mean + 0.1 * tf.reduce_mean(y, 0))
        tf1.add_to_collection(tf1.GraphKeys.UPDATE_OPS, update.op)
    else:
        y -= mean
    y += tf.cast(steps, tf.float32)
    hub.add_signature(inputs=x, outputs={"default": y, "squared": y**2})
    _add_table(words)
    size = hub.ImageModuleInfo.InputSize(height=8, width=9)
    info = hub.ImageModuleInfo(default_image_size=size)
    hub.attach_message("image_module_info", info)


def _add_table(words):
    texts = tf1.placeholder(tf.string, [None])
    file = tf.constant(words)
    tf1.add_to_collection(tf1.GraphKeys.ASSET_FILEPATHS, file)
    table = tf.lookup.StaticHashTable(
        tf.lookup.TextFileInitializer(
            file, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER,
        ),
        -1,
    )  # fmt: skip
    hub.add_signature("look", inputs=texts, outputs=table.lookup(texts))


def nested_module_fn(path):
    texts = tf1.placeholder(tf.string, [None])
    inner = hub.Module(path, trainable=True)
    hub.add_signature(inputs=texts, outputs=2 * inner(texts))


def _print_values():
    arguments = {"is_training": False, "words": "words"}
    spec = hub.create_module_spec(module_fn, [(set(), arguments)])
    with tf.Graph().as_default(), tf1.Session() as session:
        hub.Module(spec)
        session.run(tf1.global_variables_initializer())
        values = {v.op.name[len("module/") :]: session.run(v) for v in tf1.global_variables()}
    text = json.dumps({name: value.tolist() for name, value in sorted(values.items())}, indent=1)
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    _print_values()
