"""Indexes of checkpoints: which tensor lies where. No tensor is read.

A checkpoint (a TensorBundle) is a sorted table beside data files, its shards. The table has a
header under the empty key, an entry for each tensor under its name, and an entry for each slice
of a tensor that is stored in parts.

Sources: tensor_bundle.proto, tensor_slice.proto, tensorflow/core/util/tensor_bundle.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol

from google.protobuf import message
from tensorflow.core.framework import versions_pb2
from tensorflow.core.protobuf import tensor_bundle_pb2

from converter.tensor_bundle.ordered_code import FULL_EXTENT, is_slice_key, slice_key
from converter.tensor_bundle.sorted_table import TableError, read_table, write_table

_MAX_SHARDS = 99_999  # Names of shards have five digits.
_VERSION = 1  # Of the format (source: kTensorBundleVersion).

Shape = tuple[int, ...]


class BigEndianError(TableError):
    """The data files were written by a big-endian machine."""


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One tensor, or one slice of a tensor (source: BundleEntryProto).

    Attributes:
      dtype: The `DataType` number.
      shape: The shape.
      shard: The number of the data file.
      offset: Where it begins there, in bytes.
      size: Its size, in bytes.
      checksum: The masked CRC-32C of its bytes; for strings, of their lengths and bytes.
      slices: The parts of a tensor that is stored in parts; it has no other bytes then.
    """

    dtype: int
    shape: Shape
    shard: int = 0
    offset: int = 0
    size: int = 0
    checksum: int = 0
    slices: tuple[Slice, ...] = ()

    @property
    def end(self) -> int:
        """Where its bytes end in its data file."""
        return self.offset + self.size


class StoredSlice(Protocol):
    """The place of a part in the full tensor; all are sizes per axis."""

    @property
    def full_shape(self) -> tuple[int, ...]:
        """The shape of the full tensor."""

    @property
    def offset(self) -> tuple[int, ...]:
        """Where the part begins."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the part."""


@dataclasses.dataclass(frozen=True, slots=True)
class Slice:
    """A part of a tensor: its entry, and its start and length for each axis."""

    extents: tuple[tuple[int, int], ...]
    entry: Entry

    def lengths(self, shape: Shape) -> Shape | None:
        """Returns its length for each axis of a tensor of that shape; None for another rank."""
        if len(self.extents) != len(shape):
            return None
        return tuple(
            size if length == FULL_EXTENT else length
            for (_, length), size in zip(self.extents, shape, strict=True)
        )

    def covers(self, spec: StoredSlice) -> bool:
        """Whether it is the very part that `spec` describes."""
        starts = tuple(start for start, _ in self.extents)
        return (starts, self.lengths(spec.full_shape)) == (spec.offset, spec.shape)


@dataclasses.dataclass(frozen=True, slots=True)
class Index:
    """The index of a checkpoint.

    Attributes:
      shards: The number of its data files.
      entries: Its tensors by name.
    """

    shards: int
    entries: Mapping[str, Entry]


def read_index(data: bytes) -> Index:
    """Reads an index.

    Raises:
      BigEndianError: if the bytes of its tensors are in the other order.
      CompressedTableError: if it is compressed.
      TableError: if it is damaged.
    """
    table = read_table(data)
    header = _parse(tensor_bundle_pb2.BundleHeaderProto, table.pop(b"", None), "the header")
    if header.endianness != tensor_bundle_pb2.BundleHeaderProto.LITTLE:
        raise BigEndianError("its tensors are stored in big-endian order")
    if not 0 <= header.num_shards <= _MAX_SHARDS or header.version.min_consumer > _VERSION:
        raise TableError("it has an unknown version, or too many data files")
    entries = {}
    for key, value in table.items():
        if not is_slice_key(key):
            name = _decode(key)
            entries[name] = _read_entry(name, value, table)
    return Index(header.num_shards, entries)


def _decode(key: bytes) -> str:
    try:
        return key.decode()
    except UnicodeDecodeError as error:
        raise TableError(f"{key!r} is not a tensor name") from error


def _parse(kind: Any, data: bytes | None, what: str) -> Any:
    if data is None:
        raise TableError(f"{what} is missing")
    try:
        return kind.FromString(data)
    except message.DecodeError as error:
        raise TableError(f"{what} is damaged") from error


def _read_entry(name: str, data: bytes, table: Mapping[bytes, bytes]) -> Entry:
    proto = _parse(tensor_bundle_pb2.BundleEntryProto, data, f"the entry of {name!r}")
    slices = []
    for part in proto.slices:
        extents = tuple(
            (extent.start, extent.length if extent.HasField("length") else FULL_EXTENT)
            for extent in part.extent
        )
        what = f"a slice of {name!r}"
        found = _parse(
            tensor_bundle_pb2.BundleEntryProto, table.get(slice_key(name, extents)), what
        )
        slices.append(Slice(extents, _to_entry(found, what, ())))
    return _to_entry(proto, f"the entry of {name!r}", tuple(slices))


def _to_entry(proto: Any, what: str, slices: tuple[Slice, ...]) -> Entry:
    shape = tuple(int(dim.size) for dim in proto.shape.dim)
    if proto.shape.unknown_rank or min((*shape, proto.offset, proto.size)) < 0:
        raise TableError(f"{what} has an impossible shape or place")
    return Entry(proto.dtype, shape, proto.shard_id, proto.offset, proto.size, proto.crc32c, slices)


def write_index(index: Index) -> bytes:
    """Writes an index, slices included."""
    header = tensor_bundle_pb2.BundleHeaderProto(
        num_shards=index.shards,
        endianness=tensor_bundle_pb2.BundleHeaderProto.LITTLE,
        version=versions_pb2.VersionDef(producer=_VERSION),
    )
    table = {b"": header.SerializeToString(deterministic=True)}
    for name, entry in index.entries.items():
        table[name.encode()] = _to_proto(entry).SerializeToString(deterministic=True)
        for part in entry.slices:
            key = slice_key(name, part.extents)
            table[key] = _to_proto(part.entry).SerializeToString(deterministic=True)
    return write_table(table)


def _to_proto(entry: Entry) -> Any:
    proto = tensor_bundle_pb2.BundleEntryProto(
        dtype=entry.dtype,
        shard_id=entry.shard,
        offset=entry.offset,
        size=entry.size,
        crc32c=entry.checksum,
    )
    proto.shape.SetInParent()
    for size in entry.shape:
        proto.shape.dim.add(size=size)
    for part in entry.slices:
        extents = proto.slices.add().extent
        for start, length in part.extents:
            extent = extents.add()
            if length != FULL_EXTENT:
                extent.start, extent.length = start, length
    return proto
