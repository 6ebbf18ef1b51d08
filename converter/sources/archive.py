"""An archive of a module, unpacked while it is open.

It is rooted at the module, or has the module in a folder. All is unpacked in one pass, in which the
files are digested as well, so that they are not read again for that.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator
from typing import IO

from converter import errors
from converter.files.byte_progress import ByteProgress
from converter.files.model_directory import MODEL_FILES
from converter.files.paths import Path, as_path, open_raw, read_blocks, reading, size_bytes
from converter.files.scratch import folder_beside, scratch_folder, temporary_folder
from converter.formats.module_directory import describe_others, find_model_of
from converter.sources.archive_formats import HEAD_BYTES, ArchiveFormat, check_tar, find_format
from converter.sources.byte_stream import ByteStream, inflate, read_plain
from converter.sources.source import Origin, Source, Surroundings
from converter.sources.unpack_tar import unpack_tar
from converter.sources.unpack_zip import unpack_zip
from converter.sources.unpacked_files import Allowance, UnpackedFiles

SUFFIXES = (".tar.gz", ".tgz", ".tar", ".zip")

_BLOCK_BYTES = 1 << 20


def has_archive_name(name: str) -> bool:
    """Whether a file of this name should be an archive."""
    return name.lower().endswith(SUFFIXES)


def archive_stem(name: str) -> str:
    """The name of an archive without its suffix; one that is nothing else keeps it."""
    for suffix in SUFFIXES:
        stem = name[: -len(suffix)]
        if name.lower().endswith(suffix) and stem not in ("", ".", ".."):
            return stem
    return name


class Archive:
    """A `.tar.gz`, `.tar` or `.zip`, which its first bytes tell, whatever its name is."""

    def recognizes(self, spec: str) -> bool:
        """Whether there is something, and it is not a directory."""
        place = as_path(spec)
        return place.exists() and not place.is_dir()

    @contextlib.contextmanager
    def open(self, spec: str, surroundings: Surroundings) -> Iterator[Source]:
        """Unpacks the archive, and removes all of it when the block ends.

        Raises:
          FormatError: if it is not an archive, is damaged, or does not hold one module.
          UnsafeModuleError: if a member could do harm.
          DestinationError: if it cannot be unpacked for lack of space.
        """
        place = as_path(spec)
        check_file(place)
        with unpacking_folder(surroundings.destination) as folder:
            directory = folder / archive_stem(place.name)
            yield unpack(place, directory, place.name, surroundings.progress)


def check_file(spec: Path) -> None:
    """Checks that what is not a directory may be an archive, by its first bytes.

    Raises:
      FormatError: if it is not; the error says what it is.
    """
    if spec.name in MODEL_FILES:
        raise _one_file(spec, spec.parent)
    if not spec.is_file():
        raise errors.FormatError(
            f"{spec} is neither a file nor a directory",
            remedy="Write its contents to a file, and pass that.",
        )
    try:
        with _naming(spec, spec.name), open_raw(spec, "rb") as file:
            find_format(file.read(HEAD_BYTES), spec.name)
    except errors.FormatError as error:
        directory = find_model_of(spec)
        if directory is None:
            raise
        raise _one_file(spec, directory) from error


def _one_file(spec: Path, directory: Path) -> errors.FormatError:
    return errors.FormatError(
        f"{spec} is one file of a model, expected a directory or an archive",
        remedy=f"Pass its directory, {directory}.",
    )


@contextlib.contextmanager
def unpacking_folder(destination: Path | None) -> Iterator[pathlib.Path]:
    """Yields a new folder beside `destination`, and removes it when the block ends.

    None stands for the folder of temporary files.

    Raises:
      DestinationError: if it cannot be made.
    """
    with (
        folder_beside(destination) as parent,
        temporary_folder() if parent is None else scratch_folder(parent) as folder,
    ):
        yield folder


@contextlib.contextmanager
def _naming(spec: Path, name: str) -> Iterator[None]:
    """Adds the name of the archive to errors of its members, and explains those of reading it."""
    try:
        with reading(spec, remedy="Check the permissions."):
            yield
    except errors.ConversionError as error:
        if name in error.message:
            raise
        raise error.with_message(f"{name}: {error.message}") from error


def unpack(
    archive: Path, directory: pathlib.Path, name: str, progress: Callable[[str], None]
) -> Source:
    """Unpacks an archive into a directory, which must not exist.

    Args:
      archive: The file.
      directory: The place for its members; the module may lie in a folder of it.
      name: The name of the archive, for messages.
      progress: Called with the bytes that are done.

    Raises:
      FormatError: if it is not an archive, is damaged, or does not hold one module.
      UnsafeModuleError: if a member could do harm.
      DestinationError: if it cannot be unpacked for lack of space.
    """
    with _naming(archive, name):
        size = size_bytes(archive)
        noted = _Reading(size, ByteProgress(progress, f"unpacking {name}"))
        files = UnpackedFiles(directory, Allowance(size))
        directory.mkdir()
        with open_raw(archive, "rb") as file:
            _unpack_file(file, name, files, noted)
        root = find_root(files.names(), name)
    return Source(
        directory / root,
        str(archive),
        origin=Origin(name=name, digest=noted.digest(), size_bytes=size),
        known_digest=files.digest(root),
        is_private=True,
    )


class _Reading:
    """The progress of reading an archive, and the digest of what was read."""

    def __init__(self, size: int, progress: Callable[[int, int], None]) -> None:
        self.size = size
        self._progress = progress
        self._done = 0
        self._state = hashlib.sha256()

    def note(self, block: memoryview) -> None:
        """Notes the next bytes of the archive."""
        self._state.update(block)
        self._done += len(block)
        self._progress(self._done, self.size)

    def digest(self) -> str:
        """The digest of all bytes noted."""
        return self._state.hexdigest()


def _unpack_file(file: IO[bytes], name: str, files: UnpackedFiles, reading: _Reading) -> None:
    kind = find_format(file.read(HEAD_BYTES), name)
    file.seek(0)
    if kind is ArchiveFormat.ZIP:
        # Members are read in the order of the directory, at the end.
        for block in read_blocks(file, _BLOCK_BYTES):
            reading.note(block)
        file.seek(0)
        unpack_zip(file, reading.size, files)
        return
    blocks = (inflate if kind is ArchiveFormat.TAR_GZ else read_plain)(file, reading.note)
    stream = ByteStream(blocks, files.allowance.check)
    check_tar(bytes(stream.peek()[:HEAD_BYTES]), name)
    unpack_tar(stream, files)


def find_root(names: Iterable[str], archive: str) -> str:
    """Finds the folder of the module among the files of an archive.

    Args:
      names: The paths of the files, relative and with slashes.
      archive: The name of the archive, for messages.

    Returns:
      The path of the folder; "" for the root of the archive.

    Raises:
      NoModelError: if there is no model.
      FormatError: if there are several.
    """
    names = list(names)
    _check_not_keras(names, archive)
    folders = {os.path.dirname(name) for name in names if os.path.basename(name) in MODEL_FILES}
    # The assets of a module may contain another module.
    outermost = sorted(folder for folder in folders if not _is_below(folder, folders))
    if not outermost:
        instead, remedy = _describe_inner_archive(names)
        if not instead:
            instead, remedy = describe_others(map(os.path.basename, names))
        raise errors.NoModelError(
            f"{archive} holds no model: it has neither tfhub_module.pb nor saved_model.pb{instead}",
            remedy=remedy or "Pack the directory that holds them.",
        )
    if len(outermost) > 1:
        raise errors.FormatError(
            f"{archive} holds {len(outermost)} models, the first of them at {outermost[0]!r} and"
            f" {outermost[1]!r}",
            remedy="Unpack it, and pass the directory of one; `tf1hub migrate` takes all of them.",
        )
    return outermost[0]


def _check_not_keras(names: list[str], archive: str) -> None:
    """Checks that an archive is not a `.keras` file, whose layers may have SavedModels in them."""
    if not {"config.json", "metadata.json"} <= set(names) or MODEL_FILES & set(names):
        return
    weights = next((name for name in names if name.startswith("model.weights.")), None)
    if weights is not None:
        _, remedy = describe_others(["model.weights.h5"])
        raise errors.NoModelError(
            f"{archive} is a model that Keras saved, and not an archive of a module", remedy=remedy
        )


def _describe_inner_archive(names: list[str]) -> tuple[str, str]:
    inner = next((name for name in names if has_archive_name(name)), None)
    if inner is None:
        return "", ""
    return f"; its {inner!r} is an archive", "Unpack it, and pass the archive that is in it."


def _is_below(folder: str, others: set[str]) -> bool:
    while folder:
        folder = os.path.dirname(folder)
        if folder in others:
            return True
    return False
