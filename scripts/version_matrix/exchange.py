"""Converted models carried from one environment to another, where they must be the same models.

    python -m version_matrix.exchange write FOLDER [FIXTURE …]   # in one environment
    python -m version_matrix.exchange use FOLDER OUT             # in another one

`write` converts fixtures, saves models of Keras 3 that have them as layers, and trains all of them.
`use` loads the files, compares every call with the values of TensorFlow 1.15, trains likewise, and
compares the weights with those of `write`. It writes OUT, a document of JSON: the
worst relative difference of a weight for each comparison, or what failed.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import json
import pathlib
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from golden.converted_model import (
    ConvertedModel,
    convert_deterministic,
    convert_to_disk,
    restore,
    snapshot,
)
from golden.golden_values import GoldenCall, read_golden, read_training
from golden.test_golden import assert_equal
from interface.test_keras_layer import TENSORFLOW
from interface.training_doors import DOORS, worst_difference

Weights = dict[str, Any]

# A network for images, one for text with a table, BERT, LSTMs in loops of V1, a loop of V2, a GAN.
RECORDED = ("image_bn_dropout", "text_embedding_oov", "bert_tiny", "elmo")
FIXTURES = (*RECORDED, "v2_rnn", "while_nested", "gan_spectral")
_SLOW = ("bert_tiny", "elmo")
# TensorFlow 2.15 comes with Keras 2.
_HAS_KERAS_3 = TENSORFLOW >= (2, 16)
_STEPS = 5
_RATE = 0.01
# As in tests/interface/test_training_steps.py, for the network that magnifies rounding most.
TOLERANCE = 1e-5
# The momentum of what has no gradient, such as the bias of attention's keys, is rounding alone:
# 1e-10, where others are 1e-2 and weights about 1.
_NOISE = 1e-8
# What 5 steps change at the least: much more than the tolerance.
_LEAST_MOVE = 1e-3


def write(folder: pathlib.Path, names: Sequence[str]) -> None:
    """Converts the fixtures, saves models of Keras, and trains all, in this environment."""
    for name in names:
        shutil.copytree(convert_deterministic(name), folder / name)
        record = convert_to_disk(name).record
        (folder / f"{name}.json").write_text(json.dumps(record))
    if _HAS_KERAS_3:
        for name in _written(folder, RECORDED):
            _save_keras_file(folder, name)
    for what, train in _trainings(folder):
        np.savez(folder / f"{what}.npz", **train())


def _written(folder: pathlib.Path, names: Sequence[str]) -> list[str]:
    """Those of some fixtures that are in a folder."""
    return [name for name in names if (folder / f"{name}.json").exists()]


def use(folder: pathlib.Path) -> dict[str, float | str]:
    """Compares what was written, and what its training came to, with the same done here."""
    comparisons = [*_comparisons_with_tf1(folder), *_comparisons_of_weights(folder)]
    return {what: outcome_of(compare) for what, compare in comparisons}


def outcome_of(compare: Callable[[], float]) -> float | str:
    """What a comparison returns, or what it raises, as text."""
    try:
        return compare()
    except Exception as error:  # Whatever a version raises is the finding.
        traceback.print_exc()
        return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"


def _loaders(name: str) -> dict[str, Callable[[str], Any]]:
    """The functions that load a fixture, by name; hub.KerasLayer calls hub.load for slow ones."""
    found: dict[str, Callable[[str], Any]] = {"tf.saved_model.load": tf.saved_model.load}
    if _has("tensorflow_hub") and name not in _SLOW:
        import tensorflow_hub as hub

        found["hub.load"] = hub.load
    return found


def _has(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _load(folder: pathlib.Path, name: str, load: Callable[[str], Any]) -> ConvertedModel:
    record = json.loads((folder / f"{name}.json").read_text())
    return ConvertedModel(folder / name, record, load(str(folder / name)))


# Values of TensorFlow 1.15.


def _comparisons_with_tf1(folder: pathlib.Path) -> Iterator[tuple[str, Callable[[], float]]]:
    for name in _written(folder, FIXTURES):
        for door, load in _loaders(name).items():
            yield f"{name}, values, {door}", functools.partial(_compare_calls, folder, name, load)


def _compare_calls(folder: pathlib.Path, name: str, load: Callable[[str], Any]) -> float:
    """Compares all outputs and gradients; returns nothing but 0, or raises an AssertionError."""
    model = _load(folder, name, load)
    before = snapshot(model)
    for call in read_golden(name).calls:
        outputs, gradients = model.run(call)
        restore(model, before)
        where = f"{call.signature} of {sorted(call.tags)}"
        for key, expected in call.outputs.items():
            assert_equal(expected, outputs[key], f"{where}, output {key}")
        expected_gradients = call.gradients or {}
        scale = max([_largest(g) for g in expected_gradients.values() if g is not None], default=0)
        for key, expected in expected_gradients.items():
            if expected is not None:
                assert_equal(expected, gradients[key], f"{where}, gradient of {key}", scale)
    return 0.0


def _largest(values: Any) -> float:
    return float(np.max(np.abs(values), initial=0.0))


# Weights after training.


def _trainings(folder: pathlib.Path) -> Iterator[tuple[str, Callable[[], Weights]]]:
    """What can be trained here, by the name that the weights have in a folder."""
    for name in _written(folder, FIXTURES):
        if name not in RECORDED:
            for door, load in _loaders(name).items():
                yield f"{name}, {door}", functools.partial(_train_calls, folder, name, load)
    available = {
        "loop": True,
        "hub.KerasLayer": _has("tensorflow_hub"),
        "ModuleLayer": _HAS_KERAS_3,
    }
    for name in _written(folder, RECORDED):
        training = dataclasses.replace(read_training(name), steps=_STEPS)
        for door, train in DOORS.items():
            if available[door]:
                yield f"{name}, {door}", functools.partial(train, str(folder / name), training)
        file = folder / f"{name}.keras"
        if file.exists() and _HAS_KERAS_3:
            yield f"{name}, .keras file", functools.partial(_train_keras_file, file, name)


def _comparisons_of_weights(folder: pathlib.Path) -> Iterator[tuple[str, Callable[[], float]]]:
    """Each training that can be done here, with that of `write` or, if it could not, its loop."""
    for what, train in _trainings(folder):
        there = folder / f"{what}.npz"
        if not there.exists():  # No such door there: the same steps by another.
            name = what.partition(", ")[0]
            other = "loop" if name in RECORDED else "tf.saved_model.load"
            there = folder / f"{name}, {other}.npz"
        yield f"{what}, trained", functools.partial(compare_weights, train, there)


def compare_weights(train: Callable[[], Weights], there: pathlib.Path) -> float:
    """The worst relative difference between weights after training here and those in a file.

    Raises:
      AssertionError: if it is too large, or there are other variables.
    """
    found, expected = train(), dict(np.load(there))
    if missing := sorted(found.keys() ^ expected.keys()):
        raise AssertionError(f"one has no variable {missing[0]!r}")
    worst = float(worst_difference(found, expected))
    if not worst <= TOLERANCE:
        raise AssertionError(f"weights differ by {worst:.2g}, more than {TOLERANCE:.0e}")
    return worst


def _train_calls(folder: pathlib.Path, name: str, load: Callable[[str], Any]) -> Weights:
    """Steps along the gradients of a recorded call's summed outputs."""
    model = _load(folder, name, load)
    call = _call_to_train(name)
    variables, before = model.variables(), snapshot(model)
    for _ in range(_STEPS):
        found = {k: g for k, g in model.run(call)[1].items() if g is not None}
        largest = max(map(_largest, found.values()))
        for key, gradient in found.items():
            variables[key].assign_sub(_RATE * gradient / largest)
    return require_move(_floats(snapshot(model)), before)


def _call_to_train(name: str) -> GoldenCall:
    return next(call for call in read_golden(name).calls if call.gradients is not None)


def _floats(values: Weights) -> Weights:
    return {k: v for k, v in values.items() if v.dtype.kind == "f" and np.any(v)}


def require_move(after: Weights, before: Weights) -> Weights:
    """Returns the weights after training.

    Raises:
      AssertionError: if none of them has moved by much more than the tolerance.
    """
    if not worst_difference({k: before[k] for k in after}, after) > _LEAST_MOVE:
        raise AssertionError("training moved no weight")
    return after


# Keras 3.


def _save_keras_file(folder: pathlib.Path, name: str) -> None:
    """Saves a trained model that has the fixture as a layer, whose SavedModel is gone then."""
    import keras

    from converter.keras import ModuleLayer

    training = read_training(name)
    place = shutil.copytree(folder / name, folder / "gone")
    layer = ModuleLayer(str(place), training.signature, output_key=training.output)
    inputs = {
        key: keras.Input(value.shape[1:], dtype=_dtype(value), name=key)
        for key, value in training.batches[0][0].items()
    }
    symbols = inputs if len(inputs) > 1 else next(iter(inputs.values()))
    model = keras.Model(symbols, keras.layers.Dense(2)(layer(symbols)))
    model.compile(keras.optimizers.SGD(training.learning_rate, momentum=0.9), "mse")
    _fit(model, name)
    model.save(folder / f"{name}.keras")
    shutil.rmtree(place)


def _dtype(value: Any) -> str:
    return "string" if value.dtype == object else value.dtype.name


def _train_keras_file(file: pathlib.Path, name: str) -> Weights:
    """Loads a model and trains it further; returns its weights and those of the optimizer."""
    import keras

    import converter.keras  # noqa: F401 - it registers the layer

    model = keras.models.load_model(file)
    before = [weight.numpy() for weight in model.weights]
    _fit(model, name)
    after = [*model.weights, *model.optimizer.variables]
    moved = [np.any(w.numpy() != b) for w, b in zip(model.weights, before, strict=False)]
    if not any(moved):
        raise AssertionError("training moved no weight")
    values = _floats({f"{n} {weight.path}": weight.numpy() for n, weight in enumerate(after)})
    least = _NOISE * max(map(_largest, values.values()))
    return {key: value for key, value in values.items() if _largest(value) > least}


def _fit(model: Any, name: str) -> None:
    batches = read_training(name).batches
    for inputs, targets in batches:
        tensors = {key: tf.constant(value) for key, value in inputs.items()}
        given = tensors if len(tensors) > 1 else next(iter(tensors.values()))
        model.train_on_batch(given, targets[:, :2])


def main(arguments: list[str]) -> int:
    """Runs one of the two steps."""
    step, folder = arguments[0], pathlib.Path(arguments[1])
    if step == "write":
        write(folder, arguments[2:] or FIXTURES)
    else:
        result = use(folder)
        pathlib.Path(arguments[2]).write_text(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
