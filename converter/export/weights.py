"""Writes the checkpoint of the result from that of the module, without loading it.

The index is written anew, with the keys that TF2 looks for; each part of a partitioned variable has
its own entry. Data files are copied or linked. Values whose bytes are not in them as they should be
(a big-endian machine wrote them, say, or a variable is partitioned in another way than it is
stored) are read one by one, and go to an additional data file, with what TF2 adds to a checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2

from converter.export.object_graph import OBJECT_GRAPH_KEY
from converter.files.paths import Path
from converter.ir.graph import VariableSpec
from converter.tensor_bundle.checkpoint import Checkpoint, shard_path
from converter.tensor_bundle.checkpoint_index import Entry, Index, write_index
from converter.tensor_bundle.shards import Link, ShardWriter, copy_shard

Progress = Callable[[int, int], None]  # bytes done, and bytes in all


def write_weights(
    prefix: Path,
    checkpoint: Checkpoint,
    values: Mapping[str, VariableSpec | np.ndarray],
    object_graph: bytes,
    *,
    hardlink: bool = False,
    progress: Progress | None = None,
) -> list[Link | None]:
    """Writes a checkpoint for TF2.

    Args:
      prefix: The common prefix of the paths of its files.
      checkpoint: The module's checkpoint.
      values: By TF2 key, a variable of `checkpoint`, or a value that it does not have.
      object_graph: The serialized TrackableObjectGraph.
      hardlink: Whether to link data files instead of copying them, where that is possible.
      progress: Called with how many bytes are done, and how many there are.

    Returns:
      For each data file of `checkpoint` that is used, the link to it, or None if it was copied.

    Raises:
      WeightsError: if a value is damaged; the error names its variable.
      OSError: if a file cannot be written.
    """
    return _Writer(prefix, checkpoint, values, hardlink, progress).write(object_graph)


class _Writer:
    def __init__(
        self,
        prefix: Path,
        checkpoint: Checkpoint,
        values: Mapping[str, VariableSpec | np.ndarray],
        hardlink: bool,
        progress: Progress | None,
    ) -> None:
        self._prefix = prefix
        self._checkpoint = checkpoint
        self._values = values
        self._hardlink = hardlink
        self._progress = progress
        self._stored = {
            key: entry
            for key, value in values.items()
            if isinstance(value, VariableSpec) and (entry := checkpoint.find_bytes(value))
        }
        self._used = sorted({entry.shard for entry in self._stored.values() if entry.size})
        self._count = len(self._used) + 1
        self._total = sum(checkpoint.shard_sizes[shard] or 0 for shard in self._used)
        self._done = 0

    def write(self, object_graph: bytes) -> list[Link | None]:
        entries, links = self._copy_shards()
        last = self._count - 1
        with ShardWriter(shard_path(self._prefix, last, self._count), last) as shard:
            for key, value in self._values.items():
                if key not in entries:
                    entries[key] = self._add(shard, value)
            graph = np.array(object_graph, dtype=object)
            entries[OBJECT_GRAPH_KEY] = shard.add(graph, types_pb2.DT_STRING)
        index = write_index(Index(self._count, entries))
        self._prefix.with_name(self._prefix.name + ".index").write_bytes(index)
        return links

    def _add(self, shard: ShardWriter, value: VariableSpec | np.ndarray) -> Entry:
        if isinstance(value, VariableSpec):
            return shard.add(self._checkpoint.read(value), value.dtype)
        return shard.add(value, tf.as_dtype(value.dtype).as_datatype_enum)

    def _copy_shards(self) -> tuple[dict[str, Entry], list[Link | None]]:
        """Copies or links the data files in use; returns the new entries, and the links."""
        moved: dict[Entry, Entry] = {}
        links: list[Link | None] = []
        for number, shard in enumerate(self._used):
            size = self._checkpoint.shard_sizes[shard]
            assert size is not None
            copied = copy_shard(
                self._checkpoint.shard(shard),
                size,
                shard_path(self._prefix, number, self._count),
                self._owners(shard),
                number=number,
                hardlink=self._hardlink,
                advance=self._advance,
            )
            moved |= copied.entries
            links.append(copied.link)
        return {key: moved[entry] for key, entry in self._stored.items() if entry in moved}, links

    def _owners(self, shard: int) -> dict[Entry, str]:
        names: dict[Entry, str] = {}
        for key, entry in self._stored.items():
            value = self._values[key]
            if entry.shard == shard and isinstance(value, VariableSpec):
                names.setdefault(entry, value.name)
        return names

    def _advance(self, size: int) -> None:
        self._done += size
        if self._progress is not None:
            self._progress(min(self._done, self._total), self._total)
