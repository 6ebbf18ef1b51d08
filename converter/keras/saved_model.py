"""Loads, checks and copies the SavedModel of a layer."""

from __future__ import annotations

import pathlib
import shutil
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from converter import errors
from converter.conversion.scan import scan
from converter.files.paths import Path, open_raw, reading
from converter.files.source_files import list_files
from converter.safety.findings import describe_place
from converter.tensor_bundle.checkpoint import read_checkpoint

# XLA has no strings, of which tables are made, and aborts the process where it compiles the
# gradient of a loop (TensorFlow 2.21).
_LOOPS = frozenset({"While", "StatelessWhile"})


def load_into(directory: Path, variables: Mapping[str, tf.Variable]) -> Any:
    """Loads a SavedModel whose functions use existing variables, and restores their values.

    Args:
      directory: The SavedModel.
      variables: The variables, by TF1 name.

    Returns:
      The loaded object.

    Raises:
      FormatError: if the SavedModel has no variables of these names, shapes and dtypes, or cannot
        be loaded.
      WeightsError: if its weights are damaged.
    """
    missing = dict(variables)

    def create(next_creator: Callable[..., tf.Variable], **kwargs: Any) -> tf.Variable:
        variable = missing.get(kwargs.get("name", ""))
        if variable is None or not _fits(variable, **kwargs):
            return next_creator(**kwargs)
        return missing.pop(kwargs["name"])

    # The loader makes variables by creators of a lower priority than this one.
    with tf.variable_creator_scope(create):
        loaded = _load(directory)
    if missing:
        raise errors.FormatError(
            f"the SavedModel lacks variable {min(missing)!r} of its record",
            remedy="Convert the module again.",
        )
    return loaded


def _load(directory: Path) -> Any:
    try:
        return tf.saved_model.load(str(directory))
    except (tf.errors.DataLossError, tf.errors.OutOfRangeError, IndexError) as error:
        reason = errors.summarize(error).rpartition("}} ")[2]  # After the name of the kernel.
        raise errors.WeightsError(
            f"the weights of the converted module {directory} are damaged: {reason}",
            remedy="Convert the module again.",
        ) from error
    except (tf.errors.OpError, OSError, ValueError) as error:
        raise errors.FormatError(
            f"the SavedModel {directory} cannot be loaded: {errors.summarize(error)}",
            remedy="If its files are damaged or incomplete, convert the module again.",
        ) from error


def _fits(variable: tf.Variable, *, shape: Any, dtype: Any, **_: Any) -> bool:
    return tf.TensorShape(shape) == variable.shape and tf.as_dtype(dtype) == variable.dtype


def can_compile(function: Any) -> bool:
    """Whether XLA can compile a loaded function and its gradient: no loops and no strings."""
    for trace in function.concrete_functions:
        graph = trace.graph.as_graph_def()
        bodies = [graph.node, *(body.node_def for body in graph.library.function)]
        if any(_stops_xla(node) for body in bodies for node in body):
            return False
    return True


def _stops_xla(node: Any) -> bool:
    return node.op in _LOOPS or any(
        tf.string.as_datatype_enum in (attr.type, *attr.list.type) for attr in node.attr.values()
    )


def refuse_unsafe(directory: Path, place: str) -> None:
    """Refuses a SavedModel that could do harm to the machine that runs it.

    Args:
      directory: The SavedModel.
      place: Where that is, for the message.

    Raises:
      UnsafeModuleError: if a finding of `converter.scan` is of medium or high severity.
      WeightsError: if its checkpoint is damaged, at some of which TensorFlow ends the process.
      FormatError: if it cannot be read.
    """
    read_checkpoint(directory / "variables" / "variables")
    report = scan(directory)
    if report.reaches("medium"):
        worst = report.findings[0]
        raise errors.UnsafeModuleError(
            f"the SavedModel {place} has the op {worst.op} at {describe_place(worst)}, which"
            f" {worst.reason}",
            remedy="If you trust it, make a layer of the SavedModel (unpack the file that has it),"
            " and load the weights.",
        )


def copy_files(directory: Path, destination: pathlib.Path) -> None:
    """Copies a SavedModel, which may be on a remote filesystem, to a local directory.

    Raises:
      FormatError: if it cannot be read.
      UnsafeModuleError: if a link leads out of it.
    """
    with reading(directory):
        for path in list_files(directory):
            target = destination / path.relative_to(directory)
            target.parent.mkdir(parents=True, exist_ok=True)
            with open_raw(path, "rb") as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
