"""The cache of tensorflow_hub: a folder for each handle, named by the SHA-1 of the handle.

Source: resolver.py and compressed_module_resolver.py of tensorflow_hub 0.16.1. Beside a folder
`<sha1>` there may be

    <sha1>.descriptor.txt   the handle, for people; no program needs it
    <sha1>.lock             `host.process.uid` of whoever downloads it
    <sha1>.<uid>.tmp        the folder of that download, renamed to `<sha1>` when it is complete

What is in a folder `<sha1>` is complete, whatever lies beside it. Nobody ever writes into one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import hashlib
import os
import pathlib
import re
import shutil
import socket
import tempfile
import uuid
from collections.abc import Callable, Iterator

from converter import errors
from converter.files import replace
from converter.files.model_directory import MODEL_FILES
from converter.files.paths import Path, RemotePath, as_path, reading
from converter.sources.hub_lock import HubLock
from converter.sources.urls import public_url

VARIABLE = "TFHUB_CACHE_DIR"
# In the folder for temporary files, if the variable is not set.
_DEFAULT_FOLDER = "tfhub_modules"

_ENTRY = re.compile(r"[0-9a-f]{40}")
_UNFINISHED = re.compile(r"[0-9a-f]{40}\.[0-9a-f]{32}\.tmp")
_HANDLE = "Module: "
_MAX_DESCRIPTOR_BYTES = 1 << 16


@dataclasses.dataclass(frozen=True, slots=True)
class CacheEntry:
    """The place of one handle in the cache.

    Attributes:
      handle: The handle, as it was written: its SHA-1 counts.
      folder: The folder of its module.
      is_chosen: Whether the user chose the cache; else it is the one that tensorflow_hub takes.
    """

    handle: str
    folder: Path
    is_chosen: bool

    def find(self) -> Path | None:
        """Returns the folder, if the module is there.

        Raises:
          FormatError: if something else is there.
        """
        with reading(self.folder, remedy=f"Check {VARIABLE}."):
            exists = self.folder.exists()
            names = {p.name for p in self.folder.iterdir()} if self.folder.is_dir() else set()
        if not self.is_chosen and not _is_own(self.folder):
            return None  # Anybody may write to the folder for temporary files.
        if names & MODEL_FILES:
            return self.folder
        if exists and (names or not self.folder.is_dir()):
            raise errors.FormatError(
                f"{self.folder}, the cached module of {public_url(self.handle)}, is not complete:"
                " it has neither tfhub_module.pb nor saved_model.pb",
                remedy="Remove it, so that it is downloaded again.",
            )
        return None

    @contextlib.contextmanager
    def downloading(self, progress: Callable[[str], None]) -> Iterator[pathlib.Path | None]:
        """Yields a new folder for a download; None if another process has stored the module.

        It waits for a process that downloads the same module. The folder is removed in the end.

        Raises:
          DestinationError: if nothing can be written there.
        """
        lock = HubLock(self._local_folder, uuid.uuid4().hex)
        with _writing(self._local_folder):
            self._local_folder.parent.mkdir(parents=True, exist_ok=True)
        with lock.held(lambda: self.find() is not None, progress) as is_held:
            if not is_held or self.find() is not None:
                yield None
                return
            try:
                with _writing(lock.temporary):
                    lock.temporary.mkdir()
                yield lock.temporary
            finally:
                shutil.rmtree(lock.temporary, ignore_errors=True)

    def install(self, module: pathlib.Path, facts: str) -> bool:
        """Makes a complete module the entry, and returns whether it is.

        It is not if another process was faster, which may happen if both hold the lock:
        tensorflow_hub takes the lock of a process that seems to do nothing.

        Args:
          module: A directory on the same filesystem.
          facts: More lines for the descriptor.

        Raises:
          DestinationError: if it cannot be written.
        """
        descriptor = f"{_HANDLE}{self.handle}\n{_describe_download()}\n{facts}"
        with _writing(self._local_folder):
            staged = module.with_name(f"{module.name}.descriptor.txt")
            staged.write_text(descriptor, encoding="utf-8")
            staged.replace(_descriptor(self._local_folder))
            try:
                replace.put_in_place(module, self._local_folder, overwrite=False)
            except OSError:
                if self.find() is None:
                    raise
                return False
        return True

    @property
    def _local_folder(self) -> pathlib.Path:
        assert isinstance(self.folder, pathlib.Path)
        return self.folder


def find_entry(handle: str) -> CacheEntry:
    """Returns the place of a handle: in TFHUB_CACHE_DIR, or where tensorflow_hub would put it."""
    chosen = os.environ.get(VARIABLE, "")
    cache = as_path(chosen or os.path.join(tempfile.gettempdir(), _DEFAULT_FOLDER))
    name = hashlib.sha1(handle.encode(), usedforsecurity=False).hexdigest()
    return CacheEntry(handle, cache / name, bool(chosen))


def find_handle(folder: Path) -> str | None:
    """Returns the handle of an entry that a user passes by its folder; None for other folders.

    Raises:
      FormatError: if it is a download that was not finished.
    """
    if any(_UNFINISHED.fullmatch(place.name) for place in (folder, folder.parent)):
        raise errors.FormatError(
            f"{folder} is a download of tensorflow_hub that was not finished",
            remedy="Pass the handle of the module, so that it is downloaded again.",
        )
    if _ENTRY.fullmatch(folder.name) is None:
        return None
    line = _read_line(_descriptor(folder)).removeprefix(_HANDLE)
    is_its_own = hashlib.sha1(line.encode(), usedforsecurity=False).hexdigest() == folder.name
    return line if is_its_own and line.isprintable() else None


def _descriptor(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.descriptor.txt")


def _read_line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_DESCRIPTOR_BYTES).decode().split("\n")[0]
    except (OSError, UnicodeDecodeError):
        return ""


def _describe_download() -> str:
    return (
        f"Download Time: {datetime.datetime.now()}\n"
        f"Downloader Hostname: {socket.gethostname()} (PID:{os.getpid()})"
    )


def _is_own(folder: Path) -> bool:
    """Whether only this user, or the administrator, could have put a folder there."""
    if isinstance(folder, RemotePath) or not hasattr(os, "getuid"):
        return True
    trusted = {0, os.getuid()}
    with contextlib.suppress(OSError):
        return all(os.lstat(place).st_uid in trusted for place in (folder, folder.parent))
    return False


@contextlib.contextmanager
def _writing(place: pathlib.Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        remedy = f"Set {VARIABLE} to a folder that you can write to, or unset it."
        raise errors.unwritable(place, error, remedy) from error
