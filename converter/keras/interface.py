"""The part of a module's record that a layer needs, so that it can do without the SavedModel.

Keras makes a model from its configuration, calls its layers with symbolic tensors, and builds its
optimizer, all before it unpacks the files of a `.keras` archive.
"""

from __future__ import annotations

import hashlib

import msgspec

from converter import errors, limits
from converter.export.record import (
    FILENAME,
    FOLDER,
    CallableInfo,
    Record,
    VariableInfo,
    read_record,
)
from converter.files.bounded_read import read_bounded
from converter.files.paths import Path


class Interface(msgspec.Struct, frozen=True, kw_only=True):
    """One callable of a converted module.

    Attributes:
      digest: SHA-256 over the record, by which the module is recognized.
      attribute: The attribute of the loaded module that is called.
      function: Its entry in the record.
      variables: The variables that it uses, in the record's order.
    """

    digest: str
    attribute: str
    function: CallableInfo
    variables: tuple[VariableInfo, ...]


def read_interface(directory: Path, signature: str | None) -> Interface:
    """Reads the interface of a converted module.

    Args:
      directory: The SavedModel that `tf1hub convert` wrote.
      signature: A TF1 signature, or the attribute of a callable; None for the module's own call.

    Raises:
      PathNotFoundError: if there is nothing at the path.
      UsageError: if it is not a converted module, or cannot be called like that.
      ParityError: if the record is damaged.
    """
    _require_converted(directory)
    record = read_record(directory)
    attribute = _find_callable(record, signature)
    function = record.callables[attribute]
    if not function.inputs:
        raise errors.UsageError(
            f"{attribute!r} has no required input, and a Keras layer is called with one",
            remedy=f"Call it without Keras: tf.saved_model.load(path).{attribute}().",
        )
    return Interface(
        digest=read_digest(directory),
        attribute=attribute,
        function=function,
        variables=tuple(v for v in record.variables if v.name in set(function.variables)),
    )


def read_digest(directory: Path) -> str:
    """Returns the digest of a module's record.

    Raises:
      OSError: if there is none.
      FormatError: if it is too large.
    """
    content = read_bounded(directory / FOLDER / FILENAME, limits.MAX_JSON_BYTES, FILENAME)
    return hashlib.sha256(content).hexdigest()


def _require_converted(directory: Path) -> None:
    if not directory.is_dir():
        raise errors.PathNotFoundError(f"{directory} is not a directory", remedy="Check the path.")
    if (directory / "tfhub_module.pb").is_file():
        raise errors.UsageError(
            f"{directory} is a TF1 Hub module that is not converted yet",
            remedy="Convert it with tf1hub convert, and use the result.",
        )
    if not (directory / FOLDER / FILENAME).is_file():
        raise errors.UsageError(
            f"{directory} is not a module that tf1hub converted",
            remedy="Use keras.layers.TFSMLayer for other SavedModels.",
        )


def _find_callable(record: Record, signature: str | None) -> str:
    choices = ", ".join(repr(name) for name, info in record.callables.items() if info.inputs)
    if signature is None:
        if record.root is None:
            raise errors.UsageError(
                "the module has no signature that is called by default",
                remedy=f"Pass signature=, one of {choices}.",
            )
        return record.root
    if signature in record.callables:
        return signature
    found = [name for name, info in record.callables.items() if info.signature == signature]
    if not found:
        raise errors.UsageError(
            f"the module has no signature {signature!r}", remedy=f"It has {choices}."
        )
    return found[0]
