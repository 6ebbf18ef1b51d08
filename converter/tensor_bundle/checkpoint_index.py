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

from converter import limits
from converter.tensor_bundle.ordered_code import FULL_EXTENT, is_slice_key, slice_key
from converter.tensor_bundle.sorted_table import TableError, read_table, write_table

_VERSION = 1  # Of the format (source: kTensorBundleVersion).
_LITTLE = tensor_bundle_pb2.BundleHeaderProto.LITTLE
_BIG = tensor_bundle_pb2.BundleHeaderProto.BIG

Shape = tuple[int, ...]


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

    def region(self, shape: Shape) -> tuple[slice, ...]:
        """Its place in a tensor of that shape: where it starts and stops on each axis."""
        lengths = self.lengths(shape)
        assert lengths is not None
        starts = (start for start, _ in self.extents)
        axes = zip(starts, lengths, strict=True)
        return tuple(slice(start, start + length) for start, length in axes)

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
      is_big_endian: Whether numbers in its data files have their highest byte first.
    """

    shards: int
    entries: Mapping[str, Entry]
    is_big_endian: bool = False


def read_index(data: bytes) -> Index:
    """Reads an index, and checks all that TensorFlow's own reader takes for granted.

    Raises:
      TableError: if it is damaged.
    """
    table = read_table(data)
    header = _parse(tensor_bundle_pb2.BundleHeaderProto, table.pop(b"", None), "the header")
    _check_header(header)
    slices = {key: table.pop(key) for key in list(table) if is_slice_key(key)}
    entries = {}
    for key, value in table.items():
        name = _decode(key)
        entries[name] = _read_entry(name, value, slices)
    if slices:
        raise TableError(f"{len(slices)} slices in it belong to no tensor")
    return Index(header.num_shards, entries, header.endianness == _BIG)


def _check_header(header: Any) -> None:
    if header.endianness not in (_LITTLE, _BIG):
        raise TableError(f"it has the unknown byte order {header.endianness}")
    version = header.version
    if version.min_consumer > _VERSION or _VERSION in version.bad_consumers:
        raise TableError("it has an unknown version")
    if not 0 <= header.num_shards <= limits.MAX_SHARDS:
        raise TableError(f"it has {header.num_shards} data files")


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


def _read_entry(name: str, data: bytes, stored: dict[bytes, bytes]) -> Entry:
    """Reads the entry of a tensor, and takes its slices from those that are stored."""
    proto = _parse(tensor_bundle_pb2.BundleEntryProto, data, f"the entry of {name!r}")
    slices = []
    for part in proto.slices:
        extents = tuple(
            (extent.start, extent.length if extent.HasField("length") else FULL_EXTENT)
            for extent in part.extent
        )
        what = f"a slice of {name!r}"
        found = stored.pop(slice_key(name, extents), None)
        slice_proto = _parse(tensor_bundle_pb2.BundleEntryProto, found, what)
        if slice_proto.slices:
            raise TableError(f"{what} has slices itself")
        slices.append(Slice(extents, _to_entry(slice_proto, what, ())))
    return _to_entry(proto, f"the entry of {name!r}", tuple(slices))


def _to_entry(proto: Any, what: str, slices: tuple[Slice, ...]) -> Entry:
    _check_shape(proto.shape, what)
    if proto.offset < 0 or proto.size < 0:
        raise TableError(f"{what} has an impossible place")
    shape = tuple(int(dim.size) for dim in proto.shape.dim)
    return Entry(proto.dtype, shape, proto.shard_id, proto.offset, proto.size, proto.crc32c, slices)


def _check_shape(shape: Any, what: str) -> None:
    """Checks a shape as `TensorShape` of TensorFlow does, which aborts the process."""
    if shape.unknown_rank or len(shape.dim) > limits.MAX_RANK:
        raise TableError(f"{what} has rank {'?' if shape.unknown_rank else len(shape.dim)}")
    count = 1
    for dim in shape.dim:
        count *= dim.size
        # With a later axis of size 0, TensorFlow's product has overflowed all the same.
        if dim.size < 0 or count > limits.MAX_ELEMENTS:
            raise TableError(f"{what} has an impossible shape")


def write_index(index: Index) -> bytes:
    """Writes an index, slices included."""
    header = tensor_bundle_pb2.BundleHeaderProto(
        num_shards=index.shards,
        endianness=_BIG if index.is_big_endian else _LITTLE,
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
