"""Times the three sides of one model in one process, in turns."""

from __future__ import annotations

import pathlib
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchmarks.sides import Arrays, ConvertedSide, HubSide, Side, training_tags
from benchmarks.v1_side import V1Side
from converter.export.saved_model import quiet_tensorflow
from converter.formats.registry import read_module

WARM_UPS = 3
V1, CONVERTED, HUB = "V1 Session", "converted", "hub.load"
Values = Mapping[str, np.ndarray]


def use_model(
    module: str, converted: str, inputs: str, signature: str, threads: int, repetitions: int
) -> dict[str, Any]:
    """Times a model's sides.

    Args:
      module: The TF1 module.
      converted: What `convert` made of it.
      inputs: A file of NumPy arrays, by the names of the inputs.
      signature: The signature to call.
      threads: The number of threads of the Session; the other sides have this process's.
      repetitions: How often each side runs, apart from a few times before.

    Returns:
      For `forward` and `step` a dict of three, each by side: `seconds`; `worst`, the largest
      difference to V1, of the outputs or of the changes of the weights in the first step; and
      `errors`, of the sides that cannot.
    """
    with np.load(inputs) as arrays:
        feeds = dict(arrays)
    with quiet_tensorflow():
        sides, errors = _make_sides(
            pathlib.Path(module), pathlib.Path(converted), signature, threads
        )
        forward = {name: side.forward for name, side in sides.items()}
        steps = {name: _change_of_a_step(side) for name, side in sides.items()}
        return {
            "forward": _compare_and_time(forward, forward, feeds, repetitions, errors),
            "step": _compare_and_time(
                steps, {n: s.step for n, s in sides.items()}, feeds, repetitions, errors
            ),
        }


def _make_sides(
    module: pathlib.Path, converted: pathlib.Path, signature: str, threads: int
) -> tuple[dict[str, Side], dict[str, str]]:
    """The sides that can be made, and why others cannot."""
    legacy = read_module(module)
    tags = training_tags(legacy)
    variables = legacy.variants[tags].variables.values()
    trainable = [variable.name for variable in variables if variable.trainable]
    makers: dict[str, Callable[[], Side]] = {
        V1: lambda: V1Side(module, signature, threads),
        CONVERTED: lambda: ConvertedSide(converted, trains=bool(tags)),
        HUB: lambda: HubSide(module, signature, trainable, tags),
    }
    sides, errors = {}, {}
    for name, make in makers.items():
        made, error = _attempt(make)
        if error:
            errors[name] = error
        else:
            sides[name] = made
    return sides, errors


def _change_of_a_step(side: Side) -> Callable[[Arrays], Values]:
    """A step that returns by how much it changed the weights."""

    def run(feeds: Arrays) -> Values:
        before = side.weights()
        side.step(feeds)
        after = side.weights()
        return {name: after[name] - before[name] for name in after}

    return run


def _compare_and_time(
    values: Mapping[str, Callable[[Arrays], Values]],
    timed: Mapping[str, Callable[[Arrays], Any]],
    feeds: Arrays,
    repetitions: int,
    errors: Mapping[str, str],
) -> dict[str, dict[str, Any]]:
    """Compares what `values` return with V1's, then times those of `timed` that work."""
    failed, found = dict(errors), {}
    for name, run in values.items():
        result, error = _attempt(lambda run=run: run(feeds))
        if error:
            failed[name] = error
        else:
            found[name] = result
    worst = {n: distance(found[V1], v) for n, v in found.items() if n != V1 and V1 in found}
    working = {name: run for name, run in timed.items() if name in found}
    return {"seconds": _time(working, feeds, repetitions), "worst": worst, "errors": failed}


def _attempt(run: Callable[[], Any]) -> tuple[Any, str]:
    """The value of a function, or the first line of its error: TensorFlow raises any type."""
    try:
        return run(), ""
    except Exception as error:
        lines = str(error).strip().splitlines()
        return None, f"{type(error).__name__}: {lines[0] if lines else ''}"


def _time(
    calls: Mapping[str, Callable[[Arrays], Any]], feeds: Arrays, repetitions: int
) -> dict[str, float]:
    """The median seconds of each; those that come first in one round come last in the next."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for repetition in range(WARM_UPS + repetitions):
        names = list(calls) if repetition % 2 else list(calls)[::-1]
        for name in names:
            start = time.perf_counter()
            calls[name](feeds)
            if repetition >= WARM_UPS:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def distance(expected: Values, actual: Values) -> float:
    """The largest difference, relative to the largest number of all that was expected."""
    scale = max((float(np.max(np.abs(value))) for value in expected.values()), default=0.0)
    differences = [
        float(np.max(np.abs(value - actual.get(name, np.zeros_like(value)))))
        for name, value in expected.items()
    ]
    # NumPy's maximum of NaN and anything else is NaN, Python's may be the other.
    return float(np.max(differences, initial=0.0)) / (scale or 1.0)
