"""What the page tells from a record, `assets.extra/conversion.json`."""

from __future__ import annotations

import math
import pathlib
from collections.abc import Mapping
from typing import Any

from converter.page.untrusted import (
    Json,
    count,
    fields,
    flag,
    items,
    optional,
    read_facts,
    text,
    texts,
)

# Bytes of an element; a string has no size of its own.
_WIDTHS = {
    **dict.fromkeys(("bool", "int8", "uint8", "qint8", "quint8"), 1),
    **dict.fromkeys(("bfloat16", "float16", "int16", "uint16", "qint16", "quint16"), 2),
    **dict.fromkeys(("float32", "int32", "uint32", "qint32"), 4),
    **dict.fromkeys(("float64", "int64", "uint64", "complex64"), 8),
    "complex128": 16,
}
_MAX_BYTES = 1 << 62


def read_record_facts(path: pathlib.Path) -> Json:
    """Reads a record.

    Raises:
      DamagedError: if it is missing, or no record.
    """
    return read_facts(path, _describe)


def _describe(record: Mapping[str, Any]) -> Json:
    variables = [_variable(item) for item in items(record["variables"])]
    sizes = [variable["bytes"] for variable in variables]
    return {
        "converter": text(record["converter"]),
        "tensorflow": text(record["tensorflow"]),
        "format": text(fields(record["source"])["format"]),
        "digest": text(fields(record["source"])["digest"]),
        "root": optional(text, record["root"]),
        "graph_variants": [_variant(item) for item in items(record["graph_variants"])],
        "callables": [_callable(*item) for item in fields(record["callables"]).items()],
        "variables": variables,
        "variable_count": len(variables),
        "trainable_count": sum(variable["trainable"] for variable in variables),
        "variable_bytes": sum(size or 0 for size in sizes),
        "variables_without_size": sizes.count(None),
        "regularization_losses": len(items(record["regularization_losses"])),
        "tables": [_table(item) for item in items(record["tables"])],
        "assets": texts(record["assets"]),
        "attachments": [_attachment(item) for item in items(record["attachments"])],
        "dropped": [_dropped(item) for item in items(record["dropped"])],
        "warnings": texts(record["warnings"]),
    }


def _variant(value: Any) -> Json:
    variant = fields(value)
    return {
        "tags": texts(variant["tags"]),
        "role": text(variant["role"]),
        "why": text(variant.get("why", "")),
    }


def _callable(name: Any, value: Any) -> Json:
    described = fields(value)
    return {
        "name": text(name),
        "signature": text(described["signature"]),
        "tags": texts(described["tags"]),
        "training_tags": optional(texts, described["training_tags"]),
        "always_trains": flag(described.get("always_trains", False)),
        "inputs": _values(described["inputs"]),
        "hparams": _values(described["hparams"]),
        "outputs": _values(described["outputs"]),
        "return_endpoints": flag(described["return_endpoints"]),
        "variables": len(items(described["variables"])),
        "update_ops": len(items(described["update_ops"])),
    }


def _values(value: Any) -> list[Json]:
    """The inputs or outputs of a callable, by name."""
    return [
        {
            "name": text(name),
            "kind": text(fields(info)["kind"]),
            "dtype": text(fields(info)["dtype"]),
            "shape": _shape(fields(info)["shape"]),
        }
        for name, info in fields(value).items()
    ]


def _shape(value: Any) -> list[int | None] | None:
    return optional(lambda sizes: [optional(count, size) for size in items(sizes)], value)


def _variable(value: Any) -> Json:
    variable = fields(value)
    dtype, shape = text(variable["dtype"]), _shape(variable["shape"])
    return {
        "name": text(variable["name"]),
        "dtype": dtype,
        "shape": shape,
        "trainable": flag(variable["trainable"]),
        "bytes": _size_bytes(dtype, shape),
    }


def _size_bytes(dtype: str, shape: list[int | None] | None) -> int | None:
    if shape is None or dtype not in _WIDTHS or None in shape:
        return None
    size_bytes = _WIDTHS[dtype] * math.prod(size for size in shape if size is not None)
    return size_bytes if size_bytes < _MAX_BYTES else None


def _table(value: Any) -> Json:
    table = fields(value)
    return {
        "node": text(table["node"]),
        "op": text(table["op"]),
        "initializers": texts(table["initializers"]),
    }


def _attachment(value: Any) -> Json:
    attachment = fields(value)
    return {
        "key": text(attachment["key"]),
        "tags": texts(attachment["tags"]),
        "size_bytes": count(attachment["size_bytes"]),
    }


def _dropped(value: Any) -> Json:
    dropped = fields(value)
    return {name: text(dropped[name]) for name in ("what", "name", "why")}
