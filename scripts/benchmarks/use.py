"""Converted models in use: a forward pass and a training step, beside V1 and `hub.load`.

One process has the original in V1 Sessions, the converted SavedModel, and `hub.load` of the
original. They run in turns on the same small batch, from NumPy arrays to NumPy arrays, with the
same number of threads, and TensorFlow's graph optimizer as it is by default on either side: what
a user sees, not what the graphs as written cost. A training step is the loss, its gradients by all
trainable variables, gradient descent and the moving averages. The results are compared.
"""

from __future__ import annotations

import dataclasses
import pathlib
import tempfile
from collections.abc import Sequence
from typing import Any

from benchmarks.goals import Goal, ratio
from benchmarks.legacy_toolchain import get_module
from benchmarks.measuring import CONVERT, MeasuringError, run, run_task, say

REPETITIONS = 20
FORWARD_LIMIT, STEP_LIMIT = 1.05, 1.1  # times the V1 Session
AGREEMENT = 1e-2  # Gradients through batch norm over few values amplify rounding.
V1, CONVERTED, HUB = "V1 Session", "converted", "hub.load"


@dataclasses.dataclass(frozen=True)
class Model:
    """A model to use.

    Attributes:
      title: What a table calls it.
      name: What its builder calls it.
      signature: The signature to call.
      is_legacy: Whether TensorFlow 1.15 builds it, and not the installed one.
    """

    title: str
    name: str
    signature: str = "default"
    is_legacy: bool = False


MODELS = (
    Model("ResNet-50", "resnet_50", is_legacy=True),
    Model("Inception-v3", "inception_v3", is_legacy=True),
    Model("BERT-Base, 128 tokens", "bert_base", "tokens", is_legacy=True),
    Model("LSTM, dynamic_rnn", "lstm", is_legacy=True),
    *(Model(n, n) for n in ("LSTM, by hand", "bidirectional LSTM", "150 conds", "convolutions")),
)


@dataclasses.dataclass(frozen=True)
class Measured:
    """One kind of use, by side: see `using.use_model`."""

    seconds: dict[str, float]
    worst: dict[str, float]
    errors: dict[str, str]

    def ratio(self, side: str) -> float | None:
        """A side's time relative to V1's."""
        return ratio(self.seconds.get(side), self.seconds.get(V1))


@dataclasses.dataclass(frozen=True)
class Row:
    """One model; `error` is why there are no measurements."""

    model: str
    forward: Measured
    step: Measured
    error: str = ""

    @property
    def goals(self) -> list[Goal]:
        """The two ratios, and that the results agree."""
        worst = [m.worst[CONVERTED] for m in (self.forward, self.step) if CONVERTED in m.worst]
        return [
            Goal("forward / V1 Session", FORWARD_LIMIT, self.forward.ratio(CONVERTED)),
            Goal("training step / V1 Session", STEP_LIMIT, self.step.ratio(CONVERTED)),
            Goal("difference to V1", AGREEMENT, max(worst, default=None)),
        ]

    def to_json(self) -> dict[str, Any]:
        """The row and its goals as JSON values."""
        return {**dataclasses.asdict(self), "goals": [goal.to_json() for goal in self.goals]}


@dataclasses.dataclass(frozen=True)
class Options:
    """How to measure.

    Attributes:
      repetitions: How often each side runs.
      threads: The number of threads on either side.
      python: The interpreter with TensorFlow 1.15; None if there is none.
      cache: Where the modules that it builds are kept.
    """

    repetitions: int
    threads: int
    python: str | None
    cache: pathlib.Path


def measure(models: Sequence[Model], options: Options, scratch: pathlib.Path) -> list[Row]:
    """Measures models; nothing of it stays in the directory `scratch`."""
    return [_measure_model(model, options, scratch) for model in models]


def _measure_model(model: Model, options: Options, scratch: pathlib.Path) -> Row:
    nothing = Measured({}, {}, {})
    with tempfile.TemporaryDirectory(dir=scratch) as directory:
        try:
            found = _use(model, options, pathlib.Path(directory))
        except MeasuringError as error:
            return Row(model.title, nothing, nothing, str(error))
    return Row(model.title, Measured(**found["forward"]), Measured(**found["step"]))


def _use(model: Model, options: Options, scratch: pathlib.Path) -> dict[str, Any]:
    source = _write(model, options, scratch)
    say(f"use: converting {model.title}")
    run([*CONVERT, str(source / "module"), str(scratch / "converted")])
    say(f"use: running {model.title}")
    return run_task(
        "use_model",
        module=source / "module",
        converted=scratch / "converted",
        inputs=source / "inputs.npz",
        signature=model.signature,
        threads=options.threads,
        repetitions=options.repetitions,
    )


def _write(model: Model, options: Options, scratch: pathlib.Path) -> pathlib.Path:
    if model.is_legacy:
        return get_module(model.name, options.python, options.cache)
    run_task("write_model", directory=scratch, name=model.name)
    return scratch
