"""Models on Kaggle, where those of tfhub.dev are now.

What kagglehub's cache has is used, without a network and without kagglehub. Anything else is
downloaded by kagglehub's client into that cache. Only the client is used: kagglehub itself unpacks
archives without limits and, before Python 3.14, without a filter, and downloads the files of small
models to whatever names the server sends.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Iterator

from converter import errors
from converter.files.byte_progress import ByteProgress
from converter.sources import kaggle_client
from converter.sources.archive import unpack
from converter.sources.kaggle_cache import add_entry, cached_versions, find_entry
from converter.sources.kaggle_handle import KaggleHandle, find_kaggle_handle, is_address
from converter.sources.source import Origin, Source, Surroundings


class Kaggle:
    """A handle such as `google/elmo/tensorFlow1/elmo/3`, or an address of Kaggle's site."""

    def recognizes(self, spec: str) -> bool:
        """Whether it is an address of Kaggle, or a handle, and nothing is at that path."""
        return is_address(spec) or find_kaggle_handle(spec) is not None

    @contextlib.contextmanager
    def open(self, spec: str, surroundings: Surroundings) -> Iterator[Source]:
        """Yields the model from kagglehub's cache, where it is put if it is not there.

        Raises:
          UsageError: if the handle is wrong, or kagglehub is needed and not installed.
          DownloadError: if it cannot be downloaded.
          FormatError: if what was downloaded is not an archive of a model.
          UnsafeModuleError: if a member of it could do harm.
          DestinationError: if the cache cannot be written.
        """
        handle = find_kaggle_handle(spec)
        assert handle is not None, "it was recognized"
        yield open_handle(handle, surroundings.progress)


def open_handle(handle: KaggleHandle, progress: Callable[[str], None]) -> Source:
    """Returns the files of a model on Kaggle, as `Kaggle.open` does."""
    if handle.version is None:
        handle = dataclasses.replace(handle, version=_find_newest(handle))
    entry = find_entry(handle)
    if entry is None:
        entry = add_entry(handle, lambda folder: _download(handle, folder, progress))
    return Source(entry, str(handle), origin=Origin(handle=str(handle), url=handle.page))


def _find_newest(handle: KaggleHandle) -> int:
    try:
        return kaggle_client.find_newest_version(handle)
    except errors.ConversionError as error:
        versions = cached_versions(handle)
        if not versions:
            raise
        raise errors.DownloadError(
            f"the newest version of {handle} cannot be found: {error.message}",
            remedy=f"kagglehub's cache has version {versions[-1]}: pass {handle}/{versions[-1]}.",
        ) from error


def _download(
    handle: KaggleHandle, folder: pathlib.Path, progress: Callable[[str], None]
) -> pathlib.Path:
    archive, files = folder / handle.file_name, folder / "files"
    progress(f"downloading {handle} from Kaggle")
    kaggle_client.download(handle, archive, ByteProgress(progress, f"downloading {handle}"))
    unpack(archive, files, str(handle), progress)
    return files
