"""Reads the parts of a MetaGraphDef: collections, tensor names, serialized messages."""

from __future__ import annotations

from typing import Any

from google.protobuf import message

from converter import errors
from converter.ir.graph import TensorRef


def read_collection(meta_graph: Any, key: str, kind: str) -> list[Any]:
    """Returns the values of a collection, if there is one; `kind` is `node`, `bytes` or `any`.

    Raises:
      FormatError: if it holds values of another kind.
    """
    if key not in meta_graph.collection_def:
        return []
    collection = meta_graph.collection_def[key]
    found = collection.WhichOneof("kind")
    if found is None:
        return []
    if found != f"{kind}_list":
        raise errors.FormatError(f"collection {key!r} holds {found}, expected {kind}_list")
    return list(getattr(collection, found).value)


def parse_ref(name: str) -> TensorRef:
    """Parses the name of a tensor, or of a node for its first output.

    Raises:
      FormatError: if it is damaged.
    """
    try:
        return TensorRef.parse(name)
    except ValueError as error:
        raise errors.FormatError(f"a reference to a tensor is damaged: {error}") from error


def parse_message(kind: Any, value: bytes, what: str) -> Any:
    """Parses a serialized message of type `kind`.

    Raises:
      FormatError: if it is damaged; `what` is it.
    """
    try:
        return kind.FromString(value)
    except message.DecodeError as error:
        raise errors.FormatError(f"{what} is damaged") from error
