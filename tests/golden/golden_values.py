"""Reads what `legacy_fixtures` recorded with TF 1.15 (its README has the format)."""

import dataclasses
import functools
import json
import pathlib
from typing import Any

import ml_dtypes
import numpy as np

from converter.parity.values import RaggedValue, SparseValue

_FIXTURES = pathlib.Path(__file__).parents[2] / "legacy_fixtures"
GOLDEN = _FIXTURES / "golden"
# The packages that register the ops of fixtures which TensorFlow alone cannot run.
CUSTOM_OPS = {"wiki40b": "tensorflow_text"}


def fixture_folder(name: str) -> pathlib.Path:
    """The folder of a fixture: its module, and what was recorded of it."""
    return (_FIXTURES / "golden_custom_ops" if name in CUSTOM_OPS else GOLDEN) / name


@dataclasses.dataclass(frozen=True)
class GoldenCall:
    """One recorded call of one signature."""

    tags: frozenset[str]
    signature: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    gradients: dict[str, Any] | None
    regularization_losses: list[Any]
    variables_after: dict[str, Any]
    update_ops_after: dict[str, Any] | None
    label: str


@dataclasses.dataclass(frozen=True)
class Golden:
    """All that was recorded of one module."""

    name: str
    random_ops: bool
    variables: dict[str, Any]
    trainable: set[str]
    calls: list[GoldenCall]


def make_decoder(arrays):
    """Returns a function from a described value to the value, whose arrays are in `arrays`."""

    def value(described):
        if described is None:
            return None
        if "sparse" in described:
            parts = described["sparse"]
            names = ("indices", "values", "dense_shape")
            return SparseValue(*(tensor(parts[name]) for name in names))
        if "ragged" in described:
            parts = described["ragged"]
            splits = tuple(tensor(part) for part in parts["nested_row_splits"])
            return RaggedValue(tensor(parts["flat_values"]), splits)
        return tensor(described)

    def tensor(described):
        if described["dtype"] == "string":
            flat = [element.encode("latin-1") for element in described["data"]]
            array = np.empty(len(flat), dtype=object)
            array[:] = flat
            return array.reshape(described["shape"])
        array = arrays[described["npz"]]
        return array.view(ml_dtypes.bfloat16) if described["dtype"] == "bfloat16" else array

    return value


@functools.lru_cache(maxsize=8)
def read_golden(name: str) -> Golden:
    """Reads the golden values of a fixture."""
    text = json.loads((fixture_folder(name) / "golden.json").read_bytes())
    path = fixture_folder(name) / "golden.npz"
    arrays = dict(np.load(path)) if path.exists() else {}

    value = make_decoder(arrays)

    def values(described):
        return None if described is None else {k: value(v) for k, v in described.items()}

    return Golden(
        name=name,
        random_ops=text["random_ops"],
        variables={k: value(v["value"]) for k, v in text["variables"].items()},
        trainable={k for k, v in text["variables"].items() if v["trainable"]},
        calls=[
            GoldenCall(
                tags=frozenset(call["tags"]),
                signature=call["signature"],
                inputs=values(call["inputs"]),
                outputs=values(call["outputs"]),
                gradients=values(call["gradients"]),
                regularization_losses=[value(v) for v in call["regularization_losses"]],
                variables_after=values(call["variables_after"]),
                update_ops_after=values(call.get("update_ops_after")),
                label=call["label"],
            )
            for call in text["calls"]
        ],
    )


@dataclasses.dataclass(frozen=True)
class GoldenTraining:
    """Steps of gradient descent that TF 1.15 did with one signature.

    Each step minimizes the mean squared error of one output, with the regularization losses added.
    """

    tags: frozenset[str]
    signature: str
    output: str
    learning_rate: float
    steps: int
    batches: list[tuple[dict[str, Any], Any]]
    losses: Any
    variables: dict[str, Any]


@functools.cache
def read_training(name: str) -> GoldenTraining:
    """Reads the recorded training of a fixture."""
    place = GOLDEN.parent / "golden_training" / name
    text = json.loads(place.with_suffix(".json").read_bytes())
    value = make_decoder(dict(np.load(place.with_suffix(".npz"))))

    def values(described):
        return {key: value(part) for key, part in described.items()}

    return GoldenTraining(
        tags=frozenset(text["tags"]),
        signature=text["signature"],
        output=text["output"],
        learning_rate=text["learning_rate"],
        steps=text["steps"],
        batches=[(values(b["inputs"]), value(b["targets"])) for b in text["batches"]],
        losses=value(text["losses"]),
        variables=values(text["variables"]),
    )
