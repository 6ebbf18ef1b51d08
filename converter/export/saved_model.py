"""Writes a live module as a SavedModel, beside its destination, and renames it into place."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import pathlib
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import absl.logging
import tensorflow as tf

from converter import errors
from converter.assemble.module_graphs import ModuleGraphs
from converter.assemble.reusable import Reusable, build_reusable
from converter.export import record as records
from converter.export.canonical import canonicalize

_UNSAFE = re.compile(r"[^0-9A-Za-z_.=-]")


@dataclasses.dataclass(frozen=True, slots=True)
class Conversion:
    """A finished conversion.

    Attributes:
      destination: Where the SavedModel lies.
      record: The contents of its `assets.extra/conversion.json`.
    """

    destination: str
    record: Mapping[str, Any]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user should know, in full sentences."""
        return tuple(self.record["warnings"])

    def to_json(self) -> dict[str, Any]:
        """The conversion as JSON values."""
        return {"destination": self.destination, "record": dict(self.record)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Conversion:
        """The conversion that `to_json` described."""
        return cls(values["destination"], values["record"])


Verify = Callable[[pathlib.Path], Mapping[str, Any]]


def write_saved_model(
    graphs: ModuleGraphs,
    destination: pathlib.Path,
    *,
    options: Mapping[str, Any],
    overwrite: bool = False,
    verify: Verify | None = None,
) -> Conversion:
    """Builds the module and writes it.

    Args:
      graphs: What to build.
      destination: Where to write it; either absent, the old version or complete at any time.
      options: The options that the record keeps.
      overwrite: Whether to replace what is there.
      verify: Looks at the finished SavedModel before it is put in place, and returns the
        summary that the record keeps. What it raises keeps the destination as it was.

    Raises:
      DestinationError: if something is there already, or it cannot be written.
      ConversionError: if the module cannot be carried over exactly.
    """
    check_destination(graphs.legacy.directory, destination, overwrite=overwrite)
    reusable = build_reusable(graphs, live=False)
    record = records.make_record(graphs, options)
    with _staged(destination, overwrite=overwrite) as staging:
        _save(reusable, staging)
        _write_attachments(graphs, staging)
        path = staging / records.FOLDER / records.FILENAME
        path.write_bytes(records.to_bytes(record))
        if verify is not None:
            record["parity"] = dict(verify(staging))
            path.write_bytes(records.to_bytes(record))
    return Conversion(str(destination), record)


def check_destination(source: pathlib.Path, destination: pathlib.Path, *, overwrite: bool) -> None:
    """Checks that `destination` may be written.

    Raises:
      DestinationError: if it exists and may not be replaced, or holds or lies in the source.
    """
    here, there = source.resolve(), destination.resolve()
    if here == there or here.is_relative_to(there) or there.is_relative_to(here):
        raise errors.DestinationError(
            f"{destination} and the source {source} lie in one another",
            remedy="Choose a destination outside of the source.",
        )
    if not destination.exists():
        return
    if not overwrite:
        raise errors.DestinationError(
            f"{destination} exists already", remedy="Pass --overwrite to replace it."
        )
    if not _is_replaceable(destination):
        raise errors.DestinationError(
            f"{destination} is neither a SavedModel nor an empty directory, so it is not replaced",
            remedy="Remove it yourself, or choose another destination.",
        )


def _is_replaceable(path: pathlib.Path) -> bool:
    if not path.is_dir():
        return False
    return (path / "saved_model.pb").is_file() or not any(path.iterdir())


def read_record(directory: pathlib.Path) -> Mapping[str, Any]:
    """Reads the record of a converted module.

    Raises:
      ParityError: if there is none, or it is damaged.
    """
    path = directory / records.FOLDER / records.FILENAME
    try:
        record: Mapping[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise errors.ParityError(
            f"{directory} has no readable {records.FOLDER}/{records.FILENAME}",
            remedy="Point to a directory that this converter wrote.",
        ) from error
    return record


@contextlib.contextmanager
def _staged(destination: pathlib.Path, *, overwrite: bool) -> Iterator[pathlib.Path]:
    """A directory beside `destination` that takes its place when the block ends without error."""
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=f".{destination.name}.", dir=destination.parent
        ) as scratch:
            staging = pathlib.Path(scratch) / "new"
            staging.mkdir()
            yield staging
            if overwrite and destination.exists():
                destination.rename(pathlib.Path(scratch) / "old")
            staging.rename(destination)
    except OSError as error:
        raise errors.DestinationError(
            f"{destination} cannot be written: {error.strerror or error}",
            remedy="Check the permissions and the free space.",
        ) from error


def _save(reusable: Reusable, staging: pathlib.Path) -> None:
    try:
        with quiet_tensorflow():
            tf.saved_model.save(
                reusable.module,
                str(staging),
                signatures=dict(reusable.signatures.functions),
                options=tf.saved_model.SaveOptions(experimental_custom_gradients=True),
            )
            canonicalize(staging, reusable.signatures.input_names)
    except tf.errors.OpError as error:
        raise errors.DestinationError(
            f"TensorFlow cannot write the SavedModel: {error.message}",
            remedy="Check the free space.",
        ) from error
    for folder in ("assets", "variables"):
        with contextlib.suppress(OSError):  # Not there, or in use.
            (staging / folder).rmdir()


@contextlib.contextmanager
def quiet_tensorflow() -> Iterator[None]:
    """Keeps TensorFlow's own remarks, about saving or about V1, off the user's terminal."""
    logger = logging.getLogger("tensorflow")
    levels = logger.level, absl.logging.get_verbosity()
    logger.setLevel(logging.ERROR)
    absl.logging.set_verbosity(absl.logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(levels[0])
        absl.logging.set_verbosity(levels[1])


def _write_attachments(graphs: ModuleGraphs, staging: pathlib.Path) -> None:
    """Writes the attached messages, byte for byte and as JSON where their type is known."""
    folder = staging / records.FOLDER
    folder.mkdir(exist_ok=True)
    for tags, program in graphs.legacy.variants.items():
        for key, value in program.attachments.items():
            path = folder / "attachments" / tags_folder(tags) / f"{_UNSAFE.sub('_', key)}.pb"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(value)
            decoded = records.decode_attachment(key, value)
            if decoded is not None:
                path.with_suffix(".json").write_bytes(records.to_bytes(decoded))


def tags_folder(tags: frozenset[str]) -> str:
    """The name of the folder for a tag set: `bs8_gen`, and `default` for the empty one."""
    return _UNSAFE.sub("_", "_".join(sorted(tags))).lstrip(".") or "default"
