"""The files of a module, and their digest; TensorFlow is not needed for local ones."""

from __future__ import annotations

import concurrent.futures
import hashlib
import os
import pathlib
import subprocess
import sys
import threading
import types
from collections.abc import Callable, Iterable, Mapping
from typing import IO

from converter import errors
from converter.files.module_files import walk_files
from converter.files.paths import Path, RemotePath, as_path, open_raw, read_blocks, size_bytes
from converter.files.snapshot import SourceGuard
from converter.processes import python_process

# After each block, a thread that hashes waits until another thread yields the interpreter: 5 ms or
# more, in which it could hash 5 MiB. So large files have larger blocks, and many bytes a process,
# which starts in less than a tenth of a second.
_MIN_BLOCK_BYTES, _MAX_BLOCK_BYTES, _BLOCKS = 1 << 20, 1 << 22, 64
_PROCESS_FROM_BYTES = 1 << 28


def list_files(directory: Path) -> list[Path]:
    """Lists all files below `directory`, sorted by their relative paths.

    Raises:
      UnsafeModuleError: if a symbolic link leads out of the directory.
      FormatError: if a link leads to itself, or a name is not one of a module's file.
    """
    files = sorted(walk_files(directory), key=lambda path: path.relative_to(directory).as_posix())
    if isinstance(directory, RemotePath):
        return files
    root = directory.resolve()
    for path in files:
        if not _resolve(path).is_relative_to(root):
            raise errors.UnsafeModuleError(
                f"{path.relative_to(directory).as_posix()!r} is a link to a place outside of the"
                " module",
                remedy="Copy the module with its links resolved, if you trust it.",
            )
    return [path for path in files if path.is_file()]


def _resolve(path: Path) -> Path:
    try:
        return path.resolve()
    except RuntimeError as error:  # Python 3.12 and earlier, for a link that leads to itself.
        raise errors.FormatError(f"{path.name!r} is a link that leads to itself") from error


def digest(directory: Path, stopped: Callable[[], bool] = lambda: False) -> str:
    """SHA-256 over the names and contents of all files below `directory`, as hex digits.

    The path of the directory itself does not count: a copy has the same digest.

    Args:
      directory: The directory.
      stopped: Called now and then; returns whether the result is no longer wanted.

    Raises:
      UnsafeModuleError: if a symbolic link leads out of the directory.
      OSError: if a file cannot be read.
    """
    return digest_files(directory, list_files(directory), stopped)


def digest_files(
    directory: Path, files: Iterable[Path], stopped: Callable[[], bool] = lambda: False
) -> str:
    """SHA-256 over the names and contents of some files below `directory`; see `digest`."""
    contents = {}
    for path in files:
        block_bytes = min(max(size_bytes(path) // _BLOCKS, _MIN_BLOCK_BYTES), _MAX_BLOCK_BYTES)
        with open_raw(path, "rb") as file:
            content = _file_digest(file, block_bytes, stopped)
        contents[path.relative_to(directory).as_posix()] = content
    return combine_digests(contents)


def combine_digests(contents: Mapping[str, str]) -> str:
    """The digest of a directory, from those of its files by their relative paths."""
    total = hashlib.sha256()
    for name, content in sorted(contents.items()):
        total.update(f"{name}\0{content}\n".encode())
    return total.hexdigest()


def _file_digest(file: IO[bytes], block_bytes: int, stopped: Callable[[], bool]) -> str:
    state = hashlib.sha256()
    for block in read_blocks(file, block_bytes):
        state.update(block)
        if stopped():
            break
    return state.hexdigest()


class BackgroundDigest:
    """Computes the digest of a module in the background, while it is being converted.

    SHA-256 takes longer than copying: about a second for a gigabyte. So it runs in a thread, and
    for a large module in a process. Use it in a `with` statement; leaving it stops the work.

    Args:
      source: The module's directory. It is not read if it holds no SavedModel.
      known: Returns a digest that is computed elsewhere; no thread is started then.
    """

    def __init__(
        self, source: str | os.PathLike[str], known: Callable[[], str] | None = None
    ) -> None:
        self._directory = as_path(source)
        self._known = known
        self._guard: SourceGuard | None = None
        self._stop = threading.Event()
        self._executor = concurrent.futures.ThreadPoolExecutor(1, "digest")
        self._future: concurrent.futures.Future[str] | None = None
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> BackgroundDigest:
        # Remote files need TensorFlow, which two threads must not import at once.
        wanted = self._known is None and not isinstance(self._directory, RemotePath)
        if wanted and any((self._directory / f"saved_model.{e}").exists() for e in ("pb", "pbtxt")):
            self._guard = SourceGuard(self._directory)
            self._future = self._executor.submit(self._compute)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._process is not None:
            self._process.kill()
        self._executor.shutdown()

    def _compute(self) -> str:
        files = list_files(self._directory)
        if sum(map(size_bytes, files)) >= _PROCESS_FROM_BYTES:
            result = self._compute_in_process()
            if result is not None:
                return result
        return digest_files(self._directory, files, self._stop.is_set)

    def _compute_in_process(self) -> str | None:
        """The digest, or None if the process failed or could not be started."""
        try:
            process = subprocess.Popen(
                python_process.command("converter.files.source_files", os.fspath(self._directory)),
                env=python_process.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        except (OSError, ValueError):
            return None
        with process:
            self._process = process
            if self._stop.is_set():
                process.kill()
            output, _ = process.communicate()
        return output if process.returncode == 0 else None

    @property
    def has_begun(self) -> bool:
        """Whether it is computed, which it is for local directories of models alone."""
        return self._future is not None

    def result(self) -> str:
        """Waits for the digest.

        Raises:
          FormatError: if a file has been changed since the block began.
          UnsafeModuleError: if a symbolic link leads out of the directory.
          OSError: if a file cannot be read.
        """
        if self._known is not None:
            return self._known()
        if self._future is None:
            return digest(self._directory)
        result = self._future.result()
        assert self._guard is not None
        self._guard.check()
        return result


if __name__ == "__main__":
    sys.stdout.write(digest(pathlib.Path(sys.argv[1])))
