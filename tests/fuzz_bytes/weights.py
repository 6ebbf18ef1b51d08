"""Targets that read checkpoints, with all checksums taken to be right."""

import contextlib
import itertools
from collections.abc import Iterator
from unittest import mock

from checkpoint_files import compress_table

from converter import errors
from converter.ir.graph import SliceSpec, VariableSpec
from converter.tensor_bundle import sorted_table, tensor_bytes
from converter.tensor_bundle.checkpoint import read_checkpoint
from converter.tensor_bundle.checkpoint_index import read_index, write_index
from fuzz_bytes.files import GOLDEN, fixture_files, join, split, write

_INDEX = "variables/variables.index"
_MOST_VARIABLES = 20
# With slices, with strings, with scalars, with big tables.
_MODULES = ("half_plus_two", "while_partitioned", "state_ref_returned_assignment")


@contextlib.contextmanager
def _unverified() -> Iterator[None]:
    """Random bytes would seldom come further than to a checksum."""
    with (
        mock.patch.object(sorted_table, "mask", return_value=mock.ANY),
        mock.patch.object(tensor_bytes, "mask", return_value=mock.ANY),
    ):
        yield


def read_index_bytes(data: bytes) -> None:
    """Reads an index, and writes it so that it is read as the same."""
    with _unverified():
        index = read_index(data)
    assert read_index(write_index(index)) == index


def index_seeds() -> list[bytes]:
    """Indexes of fixtures, some compressed."""
    plain = [*fixture_files(_INDEX, 4000, 6), _module_file("while_partitioned", _INDEX)]
    return [*plain, *map(compress_table, plain)]


def read_values(data: bytes) -> None:
    """Reads a checkpoint and the values of its variables, whole and in part."""
    index, values = split(data, 2)
    write("values", "variables.index", index)
    prefix = write("values", "variables.data-00000-of-00001", values) / "variables"
    with _unverified():
        checkpoint = read_checkpoint(prefix)
        for name, entry in itertools.islice(checkpoint.entries.items(), _MOST_VARIABLES):
            whole = VariableSpec(name, name, entry.dtype, entry.shape, True, name)
            half = tuple(size // 2 for size in entry.shape)
            part = SliceSpec(entry.shape, half, half)
            for spec in (whole, VariableSpec(name, name, entry.dtype, half, True, name, part)):
                checkpoint.find_bytes(spec)
                with contextlib.suppress(errors.WeightsError):
                    assert checkpoint.read(spec).shape == spec.shape


def values_seeds() -> list[bytes]:
    """Small checkpoints, with slices and strings among them."""
    data = "variables/variables.data-00000-of-00001"
    return [join([_module_file(name, _INDEX), _module_file(name, data)]) for name in _MODULES]


def _module_file(module: str, file: str) -> bytes:
    return (GOLDEN / module / "module" / file).read_bytes()
