"""Where the SavedModel of a layer is, and whether a layer may load it.

A SavedModel is a program. One that the caller names is loaded as it is. A configuration may come
from a file that somebody else wrote, with a path of their choice; so what it names is scanned
first, unless a layer of this process has loaded it already.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import tempfile
import threading
import weakref

from converter.export.record import FILENAME, FOLDER
from converter.files.json_values import to_json_values
from converter.files.paths import Path, RemotePath, StrPath, as_path
from converter.keras import saved_model
from converter.keras.interface import Interface, read_digest, read_interface


class Origin:
    """A SavedModel that layers have loaded; it is remembered as long as one of them is.

    Attributes:
      given: Its path, as configurations have it.
      directory: Where it is; absolute, since the working directory may change.
    """

    def __init__(self, given: StrPath) -> None:
        self.given = os.fspath(given)
        self.directory = _make_absolute(as_path(given))

    def remember(self) -> None:
        """Lets configurations name it, as those of clones do."""
        with _LOCK:
            _LOADED.add(self)


_LOADED: weakref.WeakSet[Origin] = weakref.WeakSet()
_LOCK = threading.Lock()


def has_module(directory: Path, interface: Interface) -> bool:
    """Whether a directory has the module of an interface, and that describes it as the record does.

    Raises:
      OSError: if it cannot be read.
      UsageError: if it has the record of the interface, but no such callable.
    """
    if not (directory / FOLDER / FILENAME).is_file() or read_digest(directory) != interface.digest:
        return False
    found = read_interface(directory, interface.attribute)
    return bool(to_json_values(found) == to_json_values(interface))


def find_origin(path: str, interface: Interface) -> Origin | None:
    """Finds the SavedModel that a configuration names, to load it.

    No file makes a layer fetch a model: a remote one is found if it was loaded before.

    Returns:
      None if there is none, or another one.

    Raises:
      UnsafeModuleError: if it was not loaded before, and could do harm to this machine.
      WeightsError: if it was not loaded before, and its checkpoint is damaged.
      FormatError: if it cannot be read.
      OSError: if the path cannot be read.
    """
    loaded = _find_loaded(path)
    if loaded is not None:
        return loaded if has_module(loaded.directory, interface) else None
    if isinstance(as_path(path), RemotePath):
        return None
    origin = Origin(path)
    if not has_module(origin.directory, interface):
        return None
    saved_model.refuse_unsafe(origin.directory, str(origin.directory))
    return origin


def _find_loaded(path: str) -> Origin | None:
    """Finds a loaded SavedModel by its path, which may begin at an earlier working directory."""
    with _LOCK:
        found = {origin.directory: origin for origin in _LOADED if origin.given == path}
    only = next(iter(found.values())) if len(found) == 1 else None
    return found.get(_make_absolute(as_path(path)), only)


def unpack(source: pathlib.Path) -> Origin:
    """Copies the SavedModel of a file, which Keras removes, for as long as a layer needs it.

    Raises:
      UnsafeModuleError: if it could do harm to this machine.
      WeightsError: if its checkpoint is damaged.
      FormatError: if it cannot be read.
    """
    saved_model.refuse_unsafe(source, "in the file")
    origin = Origin(tempfile.mkdtemp(prefix="tf1hub-layer-"))
    weakref.finalize(origin, shutil.rmtree, origin.given, ignore_errors=True)
    saved_model.copy_files(source, pathlib.Path(origin.given))
    return origin


def _make_absolute(path: Path) -> Path:
    return path if isinstance(path, RemotePath) else path.absolute()
