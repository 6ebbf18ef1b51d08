"""The digests of a SavedModel that a migration wrote; TensorFlow is not needed for them."""

from __future__ import annotations

import msgspec


class OutputDigests(msgspec.Struct, frozen=True, kw_only=True):
    """The digests of a SavedModel that the converter wrote, SHA-256 in hex.

    Attributes:
      model: Over the names and contents of its graph, weights and assets.
      record: Over its record.
    """

    model: str
    record: str
