"""Inputs for comparing an exported signature: those that verifying a module would use.

A frozen graph, with the weights as constants, says what the signature does with its inputs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from converter import tf_private
from converter.compile.signature_names import part_keys
from converter.export.record import CallableInfo, HyperparameterInfo, ValueInfo
from converter.exporters.signature import ExportedSignature
from converter.ir import serde
from converter.ir.graph import Kind, Program, Signature, TensorInfo, TensorRef
from converter.parity.cases import find_siblings
from converter.parity.generate import (
    ATTEMPTS,
    SMALL_BATCHES,
    Attempt,
    attempts_at_sizes,
    generate,
)
from converter.parity.user_inputs import check_keys, find_value
from converter.parity.uses import UseFinder
from converter.parity.values import Value, to_components

Arrays = Mapping[str, np.ndarray]
# For graphs with branches; and another batch, where the size of a batch is left open.
_VARIATIONS: tuple[Mapping[str, bool | int], ...] = (
    {"opposite": True},
    {"flipped": True},
    {"opposite": True, "flipped": True},
    {"batch": 3},
)
_MOST_SIZES = 12


class InputMaker:
    """Makes up inputs of a signature.

    Args:
      signature: The signature.
      arrays: The user's own arrays, used in place of generated ones where a key matches.

    Raises:
      UsageError: if an array is for no input.
      ValueError: if the signature cannot be frozen.
    """

    def __init__(self, signature: ExportedSignature, arrays: Arrays) -> None:
        graph_def, names = tf_private.freeze(signature.concrete)
        refs = dict(zip(signature.inputs, map(TensorRef, names), strict=False))
        self._signature = signature
        self._parts = _name_parts(signature)
        known = _known_inputs(signature.part)
        self._infos = {
            name: _describe_input(
                known.get(name), [signature.inputs[k] for k in keys], tuple(refs[k] for k in keys)
            )
            for name, keys in self._parts.items()
        }
        self._defaults = {} if signature.part is None else _defaults(signature.part.hparams)
        self._finder = UseFinder(None, _make_program(graph_def))
        self._arrays = arrays
        check_keys(arrays, [Signature(signature.name, self._infos, {})])

    def attempts(self) -> Iterator[Attempt]:
        """The ways to choose what the signature leaves open, in the order to try them."""
        yield from (*ATTEMPTS, *SMALL_BATCHES)
        refs = [ref for info in self._infos.values() for ref in info.components]
        yield from attempts_at_sizes(self._finder.sizes(refs)[:_MOST_SIZES])

    def variations(self, attempt: Attempt) -> Iterator[Attempt]:
        """The same attempt with other numbers, other flags and another batch."""
        for changes in _VARIATIONS:
            yield dataclasses.replace(attempt, **changes)  # type: ignore[arg-type]

    def make(self, attempt: Attempt) -> dict[str, np.ndarray]:
        """Makes the input tensors, by TF1 name.

        Raises:
          UnmakeableError: if no values can be generated for an input.
          UsageError: if an array of the user does not fit.
        """
        made: dict[str, np.ndarray] = {}
        for name in self._infos:
            arrays = to_components(self._make_value(name, attempt))
            made.update(zip(self._parts[name], arrays, strict=True))
        return {name: made[name] for name in self._signature.inputs}

    def _make_value(self, name: str, attempt: Attempt) -> Value:
        info, signature = self._infos[name], self._signature.name
        own = find_value(self._arrays, signature, name, info)
        if own is not None:
            return own
        if self._defaults.get(name) is not None:
            return _as_array(self._defaults[name], info)
        siblings = find_siblings(self._infos, name, attempt)
        use = self._finder.find(info.components[1 if info.kind is Kind.SPARSE else 0])
        return generate(f"{signature}/{name}", info, use, attempt, siblings)


def _name_parts(signature: ExportedSignature) -> dict[str, list[str]]:
    """The input tensors that make up each input, by TF1 name."""
    known = _known_inputs(signature.part)
    parts = part_keys({name: _outline(name, v, signature.inputs) for name, v in known.items()})
    found = {name: keys for name, keys in parts.items() if set(keys) <= set(signature.inputs)}
    named = {key for keys in found.values() for key in keys}
    return found | {name: [name] for name in signature.inputs if name not in named}


def _known_inputs(part: CallableInfo | None) -> dict[str, ValueInfo | HyperparameterInfo]:
    if part is None:
        return {}
    return {**part.inputs, **{hparam.input: hparam for hparam in part.hparams.values()}}


def _outline(
    name: str, value: ValueInfo | HyperparameterInfo, specs: Mapping[str, Any]
) -> TensorInfo:
    """The kind and the number of tensors of an input."""
    kind = Kind(value.kind)
    count = {Kind.DENSE: 1, Kind.SPARSE: 3}.get(
        kind, sum(f"{name}_component_{number}" in specs for number in range(len(specs)))
    )
    return TensorInfo(kind, 0, None, tuple(TensorRef(str(number)) for number in range(count)))


def _describe_input(
    value: ValueInfo | HyperparameterInfo | None,
    specs: Sequence[tf.TensorSpec],
    refs: tuple[TensorRef, ...],
) -> TensorInfo:
    if value is None or value.kind == "dense":
        spec = specs[0]
        shape = None if spec.shape.rank is None else tuple(spec.shape.as_list())
        return TensorInfo(Kind.DENSE, spec.dtype.as_datatype_enum, shape, refs)
    dtype, splits = tf.as_dtype(value.dtype), specs[-1].dtype
    return TensorInfo(
        Kind(value.kind), dtype.as_datatype_enum, value.shape, refs, splits.as_datatype_enum
    )


def _defaults(hparams: Mapping[str, HyperparameterInfo]) -> dict[str, Any]:
    return {info.input: info.default for info in hparams.values() if info.kind == "dense"}


def _as_array(value: Any, info: TensorInfo) -> np.ndarray:
    if isinstance(value, str):
        return np.array(value.encode(), dtype=object)
    return np.array(value).astype(tf.as_dtype(info.dtype).as_numpy_dtype)


def _make_program(graph_def: Any) -> Program:
    """The nodes of a frozen graph, as what `UseFinder` reads."""
    return Program(
        tags=frozenset(),
        nodes=serde.nodes_from_graph_def(graph_def),
        functions={},
        gradients={},
        signatures={},
        variables={},
        tables={},
        assets={},
        regularization_losses=(),
        update_ops=(),
        attachments={},
    )
