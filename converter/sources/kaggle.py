"""Models on Kaggle, where those of tfhub.dev are now.

What kagglehub's cache has is used, without a network and without kagglehub. Anything else is
downloaded by kagglehub's client into that cache. Only the client is used: kagglehub 1.0.3 itself
unpacks without limits (before, without a filter as well), and downloads up to 25 files to whatever
names the server lists.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Iterator

from converter import errors
from converter.files.byte_progress import ByteProgress
from converter.sources import hub_cache, kaggle_client
from converter.sources.archive import unpack
from converter.sources.handles import check_handle
from converter.sources.hub_handle import HubHandle
from converter.sources.kaggle_cache import (
    ArchiveFacts,
    cached_versions,
    find_entry,
    folder_for,
    install,
    read_facts,
)
from converter.sources.kaggle_handle import KaggleHandle, find_kaggle_handle, is_kaggle
from converter.sources.source import Origin, Source, Surroundings
from converter.sources.urls import is_url


class Kaggle:
    """A handle such as `google/elmo/tensorFlow1/elmo/3`, or an address of Kaggle's site."""

    def recognizes(self, spec: str) -> bool:
        """Whether it is an address of Kaggle, or a handle, and nothing is at that path."""
        return is_kaggle(spec)

    @contextlib.contextmanager
    def open(self, spec: str, surroundings: Surroundings) -> Iterator[Source]:
        """Yields the model from kagglehub's cache, where it is put if it is not there.

        Raises:
          UsageError: if the handle is wrong.
          DownloadError: if it cannot be downloaded, or kagglehub is needed and not installed.
          FormatError: if what was downloaded is not an archive of a model.
          UnsafeModuleError: if a member of it could do harm.
          DestinationError: if the cache cannot be written.
        """
        check_handle(spec)
        if is_in_hub_cache(spec):
            with HubHandle().open(spec, surroundings) as source:
                yield source
            return
        handle = find_kaggle_handle(spec)
        assert handle is not None, "it was recognized"
        yield open_handle(handle, surroundings.progress)


def is_in_hub_cache(spec: str) -> bool:
    """Whether it is a URL, and tensorflow_hub has downloaded it.

    Raises:
      FormatError: if only a part of it is there.
    """
    return is_url(spec) and hub_cache.find_entry(spec).find() is not None


def check_available(spec: str) -> None:
    """Checks that a model on Kaggle is in a cache, or kagglehub is there; uses no network.

    Raises:
      UsageError: if the handle is wrong.
      DownloadError: if kagglehub is needed, and not installed.
      FormatError: if only a part of the model is in a cache.
    """
    handle = find_kaggle_handle(spec)
    if handle is None or is_in_hub_cache(spec):
        return
    # Without a version, the error that `open` raises names one that is in the cache.
    is_cached = cached_versions(handle) if handle.version is None else find_entry(handle)
    if not is_cached:
        kaggle_client.check_installed(handle)


def open_handle(
    handle: KaggleHandle, progress: Callable[[str], None], asked: str | None = None
) -> Source:
    """Returns the files of a model on Kaggle, as `Kaggle.open` does.

    Args:
      handle: The handle of the model.
      progress: Called with what is being done.
      asked: What the user calls it, if that is not the handle.
    """
    if handle.version is None:
        handle = dataclasses.replace(handle, version=_find_newest(handle))
    entry = find_entry(handle)
    if entry is None:
        entry = _download(handle, progress)
    facts = read_facts(entry)
    origin = Origin(
        name=str(handle),
        digest=None if facts is None else facts.digest,
        size_bytes=None if facts is None else facts.size_bytes,
        handle=asked or handle.page,
    )
    return Source(entry, asked or str(handle), origin=origin)


def _find_newest(handle: KaggleHandle) -> int:
    try:
        return kaggle_client.find_newest_version(handle)
    except errors.ConversionError as error:
        versions = cached_versions(handle)
        if not versions:
            raise
        raise errors.DownloadError(
            f"the newest version of {handle} cannot be found: {error.message}",
            remedy=f"Its cache has version {versions[-1]}: pass {handle}/{versions[-1]}.",
        ) from error


def _download(handle: KaggleHandle, progress: Callable[[str], None]) -> pathlib.Path:
    kaggle_client.check_installed(handle)
    progress(f"downloading {handle} from Kaggle")
    with folder_for(handle) as folder:
        archive, files = folder / handle.file_name, folder / "files"
        kaggle_client.download(handle, archive, ByteProgress(progress, f"downloading {handle}"))
        origin = unpack(archive, files, str(handle), progress).origin
        assert origin is not None
        return install(handle, files, ArchiveFacts(origin.digest or "", origin.size_bytes or 0))
