"""The user's own arrays for inputs, by `<input>` or `<signature>/<input>`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from converter import errors
from converter.compile.signature_names import component_names
from converter.formats.legacy_module import LegacyModule
from converter.ir.graph import Kind, Signature, TensorInfo
from converter.parity.exchange import NPZ_ERRORS
from converter.parity.values import Value, from_components


def read_arrays(inputs: Mapping[str, Any] | str | os.PathLike[str] | None) -> dict[str, Any]:
    """The user's arrays, by name.

    Args:
      inputs: The arrays, or the `.npz` file that holds them.

    Raises:
      UsageError: if the file is not an `.npz` file.
    """
    if inputs is None:
        return {}
    if isinstance(inputs, Mapping):
        return {name: np.asarray(array) for name, array in inputs.items()}
    try:
        # NumPy leaves a file open that it cannot read.
        with open(inputs, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except NPZ_ERRORS as error:
        raise errors.UsageError(
            f"the inputs {os.fspath(inputs)} cannot be read: {error}",
            remedy="Write them with numpy.savez, without pickled objects.",
        ) from error


def check_inputs(
    inputs: Mapping[str, Any] | str | os.PathLike[str] | None,
    legacy: LegacyModule,
    *,
    verify: bool,
) -> dict[str, Any]:
    """The user's arrays, if the module has inputs for them.

    Raises:
      UsageError: if it has not, or there is nothing to compare.
    """
    if inputs is not None and not verify:
        raise errors.UsageError(
            "inputs are for comparing the result with the original",
            remedy="Pass --verify (in Python: verify=True), or leave them out.",
        )
    arrays = read_arrays(inputs)
    check_keys(arrays, [s for v in legacy.variants.values() for s in v.signatures.values()])
    return arrays


def check_keys(arrays: Mapping[str, np.ndarray], signatures: Sequence[Signature]) -> None:
    """Checks that each array is for an input of some signature.

    Raises:
      UsageError: if one is not.
    """
    known = {
        key
        for signature in signatures
        for name, info in signature.inputs.items()
        for part in component_names(name, info)
        for key in (part, f"{signature.name}/{part}")
    }
    unknown = sorted(set(arrays) - known)
    if unknown:
        raise errors.UsageError(
            f"no signature has inputs for the arrays {', '.join(map(repr, unknown))}",
            remedy=f"Known are {', '.join(map(repr, sorted(known)))}.",
        )


def find_value(
    arrays: Mapping[str, np.ndarray], signature: str, name: str, info: TensorInfo
) -> Value | None:
    """Returns the user's value of an input, or None if there is none.

    Raises:
      UsageError: if a part of it is missing, or has another dtype.
    """
    parts = component_names(name, info)
    found = [arrays.get(f"{signature}/{part}", arrays.get(part)) for part in parts]
    if all(array is None for array in found):
        return None
    missing = [part for part, array in zip(parts, found, strict=True) if array is None]
    if missing:
        raise errors.UsageError(
            f"input {name!r} of signature {signature!r} lacks {', '.join(map(repr, missing))}",
            remedy=f"It is made of {', '.join(map(repr, parts))}.",
        )
    dtypes = _component_dtypes(info)
    return from_components(
        [
            _cast(array, dtype, part)
            for part, array, dtype in zip(parts, found, dtypes, strict=True)
            if array is not None
        ],
        info,
    )


def describe_keys(signature: str, name: str, info: TensorInfo) -> list[str]:
    """The arrays to pass for an input: `default/ids (int64 [?, 3])`."""
    parts, dtypes, shapes = component_names(name, info), _component_dtypes(info), _shapes(info)
    return [
        f"`{signature}/{part}` ({dtype.name} {shape})"
        for part, dtype, shape in zip(parts, dtypes, shapes, strict=True)
    ]


def _shapes(info: TensorInfo) -> list[str]:
    rank = "?" if info.shape is None else len(info.shape)
    if info.kind is Kind.SPARSE:
        return [f"[?, {rank}]", "[?]", f"[{rank}]"]
    if info.kind is Kind.RAGGED:
        return ["[?, …]"] + ["[?]"] * info.ragged_rank
    if info.shape is None:
        return ["of any shape"]
    return [f"[{', '.join('?' if size is None else str(size) for size in info.shape)}]"]


def _component_dtypes(info: TensorInfo) -> list[tf.DType]:
    own = tf.as_dtype(info.dtype)
    if info.kind is Kind.SPARSE:
        return [tf.int64, own, tf.int64]
    if info.kind is Kind.RAGGED:
        return [own] + [tf.as_dtype(info.row_splits_dtype)] * info.ragged_rank
    return [own]


def _cast(array: np.ndarray, dtype: tf.DType, name: str) -> np.ndarray:
    if dtype == tf.string and array.dtype.kind in "SU":
        encoded = np.empty(array.shape, dtype=object)
        encoded.reshape(-1)[:] = [os.fsencode(element) for element in array.flat]
        return encoded
    kind = np.dtype(dtype.as_numpy_dtype)
    fits = dtype != tf.string and (
        np.can_cast(array.dtype, kind, "same_kind")
        # Plain Python numbers become int64 and float64 arrays, whatever they are for.
        or (array.dtype.kind in "iu" and not dtype.is_bool)
        or (array.dtype.kind == "f" and dtype.is_floating)
    )
    if not fits:
        raise errors.UsageError(
            f"array {name!r} has dtype {array.dtype}, expected {dtype.name}",
            remedy="Convert it before it is saved.",
        )
    return array.astype(kind)
