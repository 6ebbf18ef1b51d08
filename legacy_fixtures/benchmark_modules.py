"""Writes modules of the size of published ones, which `scripts/bench` measures.

    python -m legacy_fixtures.benchmark_modules resnet_50 DIRECTORY

Runs in the TensorFlow 1.15 environment, in this folder. The weights are seeded; nothing of it is
committed. Beside the module it writes `inputs.npz`, a small batch for the signature.
"""

from __future__ import annotations

import functools
import os
import sys
from typing import Any, Callable, Dict, Mapping, NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf
import tensorflow_hub as hub
import tf_slim as slim
from tf_slim.nets import inception_v3, resnet_v1

from legacy_fixtures.exporting import export_with_seeded_weights
from legacy_fixtures.families.bert import Size, bert
from legacy_fixtures.fixture import INFERENCE, TRAIN, Fixture

_BERT_BASE = Size(
    vocabulary=30522, hidden=768, heads=12, layers=12, intermediate=3072, positions=512
)
_VARIANTS = ((INFERENCE, {"is_training": False}), (TRAIN, {"is_training": True}))


class _Benchmark(NamedTuple):
    """A module's graph, and a batch that a step takes about a second for on two cores."""

    module_fn: Callable[..., None]
    inputs: Mapping[str, Any]
    tags_and_args: Any = _VARIANTS


def _resnet(is_training):
    images = tf.placeholder(tf.float32, [None, 224, 224, 3], name="images")
    with slim.arg_scope(resnet_v1.resnet_arg_scope()):
        features, _ = resnet_v1.resnet_v1_50(images, is_training=is_training)
    _drop_own_collections()
    hub.add_signature("default", {"images": images}, tf.squeeze(features, [1, 2]))


def _inception(is_training):
    """Without dropout, so that a training step gives the same numbers wherever it runs."""
    images = tf.placeholder(tf.float32, [None, 299, 299, 3], name="images")
    with slim.arg_scope(inception_v3.inception_v3_arg_scope()):
        logits, _ = inception_v3.inception_v3(
            images, 1001, is_training, dropout_keep_prob=1.0, create_aux_logits=False
        )
    _drop_own_collections()
    hub.add_signature("default", {"images": images}, logits)


def _lstm():
    x = tf.placeholder(tf.float32, [None, None, 128], name="x")
    outputs, _ = tf.nn.dynamic_rnn(tf.nn.rnn_cell.LSTMCell(256), x, dtype=tf.float32)
    hub.add_signature(inputs=x, outputs=outputs)


def _drop_own_collections():
    """Takes out the collections that are slim's alone, which no hub module may have."""
    for name in ("resnet_v1_50/_end_points", "moving_vars"):
        tf.get_default_graph().clear_collection(name)


def _floats(*shape):
    return np.random.RandomState(0).uniform(-1.0, 1.0, shape).astype(np.float32)


def _tokens(batch, length):
    ids = np.random.RandomState(0).randint(0, _BERT_BASE.vocabulary, (batch, length))
    return {
        "input_ids": ids.astype(np.int32),
        "input_mask": np.ones((batch, length), np.int32),
        "segment_ids": np.zeros((batch, length), np.int32),
    }


_BENCHMARKS: Dict[str, _Benchmark] = {
    "resnet_50": _Benchmark(_resnet, {"images": _floats(2, 224, 224, 3)}),
    "inception_v3": _Benchmark(_inception, {"images": _floats(2, 299, 299, 3)}),
    "bert_base": _Benchmark(
        functools.partial(bert, with_mlm=False, size=_BERT_BASE), _tokens(1, 128)
    ),
    "lstm": _Benchmark(_lstm, {"default": _floats(16, 50, 128)}, ((INFERENCE, {}),)),
}


def main(name: str, directory: str) -> None:
    """Writes `module` and `inputs.npz` into a directory."""
    benchmark = _BENCHMARKS[name]
    fixture = Fixture(
        name=name,
        family="benchmark",
        description="a published size",
        module_fn=benchmark.module_fn,
        tags_and_args=benchmark.tags_and_args,
        calls=(),
    )
    np.savez(os.path.join(directory, "inputs.npz"), **benchmark.inputs)
    export_with_seeded_weights(fixture, os.path.join(directory, "module"))


if __name__ == "__main__":
    main(*sys.argv[1:])
