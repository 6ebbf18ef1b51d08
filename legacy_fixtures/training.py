"""Records training by TensorFlow 1.15: `scripts/record_training` runs this.

Each fixture takes 50 steps of gradient descent in one session, over the same five batches again
and again. A step minimizes the mean squared error of an output with the regularization losses of
the module added, and runs the update ops once. Random ops are replaced as for the golden values.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from typing import Any, Dict, List, NamedTuple, Sequence

import numpy as np
import tensorflow.compat.v1 as tf
import tensorflow_hub as hub

from legacy_fixtures import determinism
from legacy_fixtures.application import Application, session_config
from legacy_fixtures.fixture import INFERENCE, TRAIN, Call, TagSet
from legacy_fixtures.golden_format import TensorStore

_STEPS = 50
_BATCHES = 5
_HERE = os.path.dirname(os.path.abspath(__file__))
_MODULES = os.path.join(_HERE, "golden")
_RECORDED = os.path.join(_HERE, "golden_training")
_WORDS = ("the", "cat", "sat", "on", "a", "mat", "zebra", "house", "tree", "quagga", "")


class Training(NamedTuple):
    """What to train.

    Attributes:
      tags: The graph variant that trains.
      signature: The signature to call.
      output: The output to train, `[batch, width]`.
      width: Its width.
      inputs: Makes the inputs of a batch from a `RandomState`.
      batch: The number of examples of a batch.
      learning_rate: The learning rate.
    """

    tags: TagSet
    signature: str
    output: str
    width: int
    inputs: Any
    batch: int
    learning_rate: float


def _images(random):
    return {"images": random.random_sample((8, 16, 16, 3)).astype(np.float32)}


def _sentences(name, batch, longest):
    def make(random):
        rows = [random.choice(_WORDS[:-1], random.randint(1, longest + 1)) for _ in range(batch)]
        return {name: np.array([" ".join(row) for row in rows], object)}

    return make


def _tokens(random):
    lengths = random.randint(3, 11, (8, 1))
    return {
        "input_ids": random.randint(0, 40, (8, 10)).astype(np.int32),
        "input_mask": (np.arange(10) < lengths).astype(np.int32),
        "segment_ids": (np.arange(10) >= lengths // 2).astype(np.int32),
    }


TRAININGS: Dict[str, Training] = {
    "image_bn_dropout": Training(TRAIN, "default", "default", 8, _images, 8, 0.05),
    "text_embedding_oov": Training(
        INFERENCE, "default", "default", 6, _sentences("default", 8, 6), 8, 0.5
    ),
    "bert_tiny": Training(TRAIN, "tokens", "pooled_output", 16, _tokens, 8, 0.05),
    # As many rows as the fixture carries state for.
    "elmo": Training(INFERENCE, "default", "default", 8, _sentences("strings", 4, 4), 4, 0.1),
}


def main(names: Sequence[str]) -> int:
    """Records the trainings of the fixtures, and returns the exit status."""
    unknown = sorted(set(names) - set(TRAININGS))
    if unknown:
        print(f"record_training: not one of {', '.join(TRAININGS)}: {unknown[0]}", file=sys.stderr)
        return 2
    os.makedirs(_RECORDED, exist_ok=True)
    for name in names or TRAININGS:
        _record(name, TRAININGS[name])
        print(f"wrote {os.path.join('golden_training', name)}", flush=True)
    return 0


def _record(name: str, training: Training) -> None:
    random = np.random.RandomState(7)
    batches = [
        (training.inputs(random), random.normal(size=(training.batch, training.width)))
        for _ in range(_BATCHES)
    ]
    batches = [(inputs, targets.astype(np.float32)) for inputs, targets in batches]
    with tempfile.TemporaryDirectory() as scratch:
        copy = os.path.join(scratch, "module")
        determinism.write_deterministic_copy(os.path.join(_MODULES, name, "module"), copy)
        losses, variables = _train(copy, training, batches)
    store = TensorStore()
    document = {
        "toolchain": {"tensorflow": tf.__version__, "tensorflow_hub": hub.__version__},
        "tags": sorted(training.tags),
        "signature": training.signature,
        "output": training.output,
        "learning_rate": training.learning_rate,
        "steps": _STEPS,
        "batches": [
            {"inputs": _encode(store, inputs), "targets": store.encode(targets)}
            for inputs, targets in batches
        ],
        "losses": store.encode(np.array(losses, np.float32)),
        "variables": _encode(store, variables),
    }
    place = os.path.join(_RECORDED, name)
    with open(place + ".json", "w") as file:
        json.dump(document, file, indent=1, sort_keys=True)
        file.write("\n")
    np.savez_compressed(place + ".npz", **store.arrays)


def _encode(store, values):
    return {name: store.encode(value) for name, value in values.items()}


def _train(module_dir, training, batches):
    """Returns the loss before each step, and the values of all variables after the last."""
    spec = hub.load_module_spec(module_dir)
    call = Call(training.signature, batches[0][0])
    losses: List[float] = []
    with Application(spec, training.tags, call) as application:
        output = application.outputs[training.output]
        targets = tf.placeholder(tf.float32, [None, training.width])
        regularization = [tf.reduce_sum(loss) for loss in application.losses]
        loss = tf.add_n([tf.reduce_mean(tf.square(output - targets)), *regularization])
        optimizer = tf.train.GradientDescentOptimizer(training.learning_rate)
        gradients = [pair for pair in optimizer.compute_gradients(loss) if pair[0] is not None]
        # No variable may change before everything that reads it has run.
        readers = [tf.convert_to_tensor(gradient) for gradient, _ in gradients]
        with tf.control_dependencies([loss, *readers, *application.update_ops]):
            step = optimizer.apply_gradients(gradients)
        with tf.Session(config=session_config()) as session:
            session.run([tf.global_variables_initializer(), tf.tables_initializer()])
            for index in range(_STEPS):
                inputs, wanted = batches[index % _BATCHES]
                feeds = {**application.feeds_of(inputs), targets: wanted}
                losses.append(session.run([loss, step], feeds)[0])
            return losses, session.run(application.variables)


if __name__ == "__main__":
    tf.logging.set_verbosity(tf.logging.ERROR)
    sys.exit(main(sys.argv[1:]))
