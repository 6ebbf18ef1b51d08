"""Files that people take for a module: how to tell them, and what to do with each.

The one place for them, whatever holds them: a path that a user passes, a folder of a tree, or an
archive. A new kind is one entry of `OTHER_FORMATS`.
"""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Callable, Iterable

_AGAIN = "Download it again: `file NAME` shows what you have, `curl -L` follows redirects."
_REPACK = "Unpack it, and pass the directory."
_SAVE = "`tf.compat.v1.saved_model.simple_save(session, DIR, inputs={'x': x}, outputs={'y': y})`"
_NAMELESS = "it does not say which tensors are inputs and outputs"


@dataclasses.dataclass(frozen=True, slots=True)
class OtherFormat:
    """A kind of file that is not a module.

    Attributes:
      what: What it is, with its article.
      remedy: What its owner can do.
      starts: What such a file begins with, in lower case, after white space.
      is_one: Whether bytes are the beginning of such a file, where `starts` cannot say that.
      names: Globs of the names that such files have, in lower case. A folder that holds one is
        named after it.
    """

    what: str
    remedy: str
    starts: tuple[bytes, ...] = ()
    is_one: Callable[[bytes], bool] = lambda _: False
    names: tuple[str, ...] = ()

    def has_name(self, name: str) -> bool:
        """Whether a file of this name should be one."""
        return any(fnmatch.fnmatchcase(name.lower(), glob) for glob in self.names)


# Tags of fields that have a length (source: protobuf.dev/programming-guides/encoding).
_FIELD_1, _FIELD_2 = b"\x0a", b"\x12"


def _is_graph(head: bytes) -> bool:
    """Whether bytes begin a GraphDef: its first node, and with that the node's name."""
    return bool(_content(_content(head, _FIELD_1), _FIELD_1))


def _is_meta_graph(head: bytes) -> bool:
    """Whether bytes begin a MetaGraphDef: its `meta_info_def`, and with that a list of ops."""
    return bool(_content(_content(head, _FIELD_1), _FIELD_2))


def _is_saved_model(head: bytes) -> bool:
    """Whether bytes begin a SavedModel: its version, which may be missing, and a MetaGraphDef."""
    return _is_meta_graph(_content(head.removeprefix(b"\x08\x01"), _FIELD_2))


def _content(data: bytes, tag: bytes) -> bytes:
    """What follows the tag of a field and its length; b"" if the bytes begin with another."""
    if not data.startswith(tag):
        return b""
    for end in range(1, min(len(data), 6)):
        if data[end] < 0x80:  # The last byte of the length.
            return data[end + 1 :]
    return b""


# The first that fits. A text may begin like another, so the more special come first.
OTHER_FORMATS: tuple[OtherFormat, ...] = (
    OtherFormat("an HTML page", _AGAIN, starts=(b"<!doctype html", b"<html", b"<head", b"<!-")),
    OtherFormat(
        "an XML document, as storage services send for an error",
        _AGAIN,
        starts=(b"<?xml", b"<error"),
    ),
    OtherFormat(
        "a pointer of Git LFS to a file that is not there",
        "Run `git lfs pull` in its repository.",
        starts=(b"version https://git-lfs",),
    ),
    OtherFormat(
        "a TFLite model, which runs without TensorFlow and cannot be trained",
        "Convert the model that it was made of; `tf.lite.Interpreter` runs this one as it is.",
        is_one=lambda head: head[4:8] == b"TFL3",
        names=("*.tflite", "*.lite"),
    ),
    OtherFormat(
        "a file of Keras, with a model or the weights of one",
        "Nothing needs converting: `tf.keras.models.load_model` reads a model, that of `tf_keras`"
        " if Keras 2 wrote it; weights need the code that builds theirs.",
        is_one=lambda head: head.startswith(b"\x89HDF\r\n\x1a\n"),
        names=("*.keras", "*.h5", "*.hdf5"),
    ),
    OtherFormat(
        "a model of TensorFlow.js",
        "Convert the model that it was made of.",
        names=("model.json",),
    ),
    OtherFormat(
        f"a TF1 checkpoint, which has values of variables and no signatures: {_NAMELESS}",
        "Build its graph in TensorFlow 1 (`tf.compat.v1.train.import_meta_graph` reads a .meta"
        f" file), restore it, name inputs and outputs by {_SAVE}, and convert DIR.",
        is_one=_is_meta_graph,
        names=(
            "*.ckpt",
            "*.ckpt-*",
            "*.ckpt.*",
            "*.index",
            "*.data-?????-of-?????",
            "*.meta",
            "checkpoint",
        ),
    ),
    OtherFormat(
        "the graph of a SavedModel under another name",
        "Name it saved_model.pb, with its `variables` and `assets` beside it, and pass its"
        " directory.",
        is_one=_is_saved_model,
    ),
    OtherFormat(
        f"a bare graph (GraphDef), as of a frozen model, which has no signatures: {_NAMELESS}",
        "Import it by `tf.import_graph_def` in a session of TensorFlow 1, name inputs and outputs"
        f" by {_SAVE}, and convert DIR.",
        starts=(b"node {", b"node{"),
        is_one=_is_graph,
        names=("*.pb", "*graph*.pbtxt", "frozen*.pbtxt"),
    ),
    OtherFormat("compressed by bzip2", _REPACK, starts=(b"bzh",)),
    OtherFormat("compressed by xz", _REPACK, starts=(b"\xfd7zxz",)),
    OtherFormat("compressed by zstd", _REPACK, starts=(b"\x28\xb5\x2f\xfd",)),
    OtherFormat("a 7z archive", _REPACK, starts=(b"7z\xbc\xaf",)),
    OtherFormat("a RAR archive", _REPACK, starts=(b"rar!",)),
    OtherFormat("a JSON document, as services send for an error", _AGAIN, starts=(b"{",)),
)


def find_other_format(name: str, head: bytes) -> OtherFormat | None:
    """Finds what a file is that is not a module.

    Args:
      name: Its name.
      head: Its first bytes, some hundred of them.
    """
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    by_content = (o for o in OTHER_FORMATS if o.is_one(head) or text.startswith(o.starts))
    found = next(by_content, None)
    named = next((other for other in OTHER_FORMATS if other.has_name(name)), None)
    # Many files are JSON, and few of them are errors.
    return named if named is not None and text.startswith(b"{") else found or named


def find_among(names: Iterable[str]) -> tuple[OtherFormat, str] | None:
    """Finds what a folder without a module holds instead, by the names of its files.

    Returns:
      The format, and the file of it that comes first in the alphabet; None if there is none.
    """
    ordered = sorted(names)
    for other in OTHER_FORMATS:
        for name in ordered:
            if other.has_name(name):
                return other, name
    return None
