"""The edits of modules: of messages, of graphs as a whole, of bytes, and of folders.

Each is a function of the module's directory and the `Edit`; `EDITS` names them. They write as
TensorFlow does: an index keeps its checksums right unless its bytes are edited.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import crc32c
from google.protobuf import text_format
from tensorflow.core.protobuf import saved_model_pb2, tensor_bundle_pb2

from converter.formats import hub_protos
from converter.tensor_bundle.sorted_table import TableError, mask, read_table, write_table
from module_fuzzing import graph_edits, places
from module_fuzzing.fixtures import GOLDEN
from module_fuzzing.mutant import GRAPHS, INDEX, MODULE_DEF, SHARD, Edit, Mutant
from module_fuzzing.places import MisfitError

Apply = Callable[[pathlib.Path, Edit], None]

# Their `value` is the path of another file.
_WITH_TARGETS = ("move file", "copy file", "hard link")
# They take the place of a file, whatever it is.
_NOT_READING = ("remove file", "move file", "hard link", "link", "folder", "pipe", "write")
_MAX_READ_BYTES = 1 << 26
_MESSAGES = {GRAPHS: saved_model_pb2.SavedModel, MODULE_DEF: hub_protos.ModuleDef}


def make(mutant: Mutant, directory: pathlib.Path) -> None:
    """Writes a mutant.

    Raises:
      MisfitError: if an edit does not fit.
    """
    shutil.copytree(GOLDEN / mutant.fixture / "module", directory)
    for edit in mutant.edits:
        try:
            _check_inside(directory, edit)
            _check_readable(directory / edit.file, edit)
            EDITS[edit.do](directory, edit)
        except (OSError, ValueError, TableError) as error:
            raise MisfitError(f"{edit}: {error}") from error


def _check_inside(directory: pathlib.Path, edit: Edit) -> None:
    """Keeps an edit from following a link that an earlier one has made."""
    for name in (edit.file, *([edit.value] if edit.do in _WITH_TARGETS else [])):
        folder = (directory / name).parent.resolve()
        if not folder.is_relative_to(directory.resolve()):
            raise MisfitError(f"{name} is outside of the module")


def _check_readable(path: pathlib.Path, edit: Edit) -> None:
    """Keeps an edit from reading pipes, devices and huge files that an earlier one has made."""
    is_read = edit.do not in _NOT_READING and os.path.lexists(path)
    if is_read and not (path.is_file() and path.stat().st_size <= _MAX_READ_BYTES):
        raise MisfitError(f"{edit.file} is not a file of a usual size")


# Messages.


@contextlib.contextmanager
def opened(directory: pathlib.Path, file: str) -> Iterator[Any]:
    """A file's message, or an index's entries by their keys; written when the block ends."""
    path = directory / file
    content = path.read_bytes()
    try:
        root = read_entries(content) if file == INDEX else _MESSAGES[file].FromString(content)
    except (ValueError, places.message.Error) as error:
        raise MisfitError(f"{file} is damaged") from error
    yield root
    path.unlink()
    if file == INDEX:
        entries = {bytes.fromhex(key): entry for key, entry in root.items()}
        path.write_bytes(write_table({k: entries[k].SerializeToString() for k in sorted(entries)}))
    else:
        path.write_bytes(root.SerializeToString(deterministic=True))


def read_entries(content: bytes) -> dict[str, Any]:
    """The messages of an index by their keys in hexadecimal digits; the header's is empty."""
    header, entry = tensor_bundle_pb2.BundleHeaderProto, tensor_bundle_pb2.BundleEntryProto
    items = read_table(content).items()
    return {key.hex(): (entry if key else header).FromString(value) for key, value in items}


def _on_message(change: Callable[[Any, Edit], None]) -> Apply:
    def apply(directory: pathlib.Path, edit: Edit) -> None:
        with opened(directory, edit.file) as root:
            change(root, edit)

    return apply


def _at_place(change: Callable[[Any, Any, Edit], None]) -> Apply:
    return _on_message(
        lambda root, edit: places.change_at(root, edit.at, lambda h, step: change(h, step, edit))
    )


def _set(holder: Any, step: Any, edit: Edit) -> None:
    kind = type(places.get(holder, step))
    places.put(holder, step, places.from_json(edit.value, kind))


def _append(holder: Any, step: Any, edit: Edit) -> None:
    """Appends text, a number or a message to a repeated field."""
    items = places.get(holder, step)
    if edit.value is None:
        items.add()
        return
    try:
        items.append(edit.value)
    except TypeError:
        items.append(places.from_json(edit.value, bytes))


def _repeat(holder: Any, step: Any, edit: Edit) -> None:
    """Repeats an item of a list after itself, or that of a map under the key `value`."""
    if places.is_map(holder):
        places.put(holder, edit.value, places.get(holder, step))
    else:
        places.insert(holder, step, holder[step])


def _rename_key(holder: Any, step: Any, edit: Edit) -> None:
    _repeat(holder, step, edit)
    places.remove(holder, step)


def _graft(root: Any, edit: Edit) -> None:
    """Replaces a message by that of another place."""
    value = places.value_at(root, edit.other)
    copy = type(value)()
    copy.CopyFrom(value)
    places.change_at(root, edit.at, lambda holder, step: places.put(holder, step, copy))


def _nest(holder: Any, step: Any, edit: Edit) -> None:
    """Makes an attribute the name of a function whose attributes are nested so deep."""
    attr = places.get(holder, step)
    for _ in range(edit.value):
        attr.func.name = "f"
        attr = attr.func.attr["f"]


# Bytes.


def _on_bytes(change: Callable[[bytearray, Any], bytearray]) -> Apply:
    def apply(directory: pathlib.Path, edit: Edit) -> None:
        path = directory / edit.file
        changed = change(bytearray(path.read_bytes()), edit.value)
        path.unlink()
        path.write_bytes(changed)

    return apply


def _flip(content: bytearray, value: Any) -> bytearray:
    """Flips a bit, counted from the beginning."""
    if value // 8 >= len(content):
        raise MisfitError(f"there is no bit {value}")
    content[value // 8] ^= 1 << value % 8
    return content


def _overwrite(content: bytearray, value: Any) -> bytearray:
    """Writes text (of one byte a character) at an offset, and extends the file for it."""
    offset, text = value
    new = text.encode("latin-1")
    content[offset : offset + len(new)] = new
    return content


def _insert(content: bytearray, value: Any) -> bytearray:
    offset, text = value
    content[offset:offset] = text.encode("latin-1")
    return content


def _cut(content: bytearray, value: Any) -> bytearray:
    """Removes what is between two offsets."""
    del content[value[0] : value[1]]
    return content


def _reseal(directory: pathlib.Path, edit: Edit) -> None:
    """Makes the index's checksums right for the shard as it is now."""
    content = (directory / SHARD).read_bytes()
    with opened(directory, edit.file) as entries:
        for key, entry in entries.items():
            if key and not entry.slices:
                stored = content[max(0, entry.offset) :][: max(0, entry.size)]
                entry.crc32c = mask(crc32c.crc32c(stored))


# Files and folders.


def _remove(directory: pathlib.Path, edit: Edit) -> None:
    path = directory / edit.file
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _move(directory: pathlib.Path, edit: Edit) -> None:
    path = directory / edit.value
    path.parent.mkdir(parents=True, exist_ok=True)
    (directory / edit.file).rename(path)


def _copy(directory: pathlib.Path, edit: Edit) -> None:
    path = directory / edit.value
    path.parent.mkdir(parents=True, exist_ok=True)
    content = (directory / edit.file).read_bytes()
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def _link(directory: pathlib.Path, edit: Edit) -> None:
    path = directory / edit.file
    if os.path.lexists(path):
        _remove(directory, edit)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(edit.value)


def _hard_link(directory: pathlib.Path, edit: Edit) -> None:
    os.link(directory / edit.file, directory / edit.value)


def _folder(directory: pathlib.Path, edit: Edit) -> None:
    path = directory / edit.file
    if os.path.lexists(path):
        _remove(directory, edit)
    path.mkdir(parents=True)


def _pipe(directory: pathlib.Path, edit: Edit) -> None:
    path = directory / edit.file
    if os.path.lexists(path):
        _remove(directory, edit)
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)


def _write(directory: pathlib.Path, edit: Edit) -> None:
    path = directory / edit.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(edit.value.encode("latin-1"))


def _stretch(directory: pathlib.Path, edit: Edit) -> None:
    """Makes a file as large as `value` says, with a hole."""
    path = directory / edit.file
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)
    os.truncate(path, edit.value)


def _as_text(directory: pathlib.Path, edit: Edit) -> None:
    """Writes the graphs as text, `saved_model.pbtxt`."""
    content = _MESSAGES[edit.file].FromString((directory / edit.file).read_bytes())
    (directory / edit.file).unlink()
    (directory / f"{edit.file}txt").write_text(text_format.MessageToString(content))


EDITS: dict[str, Apply] = {
    "set": _at_place(_set),
    "append": _at_place(_append),
    "clear": _at_place(lambda holder, step, edit: places.remove(holder, step)),  # noqa: ARG005
    "repeat": _at_place(_repeat),
    "rename key": _at_place(_rename_key),
    "swap": _at_place(lambda holder, step, edit: places.swap(holder, step, edit.value)),
    "nest": _at_place(_nest),
    "graft": _on_message(_graft),
    "rename node": _on_message(graph_edits.rename_node),
    "retype": _on_message(graph_edits.retype),
    "insert op": _on_message(graph_edits.insert_op),
    "make function": _on_message(graph_edits.make_function),
    "flip": _on_bytes(_flip),
    "overwrite": _on_bytes(_overwrite),
    "insert": _on_bytes(_insert),
    "cut": _on_bytes(_cut),
    "reseal": _reseal,
    "remove file": _remove,
    "move file": _move,
    "copy file": _copy,
    "link": _link,
    "hard link": _hard_link,
    "folder": _folder,
    "pipe": _pipe,
    "write": _write,
    "stretch": _stretch,
    "as text": _as_text,
}
