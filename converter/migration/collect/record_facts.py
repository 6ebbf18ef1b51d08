"""Describes a record, `assets.extra/conversion.json`, for the report."""

from __future__ import annotations

import math
import pathlib
from typing import Any

import msgspec

from converter.files.json_values import MAX_COUNT
from converter.migration.collect.untrusted import read_json
from converter.page.details import (
    Attachment,
    Callable,
    Dropped,
    Feature,
    GraphVariant,
    RecordFacts,
    Shape,
    Table,
    Value,
    Variable,
)

# Bytes of an element; a string has no fixed size.
_WIDTHS = {
    **dict.fromkeys(("bool", "int8", "uint8", "qint8", "quint8"), 1),
    **dict.fromkeys(("bfloat16", "float16", "int16", "uint16", "qint16", "quint16"), 2),
    **dict.fromkeys(("float32", "int32", "uint32", "qint32"), 4),
    **dict.fromkeys(("float64", "int64", "uint64", "complex64"), 8),
    "complex128": 16,
}
_MAX_BYTES = 1 << 62


class _Origin(msgspec.Struct):
    name: str


class _Source(msgspec.Struct):
    format: str
    digest: str
    origin: _Origin | None = None


class _Value(msgspec.Struct):
    kind: str
    dtype: str
    shape: Shape
    features: dict[str, Feature] | None = None


class _Callable(msgspec.Struct, kw_only=True):
    signature: str
    tags: list[str]
    training_tags: list[str] | None
    always_trains: bool = False
    inputs: dict[str, _Value]
    hparams: dict[str, _Value]
    outputs: dict[str, _Value]
    return_endpoints: bool
    variables: list[Any]
    update_ops: list[Any]


class _Variable(msgspec.Struct):
    name: str
    dtype: str
    shape: Shape
    trainable: bool


class _Record(msgspec.Struct):
    """The parts of a record that the report shows, as records of all versions have them."""

    converter: str
    tensorflow: str
    source: _Source
    root: str | None
    graph_variants: list[GraphVariant]
    callables: dict[str, _Callable]
    variables: list[_Variable]
    regularization_losses: list[Any]
    tables: list[Table]
    assets: list[str]
    attachments: list[Attachment]
    dropped: list[Dropped]
    warnings: list[str]


def read_record_facts(path: pathlib.Path) -> RecordFacts:
    """Reads a record.

    Raises:
      DamagedError: if it is missing, or not a record.
    """
    record = read_json(path, _Record)
    variables = [_describe_variable(variable) for variable in record.variables]
    sizes = [variable.bytes for variable in variables]
    return RecordFacts(
        converter=record.converter,
        tensorflow=record.tensorflow,
        format=record.source.format,
        archive="" if record.source.origin is None else record.source.origin.name,
        digest=record.source.digest,
        root=record.root,
        graph_variants=record.graph_variants,
        callables=[_describe_callable(*item) for item in record.callables.items()],
        variables=variables,
        variable_count=len(variables),
        trainable_count=sum(variable.trainable for variable in variables),
        variable_bytes=min(MAX_COUNT, sum(size or 0 for size in sizes)),
        variables_without_size=sizes.count(None),
        regularization_losses=len(record.regularization_losses),
        tables=record.tables,
        assets=record.assets,
        attachments=record.attachments,
        dropped=record.dropped,
        warnings=record.warnings,
    )


def _describe_callable(name: str, described: _Callable) -> Callable:
    return Callable(
        name=name,
        signature=described.signature,
        tags=described.tags,
        training_tags=described.training_tags,
        always_trains=described.always_trains,
        inputs=_describe_values(described.inputs),
        hparams=_describe_values(described.hparams),
        outputs=_describe_values(described.outputs),
        return_endpoints=described.return_endpoints,
        variables=len(described.variables),
        update_ops=len(described.update_ops),
    )


def _describe_values(values: dict[str, _Value]) -> list[Value]:
    return [
        Value(
            name=name,
            kind=value.kind,
            dtype=value.dtype,
            shape=value.shape,
            features=value.features,
        )
        for name, value in values.items()
    ]


def _describe_variable(variable: _Variable) -> Variable:
    return Variable(
        name=variable.name,
        dtype=variable.dtype,
        shape=variable.shape,
        trainable=variable.trainable,
        bytes=_size_bytes(variable.dtype, variable.shape),
    )


def _size_bytes(dtype: str, shape: Shape) -> int | None:
    if shape is None or dtype not in _WIDTHS or None in shape:
        return None
    size_bytes = _WIDTHS[dtype] * math.prod(size for size in shape if size is not None)
    return size_bytes if size_bytes < _MAX_BYTES else None
