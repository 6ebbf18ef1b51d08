"""Writes a live module as a SavedModel, beside its destination, and renames it into place."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import absl.logging
import msgspec
import tensorflow as tf

from converter import errors, tf_private
from converter.assemble.reusable import Reusable, build_reusable
from converter.compile.compiled_module import CompiledModule
from converter.export import describe
from converter.export.attachments import describe_attachments
from converter.export.canonical import (
    canonicalize,
    read_saved_model,
    write_saved_model_proto,
)
from converter.export.main_graph import MainGraph
from converter.export.object_graph import ObjectGraph, make_object_graph
from converter.export.record import (
    CARD_FILENAME,
    FOLDER,
    ParityInfo,
    Record,
    to_bytes,
    write_record,
)
from converter.export.saver import SavedVariable, add_saver
from converter.export.shared_traces import share_traces
from converter.export.signatures import add_signatures
from converter.export.weights import Progress, write_weights
from converter.files.destination import check_destination
from converter.files.paths import Path
from converter.files.staging import staged
from converter.sources.source import Source
from converter.tensor_bundle.shards import Link


@dataclasses.dataclass(frozen=True, slots=True)
class Written:
    """A SavedModel that was written.

    Attributes:
      record: The contents of its `assets.extra/conversion.json`.
      remarks: Notes for the user on how it was written, in full sentences. They are not in the
        record, since the result does not depend on them.
    """

    record: Record
    remarks: tuple[str, ...] = ()


Verify = Callable[[Path], ParityInfo]
Card = Callable[[Record, str], str]

_OPTIONS = tf.saved_model.SaveOptions(
    experimental_custom_gradients=True, experimental_skip_saver=True
)
_COPIED = (
    "the weights were copied: they can be linked only within one filesystem that has hard links"
)


def write_saved_model(
    compiled: CompiledModule,
    destination: Path,
    *,
    options: Mapping[str, Any],
    digest: Callable[[], str],
    source: Source,
    check_source: Callable[[Mapping[int, int]], None],
    overwrite: bool = False,
    hardlink: bool = False,
    verify: Verify | None = None,
    card: Card | None = None,
    progress: Progress | None = None,
) -> Written:
    """Traces a module and writes it.

    Args:
      compiled: The module.
      destination: Where to write it: absent, the old version or complete at any time.
      options: The options that the record keeps.
      digest: Returns the digest of the source; called when the SavedModel is written.
      source: Where the module was read from.
      check_source: Called last of all; raises if the source is no longer what was converted. It is
        given the inodes of linked files, and when linking changed them, in nanoseconds.
      overwrite: Whether to replace what is there.
      hardlink: Whether to link the weights' files rather than copying them, where that is possible.
      verify: Compares the SavedModel, before it is put in place, with the original, and returns
        the summary for the record. What it raises leaves the destination as it was.
      card: Formats the model card, from the record and the SavedModel's name; None for no card.
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
        record = describe.make_record(compiled, options, digest(), source)
        record = _write_record(staging, record, verify)
        if card is not None:
            (staging / CARD_FILENAME).write_bytes(card(record, destination.name).encode())
        check_source({link.inode: link.changed_ns for link in links if link is not None})
    return Written(record, () if all(links) or not hardlink else (_COPIED,))


def _write_record(staging: Path, record: Record, verify: Verify | None) -> Record:
    """Writes the record, compares, and writes it again with the comparison; returns it."""
    write_record(record, staging)
    if verify is not None:
        record = msgspec.structs.replace(record, parity=verify(staging))
        write_record(record, staging)
    return record


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
            specs = {id(variable): spec for variable, spec in reusable.variables}
            objects, tensors = tf_private.save_without_checkpoint(
                reusable.module, staging, [variable for variable, _ in reusable.variables], _OPTIONS
            )
            saved_model = read_saved_model(staging)
            object_graph = _complete(saved_model.meta_graphs[0], reusable, objects, tensors)
            write_saved_model_proto(saved_model, staging)
            values = {
                # A variable that the module does not have, such as `do_lower_case`, has a value.
                key: specs.get(id(objects[number])) or objects[number].numpy()
                for number, key in object_graph.keys.items()
            }
            (staging / "variables").mkdir(exist_ok=True)
            links = write_weights(
                staging / "variables" / "variables",
                compiled.legacy.checkpoint,
                values,
                object_graph.serialized,
                hardlink=hardlink,
                progress=progress,
            )
    except tf.errors.OpError as error:
        raise errors.DestinationError(
            f"TensorFlow cannot write the SavedModel: {error.message}",
            remedy="Check the free space.",
        ) from error
    for folder in ("assets", "variables"):
        with contextlib.suppress(OSError):  # Not there, or in use.
            (staging / folder).rmdir()
    return links


def _complete(
    meta_graph: Any, reusable: Reusable, objects: Sequence[Any], tensors: Mapping[Any, Any]
) -> ObjectGraph:
    """Adds the signatures and the saver; returns the object graph of the checkpoint."""
    renamed = canonicalize(meta_graph)
    graph = MainGraph(meta_graph, tensors)
    add_signatures(graph, reusable.signatures, renamed)
    for attribute, traces in reusable.shared_traces.items():
        names = [renamed[tf.compat.as_str(trace.name)] for trace in traces]
        share_traces(meta_graph.object_graph_def, attribute, names)
    object_graph = make_object_graph(meta_graph.object_graph_def)
    variables = [
        SavedVariable(
            key,
            graph.captured(objects[number].handle),
            objects[number].dtype.as_datatype_enum,
            objects[number].shape.as_proto(),
        )
        for number, key in object_graph.keys.items()
    ]
    add_saver(graph, variables, object_graph.serialized)
    graph.list_ops()
    return object_graph


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
