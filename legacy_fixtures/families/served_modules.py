"""TF1 SavedModels of programs that load a module of TF Hub, and export it for a server."""

from __future__ import annotations

import dataclasses
import os

import tensorflow.compat.v1 as tf
import tensorflow_hub as hub

from legacy_fixtures.exporting import SESSION_CONFIG
from legacy_fixtures.families import bert, gan, image
from legacy_fixtures.fixture import TRAIN, module_path

SERVE = frozenset({"serve"})


def _apply(module, signature):
    """Applies a signature of a module to placeholders, and returns the one for the SavedModel."""
    inputs = {
        name: tf.placeholder(info.dtype, info.get_shape(), name=f"{signature}_{name}")
        for name, info in module.get_input_info_dict(signature).items()
    }
    outputs = module(inputs, signature=signature, as_dict=True)
    build = tf.saved_model.build_tensor_info
    return tf.saved_model.build_signature_def(
        {name: build(tensor) for name, tensor in inputs.items()},
        {name: build(tensor) for name, tensor in outputs.items()},
        tf.saved_model.PREDICT_METHOD_NAME,
    )


def _export_served(fixture, path):
    """Writes a graph variant of the SavedModel for each of the module, weights with the first."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    builder = tf.saved_model.Builder(path)
    for number, (tags, of_module) in enumerate(fixture.tags_and_args):
        with tf.Graph().as_default(), tf.Session(config=SESSION_CONFIG) as session:
            module = hub.Module(module_path(fixture.needs[0]), trainable=True, tags=set(of_module))
            signatures = {
                name: _apply(module, name) for name in sorted(module.get_signature_names())
            }
            options = {
                "signature_def_map": signatures,
                "assets_collection": tf.get_collection(tf.GraphKeys.ASSET_FILEPATHS),
                "main_op": tf.tables_initializer(),
            }
            if number:
                builder.add_meta_graph(sorted(tags), **options)
                continue
            session.run([tf.global_variables_initializer(), tf.tables_initializer()])
            builder.add_meta_graph_and_variables(session, sorted(tags), **options)
    builder.save()


def _served(fixture, tags_and_args):
    return dataclasses.replace(
        fixture,
        name=f"served_{fixture.family}",
        family="served_modules",
        description=f"{fixture.name}, loaded from TF Hub and exported for a server",
        module_fn=lambda: None,
        tags_and_args=tags_and_args,
        export=_export_served,
        needs=(fixture.name,),
        is_saved_model=True,
    )


_PAIR = ((SERVE, frozenset()), (SERVE | TRAIN, TRAIN))

IMAGE = _served(image.IMAGE_BN_DROPOUT, _PAIR)
BERT = _served(bert.BERT_TINY, _PAIR)
GAN = _served(gan.GAN_SPECTRAL, tuple((tags, tags) for tags, _ in gan.GAN_SPECTRAL.tags_and_args))
