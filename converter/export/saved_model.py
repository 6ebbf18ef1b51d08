"""Writes a live module as a SavedModel, beside its destination, and renames it into place."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import absl.logging
import msgspec
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from converter import errors, tf_private
from converter.assemble.reusable import Reusable, build_reusable
from converter.compile.compiled_module import CompiledModule
from converter.export import describe
from converter.export.attachments import describe_attachments
from converter.export.canonical import canonicalize
from converter.export.object_graph import make_object_graph
from converter.export.record import (
    FOLDER,
    ParityInfo,
    Record,
    Verdict,
    to_bytes,
    write_record,
)
from converter.export.weights import Progress, write_weights
from converter.files.json_values import to_json_values
from converter.files.paths import Path
from converter.files.staging import staged
from converter.sources.source import Origin
from converter.tensor_bundle.shards import Link


class Conversion(msgspec.Struct, frozen=True):
    """A finished conversion.

    Attributes:
      destination: The path of the SavedModel.
      record: The contents of its `assets.extra/conversion.json`.
      remarks: Notes for the user on how it was written, in full sentences. They are not in the
        record, since the result does not depend on them.
    """

    destination: str
    record: Record
    remarks: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings for the user, in full sentences."""
        return self.record.all_warnings()

    @property
    def verdict(self) -> Verdict | None:
        """The verdict of the comparison with the original; None if there was none."""
        return None if self.record.parity is None else self.record.parity.verdict

    def to_json(self) -> dict[str, Any]:
        """Converts the conversion to JSON values."""
        values: dict[str, Any] = to_json_values(self)
        return values


Verify = Callable[[Path], ParityInfo]

_OPTIONS = tf.saved_model.SaveOptions(experimental_custom_gradients=True)
_COPIED = (
    "the weights were copied: they can be linked only within one filesystem that has hard links"
)


def write_saved_model(
    compiled: CompiledModule,
    destination: Path,
    *,
    options: Mapping[str, Any],
    digest: Callable[[], str],
    origin: Origin | None = None,
    check_source: Callable[[Mapping[int, int]], None],
    overwrite: bool = False,
    hardlink: bool = False,
    verify: Verify | None = None,
    progress: Progress | None = None,
) -> Conversion:
    """Traces a module and writes it.

    Args:
      compiled: The module.
      destination: Where to write it: absent, the old version or complete at any time.
      options: The options that the record keeps.
      digest: Returns the digest of the source; called when the SavedModel is written.
      origin: What the source was unpacked from, if it was.
      check_source: Called last of all; raises if the source is no longer what was converted. It is
        given the inodes of linked files, and when linking changed them, in nanoseconds.
      overwrite: Whether to replace what is there.
      hardlink: Whether to link the weights' files rather than copying them, where that is possible.
      verify: Compares the SavedModel, before it is put in place, with the original, and returns
        the summary for the record. What it raises leaves the destination as it was.
      progress: Called with how many bytes of the weights are done, and how many there are.

    Raises:
      DestinationError: if something is there already, or it cannot be written.
      ConversionError: if the module cannot be converted exactly.
    """
    check_destination(compiled.legacy.directory, destination, overwrite=overwrite)
    with tf_private.tracing_for_saving(_OPTIONS):
        reusable = build_reusable(compiled, live=False)
    with staged(destination, overwrite=overwrite) as staging:
        links = _save(reusable, compiled, staging, hardlink=hardlink, progress=progress)
        _write_attachments(compiled, staging)
        record = describe.make_record(compiled, options, digest(), origin)
        record = _write_record(staging, record, verify)
        check_source({link.inode: link.changed_ns for link in links if link is not None})
    return Conversion(str(destination), record, () if all(links) or not hardlink else (_COPIED,))


def _write_record(staging: Path, record: Record, verify: Verify | None) -> Record:
    """Writes the record, compares, and writes it again with the comparison; returns it."""
    write_record(record, staging)
    if verify is not None:
        record = msgspec.structs.replace(record, parity=verify(staging))
        write_record(record, staging)
    return record


def check_destination(source: Path, destination: Path, *, overwrite: bool) -> None:
    """Checks that `destination` may be written.

    Raises:
      DestinationError: if it exists and may not be replaced, or holds or lies in the source.
    """
    here, there = source.resolve(), destination.resolve()
    if here == there or here.is_relative_to(there) or there.is_relative_to(here):
        raise errors.DestinationError(
            f"one of {destination} and the source {source} lies in the other",
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


def _is_replaceable(path: Path) -> bool:
    if not path.is_dir():
        return False
    return (path / "saved_model.pb").is_file() or not any(path.iterdir())


def _save(
    reusable: Reusable,
    compiled: CompiledModule,
    staging: Path,
    *,
    hardlink: bool,
    progress: Progress | None,
) -> list[Link | None]:
    """Writes the SavedModel; returns the links to the files of the weights."""
    try:
        with quiet_tensorflow():
            objects = tf_private.save_without_checkpoint(
                reusable.module, staging, reusable.signatures.functions, _OPTIONS
            )
            links = _write_variables(
                reusable, objects, compiled, staging, hardlink=hardlink, progress=progress
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
    return links


def _write_variables(
    reusable: Reusable,
    objects: Sequence[Any],
    compiled: CompiledModule,
    staging: Path,
    *,
    hardlink: bool,
    progress: Progress | None,
) -> list[Link | None]:
    saved_model = saved_model_pb2.SavedModel.FromString((staging / "saved_model.pb").read_bytes())
    object_graph = make_object_graph(saved_model.meta_graphs[0])
    specs = {id(variable): spec for variable, spec in reusable.variables}
    values = {
        # A variable that the module does not have, such as `do_lower_case`, has a value.
        key: specs.get(id(objects[number])) or objects[number].numpy()
        for number, key in object_graph.keys.items()
    }
    (staging / "variables").mkdir(exist_ok=True)
    return write_weights(
        staging / "variables" / "variables",
        compiled.legacy.checkpoint,
        values,
        object_graph.serialized,
        hardlink=hardlink,
        progress=progress,
    )


@contextlib.contextmanager
def quiet_tensorflow() -> Iterator[None]:
    """Keeps TensorFlow's messages about saving, or about V1, off the user's terminal."""
    logger = logging.getLogger("tensorflow")
    levels = logger.level, absl.logging.get_verbosity()
    logger.setLevel(logging.ERROR)
    absl.logging.set_verbosity(absl.logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(levels[0])
        absl.logging.set_verbosity(levels[1])


def _write_attachments(compiled: CompiledModule, staging: Path) -> None:
    """Writes the attached messages, byte for byte and as JSON where their type is known."""
    folder = staging / FOLDER
    folder.mkdir(exist_ok=True)
    for item in describe_attachments(compiled.legacy.variants):
        path = folder / item.file
        path.parent.mkdir(parents=True, exist_ok=True)
        program = compiled.legacy.variants[frozenset(item.tags)]
        path.write_bytes(program.attachments[item.key])
        if item.json is not None:
            path.with_suffix(".json").write_bytes(to_bytes(item.json))
