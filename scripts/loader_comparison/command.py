"""Prints what TensorFlow 2 makes of TF1 SavedModels by itself, beside what the converter makes.

For each fixture: the variables and trainable variables that the loaded object lists, how many of
the latter have a gradient after a call of `serving_default`, whether there is a training mode, how
many regularization losses, and whether the object can be saved once more and called after that.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

_GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "legacy_fixtures" / "golden"
_COLUMNS = ("variables", "trainable", "gradients", "training", "losses", "saved again")
_SIGNATURE = "serving_default"

Inputs = Mapping[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table, in Markdown."""
    parser = argparse.ArgumentParser("compare_loaders", description=__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*", help="fixtures (default: all)")
    names = parser.parse_args(arguments).names
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # Read when TensorFlow is imported.
    import absl.logging

    absl.logging.set_verbosity(absl.logging.ERROR)
    print(f"| fixture | loaded by | {' | '.join(_COLUMNS)} |")
    print("|---" * (len(_COLUMNS) + 2) + "|")
    for name in names or sorted(path.name for path in _GOLDEN.glob("saved_model_*")):
        for loader, cells in _compare(name):
            print(f"| `{name.removeprefix('saved_model_')}` | {loader} | {' | '.join(cells)} |")
    return 0


def _compare(name: str) -> Iterator[tuple[str, list[str]]]:
    import tensorflow as tf

    import converter

    module, inputs = _GOLDEN / name / "module", _read_inputs(name)
    with tempfile.TemporaryDirectory() as folder:
        yield "TensorFlow", _describe(lambda: tf.saved_model.load(str(module), ["serve"]), inputs)
        converter.convert(module, f"{folder}/converted")
        yield "tf1hub", _describe(lambda: tf.saved_model.load(f"{folder}/converted"), inputs)


def _read_inputs(name: str) -> Inputs:
    """The recorded inputs of a call of the signature."""
    import numpy as np
    import tensorflow as tf

    golden = json.loads((_GOLDEN / name / "golden.json").read_text())
    arrays = np.load(_GOLDEN / name / "golden.npz")
    call = next(call for call in golden["calls"] if call["signature"] == _SIGNATURE)
    return {
        key: tf.constant(arrays[value["npz"]])
        if "npz" in value
        else tf.constant([item.encode("latin-1") for item in value["data"]])
        for key, value in call["inputs"].items()
    }


def _describe(load: Callable[[], Any], inputs: Inputs) -> list[str]:
    try:
        model = load()
    except Exception as error:  # Whatever the loader raises is the answer.
        return [f"not loaded: {type(error).__name__}", *["-"] * (len(_COLUMNS) - 1)]
    variables = getattr(model, "variables", ())
    trainable = getattr(model, "trainable_variables", None)
    if trainable is None:
        trainable = [variable for variable in variables if variable.trainable]
    return [
        str(len(list(variables))),
        str(len(list(trainable))),
        _try(lambda: str(_count_gradients(model, list(trainable), inputs))),
        _try(lambda: "yes" if _has_training(model) else "no"),
        str(len(getattr(model, "regularization_losses", ()))),
        _try(lambda: _save_again(model, inputs)),
    ]


def _try(step: Callable[[], str]) -> str:
    try:
        return step()
    except Exception as error:  # Whatever the loaded object raises is the answer.
        return f"{type(error).__name__}"


def _count_gradients(model: Any, variables: Sequence[Any], inputs: Inputs) -> int:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        outputs = model.signatures[_SIGNATURE](**inputs)
        floats = [value for value in outputs.values() if value.dtype.is_floating]
    found = tape.gradient(floats, variables) if floats else []
    return sum(gradient is not None for gradient in found)


def _has_training(model: Any) -> bool:
    """Whether some call of the model runs another graph for training."""
    function = model.__call__ if callable(model) else None
    functions = getattr(function, "concrete_functions", ())
    return any(
        True in positional or keywords.get("training") is True
        for positional, keywords in (f.structured_input_signature for f in functions)
    )


def _save_again(model: Any, inputs: Inputs) -> str:
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(model, folder, signatures=model.signatures)
        tf.saved_model.load(folder).signatures[_SIGNATURE](**inputs)
    return "yes"
