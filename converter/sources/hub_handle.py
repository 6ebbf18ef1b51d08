"""A handle of TF Hub: a URL whose server sends the archive of a module.

A module in tensorflow_hub's cache is used where it lies, without a network. A download is stored in
TFHUB_CACHE_DIR, for tensorflow_hub as well; if that is not set, it is removed when it is closed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import pathlib
import shlex
from collections.abc import Iterator

from converter import errors
from converter.files.paths import Path, RemotePath
from converter.sources.archive import unpack, unpacking_folder
from converter.sources.archive_formats import describe_other
from converter.sources.download import Download, download
from converter.sources.hub_cache import VARIABLE, CacheEntry, find_entry
from converter.sources.source import Origin, Source, Surroundings
from converter.sources.urls import (
    COMPRESSED,
    check_url,
    compressed_url,
    is_url,
    module_name,
    public_url,
)


class HubHandle:
    """A URL of HTTP or HTTPS, which is asked for its archive."""

    def recognizes(self, spec: str) -> bool:
        """Whether it is a URL; asks nobody."""
        return is_url(spec)

    @contextlib.contextmanager
    def open(self, spec: str, surroundings: Surroundings) -> Iterator[Source]:
        """Yields the module, from the cache or downloaded.

        Raises:
          UsageError: if nothing can be requested from such a URL.
          DownloadError: if the server cannot be reached, or does not send the module.
          FormatError: if what it sends, or what is in the cache, is not a module.
          UnsafeModuleError: if it could do harm.
          DestinationError: if it cannot be written.
        """
        check_url(spec)
        entry = find_entry(spec)
        found = entry.find()
        if found is not None:
            yield _describe_cached(spec, found)
        elif entry.is_chosen and not isinstance(entry.folder, RemotePath):
            yield _fetch_into_cache(entry, surroundings)
        else:
            if entry.is_chosen:
                surroundings.progress(f"{VARIABLE} is not local: nothing is stored there")
            with unpacking_folder(surroundings.destination) as folder:
                yield _fetch(spec, folder, surroundings)[0]


def describe_handle(handle: str) -> Origin:
    """Describes where a module comes from that was downloaded some time ago."""
    return Origin(name=module_name(handle), handle=public_url(handle))


def _describe_cached(handle: str, folder: Path) -> Source:
    return Source(folder, public_url(handle), origin=describe_handle(handle))


def _fetch_into_cache(entry: CacheEntry, surroundings: Surroundings) -> Source:
    with entry.downloading(surroundings.progress) as folder:
        if folder is None:
            return _describe_cached(entry.handle, entry.folder)
        source, got = _fetch(entry.handle, folder, surroundings)
        assert isinstance(source.directory, pathlib.Path)
        facts = f"Archive: {got.size_bytes} bytes of {got.url}\nArchive SHA-256: {got.digest}\n"
        if not entry.install(source.directory, facts):
            return _describe_cached(entry.handle, entry.folder)
    return dataclasses.replace(source, directory=entry.folder, is_private=False)


def _fetch(
    handle: str, folder: pathlib.Path, surroundings: Surroundings
) -> tuple[Source, Download]:
    """Downloads and unpacks a module in a folder."""
    name, archive = public_url(handle), folder / "archive"
    got = download(
        compressed_url(handle),
        archive,
        name=name,
        progress=surroundings.progress,
        check_head=functools.partial(_check_head, name),
        by_hand=_explain_by_hand(name),
    )
    source = unpack(archive, folder / "module", name, surroundings.progress)
    archive.unlink()
    origin = Origin(
        name=module_name(handle),
        digest=got.digest,
        size_bytes=got.size_bytes,
        handle=name,
        url=got.url,
    )
    return dataclasses.replace(source, name=name, origin=origin), got


def _check_head(name: str, head: bytes) -> None:
    what = describe_other(head)
    if what is not None:
        raise errors.FormatError(
            f"{name} sent {what}, expected an archive of a module",
            remedy="Look at it in a browser: the module may have moved, or need a login.",
        )


def _explain_by_hand(name: str) -> str:
    url = f"{name}{'&' if '?' in name else '?'}{COMPRESSED}"
    return (
        "Check the network and the proxy; or download it elsewhere, by"
        f" `curl -L -o module.tar.gz {shlex.quote(url)}`, and pass that file, as in `tf1hub convert"
        " module.tar.gz DST`."
    )
