"""Finds sparse tensors that a signature takes as three dense inputs.

Before composite inputs TF1 modules took the parts of a sparse tensor one by one, as
universal-sentence-encoder-lite does. Parts that are made up each by itself fit together by
chance only: indices must lie in the dense shape, and there are as many as values.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping

import tensorflow as tf

from converter.ir.graph import Kind, Node, TensorInfo, TensorRef

_INDICES, _VALUES, _SHAPES = ("indices",), ("values", "ids"), ("dense_shape", "shape")
# Op -> which inputs are the indices, the values and the dense shape.
_TAKES_SPARSE = {
    "SerializeSparse": (0, 1, 2),
    "SparseAdd": (0, 1, 2),
    "SparseDenseCwiseAdd": (0, 1, 2),
    "SparseDenseCwiseDiv": (0, 1, 2),
    "SparseDenseCwiseMul": (0, 1, 2),
    "SparseFillEmptyRows": (0, 1, 2),
    "SparseReduceMax": (0, 1, 2),
    "SparseReduceSum": (0, 1, 2),
    "SparseReorder": (0, 1, 2),
    "SparseSlice": (0, 1, 2),
    "SparseSoftmax": (0, 1, 2),
    "SparseSplit": (1, 2, 3),
    "SparseTensorDenseAdd": (0, 1, 2),
    "SparseTensorDenseMatMul": (0, 1, 2),
    "SparseToDense": (0, 2, 1),
}

FindUses = Callable[[TensorRef], Iterator[tuple[Node, int]]]


@dataclasses.dataclass(frozen=True, slots=True)
class SparseTriplet:
    """The names of three inputs that are one sparse tensor."""

    indices: str
    values: str
    dense_shape: str


def find_triplets(infos: Mapping[str, TensorInfo], uses: FindUses) -> list[SparseTriplet]:
    """The triplets among a signature's inputs, by what ops take them for, else by their names.

    Args:
      infos: The inputs.
      uses: Returns the ops that take the elements of a tensor, and as which of their inputs.
    """
    found: list[SparseTriplet] = []
    for triplet in (*_by_uses(infos, uses), *_by_names(infos)):
        taken = {name for other in found for name in dataclasses.astuple(other)}
        parts = dataclasses.astuple(triplet)
        if len(set(parts)) == 3 and taken.isdisjoint(parts) and _fits(triplet, infos):
            found.append(triplet)
    return found


def _by_uses(infos: Mapping[str, TensorInfo], uses: FindUses) -> Iterator[SparseTriplet]:
    takers: dict[str, dict[int, str]] = {}
    ops: dict[str, str] = {}
    for name, info in infos.items():
        if info.kind is Kind.DENSE:
            for node, position in uses(info.components[0]):
                if node.op in _TAKES_SPARSE:
                    takers.setdefault(node.name, {}).setdefault(position, name)
                    ops[node.name] = node.op
    for node_name, inputs in takers.items():
        positions = _TAKES_SPARSE[ops[node_name]]
        if all(position in inputs for position in positions):
            yield SparseTriplet(*(inputs[position] for position in positions))


def _by_names(infos: Mapping[str, TensorInfo]) -> Iterator[SparseTriplet]:
    for name in infos:
        for ending in _INDICES:
            if name.endswith(ending):
                prefix = name.removesuffix(ending)
                values = next((prefix + e for e in _VALUES if prefix + e in infos), None)
                shape = next((prefix + e for e in _SHAPES if prefix + e in infos), None)
                if values is not None and shape is not None:
                    yield SparseTriplet(name, values, shape)


def _fits(triplet: SparseTriplet, infos: Mapping[str, TensorInfo]) -> bool:
    ranks = {triplet.indices: 2, triplet.values: 1, triplet.dense_shape: 1}
    whole = (triplet.indices, triplet.dense_shape)
    return all(
        infos[name].kind is Kind.DENSE
        and (infos[name].shape is None or len(infos[name].shape or ()) == rank)
        and (name not in whole or tf.as_dtype(infos[name].dtype).is_integer)
        for name, rank in ranks.items()
    )


def rank_of(triplet: SparseTriplet, infos: Mapping[str, TensorInfo]) -> int:
    """The number of dimensions of the tensor; 2 where no shape tells it."""
    indices, shape = infos[triplet.indices].shape, infos[triplet.dense_shape].shape
    known = (indices[1] if indices else None, shape[0] if shape else None)
    return next((rank for rank in known if rank is not None), 2)
