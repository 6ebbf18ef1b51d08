"""Compares an exported file with the SavedModel, by running both on the same inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf

from converter import errors
from converter.errors import summarize
from converter.exporters.inputs import Arrays, InputMaker
from converter.exporters.signature import ExportedSignature
from converter.parity.compare import EXACT, Comparison, Tolerance, compare
from converter.parity.generate import Attempt, UnmakeableError
from converter.parity.observation import digest
from converter.parity.values import as_array, has_nan

# Takes the input tensors by TF1 name, and returns the outputs by TF1 name.
Run = Callable[[Arrays], Mapping[str, np.ndarray]]

# Another runtime has other kernels: it fuses ops, sums in another order and approximates functions
# such as `tanh`, all of which costs some hundreds of units in the last place.
TOLERANCES: Mapping[str, Tolerance] = {
    "float64": Tolerance(rtol=1e-6, noise=1e-7),
    "float32": Tolerance(rtol=2e-4, noise=2e-5),
    "float16": Tolerance(rtol=2e-2, noise=1e-2),
    "bfloat16": Tolerance(rtol=1e-1, noise=6e-2),
}


def choose_inputs(signature: ExportedSignature, maker: InputMaker) -> list[Arrays]:
    """The inputs to compare with: the first that the SavedModel takes, and variations of them.

    Raises:
      UnmakeableError: if it takes none of the generated ones.
      UsageError: if an array of the user does not fit.
    """
    attempt, first = _find_first(signature, maker)
    chosen, seen = [first], [_digest(first)]
    for variation in maker.variations(attempt):
        arrays = _try(signature, maker, variation)
        if arrays is not None and _digest(arrays) not in seen:
            chosen.append(arrays)
            seen.append(_digest(arrays))
    return chosen


def _find_first(signature: ExportedSignature, maker: InputMaker) -> tuple[Attempt, Arrays]:
    """Takes the first inputs whose outputs have no NaN, or else the first that run at all."""
    fallback: tuple[Attempt, Arrays] | None = None
    reason = "there are none to try"
    for attempt in maker.attempts():
        try:
            arrays = maker.make(attempt)
            outputs = run_signature(signature, arrays)
        except (UnmakeableError, tf.errors.OpError, ValueError) as error:
            reason = summarize(error)
            continue
        if not any(map(has_nan, outputs.values())):
            return attempt, arrays
        fallback = fallback or (attempt, arrays)
    if fallback is None:
        raise UnmakeableError(f"the SavedModel does not run with the generated inputs: {reason}")
    return fallback


def _try(signature: ExportedSignature, maker: InputMaker, attempt: Attempt) -> Arrays | None:
    try:
        arrays = maker.make(attempt)
        run_signature(signature, arrays)
    except (UnmakeableError, tf.errors.OpError, ValueError):
        return None
    return arrays


def _digest(arrays: Arrays) -> dict[str, tuple[object, ...]]:
    return {name: (array.shape, digest(array)) for name, array in arrays.items()}


def run_signature(signature: ExportedSignature, arrays: Arrays) -> dict[str, np.ndarray]:
    """Runs the signature in TensorFlow; returns the outputs by TF1 name."""
    tensors = [tf.constant(arrays[n], spec.dtype) for n, spec in signature.inputs.items()]
    found = signature.concrete(*tensors)
    return {name: as_array(found[safe].numpy()) for name, safe in signature.output_names.items()}


def compare_outputs(
    signature: ExportedSignature,
    run: Run,
    inputs: Sequence[Arrays],
    *,
    rtol: float | None,
    atol: float | None,
) -> dict[str, list[Comparison]]:
    """Compares the outputs in each call, by TF1 name.

    Raises:
      ParityError: if an output differs.
    """
    found: dict[str, list[Comparison]] = {name: [] for name in signature.output_names}
    for arrays in inputs:
        expected, actual = run_signature(signature, arrays), run(arrays)
        for name, comparison in _compare(expected, actual, rtol, atol):
            if not comparison.passed:
                raise _differs(name, comparison)
            found[name].append(comparison)
    return found


def _compare(
    expected: Mapping[str, np.ndarray],
    actual: Mapping[str, np.ndarray],
    rtol: float | None,
    atol: float | None,
) -> Iterator[tuple[str, Comparison]]:
    for name, array in expected.items():
        own = TOLERANCES.get(array.dtype.name, EXACT)
        tolerance = Tolerance(
            rtol=own.rtol if rtol is None else rtol,
            atol=own.atol if atol is None else atol,
            noise=own.noise,
        )
        yield name, compare(array, actual[name], tolerance)


def _differs(name: str, comparison: Comparison) -> errors.ParityError:
    where = comparison.problem or (
        f"{comparison.actual} at {list(comparison.where or ())}, expected {comparison.expected}"
        f" (largest absolute difference {comparison.max_abs:.3g}, relative"
        f" {comparison.max_rel:.3g})"
    )
    return errors.ParityError(
        f"output {name!r} of the exported file differs from that of the SavedModel: {where}",
        remedy="Nothing was written. Pass --rtol or --atol if that is near enough.",
    )
