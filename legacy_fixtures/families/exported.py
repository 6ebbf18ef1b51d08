"""Modules that came about in other ways than by exporting a new module at once."""

from __future__ import annotations

import os
import tempfile

import numpy as np
import tensorflow.compat.v1 as tf
import tensorflow_hub as hub

from legacy_fixtures import examples
from legacy_fixtures.exporting import SESSION_CONFIG
from legacy_fixtures.families import image
from legacy_fixtures.fixture import INFERENCE, TRAIN, Call, Fixture, module_path

_SIZE = 6
_BATCH = examples.normal(8, _SIZE)
_TARGETS = examples.normal(8, 4, seed=1)


def _estimator_module(is_training):
    """Batch norm between two layers, with initial values that training then moves."""
    random = tf.random_uniform_initializer(-0.7, 0.7, seed=5)
    x = tf.placeholder(tf.float32, [None, _SIZE], name="x")
    hidden = tf.layers.dense(x, 8, kernel_initializer=random, name="hidden")
    normalized = tf.layers.batch_normalization(
        hidden, momentum=0.8, training=is_training, beta_initializer=random, name="norm"
    )
    y = tf.layers.dense(tf.nn.relu(normalized), 4, kernel_initializer=random, name="y")
    hub.add_signature(inputs=x, outputs={"default": y, "hidden": hidden})


def _model_fn(features, labels, mode, params):
    training = mode == tf.estimator.ModeKeys.TRAIN
    tags = TRAIN if training else INFERENCE
    module = hub.Module(params["spec"], trainable=training, tags=tags)
    hub.register_module_for_export(module, "estimator_module")
    y = module(features)
    if mode == tf.estimator.ModeKeys.PREDICT:
        return tf.estimator.EstimatorSpec(mode, predictions=y)
    loss = tf.losses.mean_squared_error(labels, y)
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        optimizer = tf.train.GradientDescentOptimizer(0.1)
        train_op = optimizer.minimize(loss, tf.train.get_global_step())
    return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=train_op)


def _serving_input_fn():
    x = tf.placeholder(tf.float32, [None, _SIZE])
    return tf.estimator.export.TensorServingInputReceiver(x, x)


def _export_from_estimator(fixture, path):
    """Trains an Estimator and exports from its checkpoint."""
    spec = hub.create_module_spec(fixture.module_fn, fixture.tags_and_args)
    config = tf.estimator.RunConfig(tf_random_seed=7, session_config=SESSION_CONFIG)
    with tempfile.TemporaryDirectory() as scratch:
        estimator = tf.estimator.Estimator(
            _model_fn, os.path.join(scratch, "model"), config, {"spec": spec}
        )
        estimator.train(
            lambda: tf.data.Dataset.from_tensors((_BATCH, _TARGETS)).repeat(), max_steps=10
        )
        exporter = hub.LatestModuleExporter("tf_hub", _serving_input_fn)
        exported = exporter.export(estimator, os.path.join(scratch, "export"))
        source = os.path.join(tf.compat.as_str(exported), "estimator_module")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.rename(source, path)


def _export_fine_tuned(fixture, path):
    """Trains the module of another fixture for some steps, and exports it again."""
    del fixture
    with tf.Graph().as_default():
        module = hub.Module(module_path("image_bn_dropout"), trainable=True, tags=TRAIN)
        images = tf.constant(examples.images(8, 16, 16, 3, seed=4))
        targets = tf.constant(examples.normal(8, 8, seed=5))
        loss = tf.losses.mean_squared_error(targets, module({"images": images}))
        with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
            step = tf.train.GradientDescentOptimizer(0.05).minimize(loss)
        with tf.Session(config=SESSION_CONFIG) as session:
            session.run(tf.global_variables_initializer())
            for _ in range(5):
                session.run(step)
            module.export(path, session)


def _unknown_shape():
    """A variable without static shape: its graph says nothing of the 2 x 3 in the checkpoint."""
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    initial = tf.placeholder_with_default(np.zeros((2, 3), np.float32), None)
    kernel = tf.get_variable("kernel", initializer=initial, validate_shape=False)
    counts = tf.get_variable(
        "counts",
        initializer=tf.placeholder_with_default(np.zeros([5], np.int64), None),
        validate_shape=False,
        trainable=False,
        use_resource=False,
    )
    outputs = {"default": tf.matmul(x, kernel), "counts": counts + 1}
    hub.add_signature(inputs=x, outputs=outputs)


def _random_noise():
    """Draws from every distribution, with the op's seed, the graph's seed, both, and none."""
    shape = tf.placeholder(tf.int32, [2], name="shape")
    scale = tf.get_variable("scale", [])
    logits = tf.get_variable("logits", [2, 5])
    outputs = {
        "uniform": tf.random.uniform(shape, seed=11) * scale,
        "normal": tf.random.normal(shape, seed=12) * scale,
        "truncated": tf.random.truncated_normal(shape, seed=13, dtype=tf.float64),
        "integers": tf.random.uniform(shape, 3, 30, tf.int64, seed=14),
        "classes": tf.random.categorical(logits, 6, seed=15),
        "shuffled": tf.random.shuffle(tf.range(shape[1]), seed=16),
    }
    hub.add_signature(inputs={"shape": shape}, outputs=outputs)
    hub.add_signature("unseeded", {"shape": shape}, tf.random.uniform(shape) + scale)
    tf.set_random_seed(99)
    hub.add_signature("graph_seed", {"shape": shape}, tf.random.normal(shape) + scale)


_ESTIMATOR_VARIANTS = ((INFERENCE, {"is_training": False}), (TRAIN, {"is_training": True}))
_SHAPE = {"shape": [4, 7]}

EXPORTED_FROM_ESTIMATOR = Fixture(
    name="exported_from_estimator",
    family="exported",
    description="exported by hub.LatestModuleExporter from an Estimator's checkpoint",
    module_fn=_estimator_module,
    tags_and_args=_ESTIMATOR_VARIANTS,
    export=_export_from_estimator,
    trained=True,
    calls=(Call("default", {"default": _BATCH}),),
)

EXPORTED_FINE_TUNED = Fixture(
    name="exported_fine_tuned",
    family="exported",
    description="image_bn_dropout, trained for five steps and exported again",
    module_fn=image.IMAGE_BN_DROPOUT.module_fn,
    tags_and_args=image.IMAGE_BN_DROPOUT.tags_and_args,
    export=_export_fine_tuned,
    needs=("image_bn_dropout",),
    trained=True,
    calls=image.IMAGE_BN_DROPOUT.calls,
)

UNKNOWN_SHAPE_VARIABLE = Fixture(
    name="unknown_shape_variable",
    family="exported",
    description="variables without static shape (validate_shape=False)",
    module_fn=_unknown_shape,
    calls=(Call("default", {"default": examples.normal(4, 2)}),),
)

RANDOM_NOISE = Fixture(
    name="random_noise",
    family="exported",
    description="random ops of all kinds in the inference graph",
    module_fn=_random_noise,
    calls=(Call("default", _SHAPE), Call("unseeded", _SHAPE), Call("graph_seed", _SHAPE)),
)
