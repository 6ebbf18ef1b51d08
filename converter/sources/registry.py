"""The kinds of sources, and the function that opens one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator

from converter import errors
from converter.files.paths import Path, StrPath, as_path, reading
from converter.sources.archive import Archive
from converter.sources.directory import Directory
from converter.sources.hub_handle import HubHandle
from converter.sources.kaggle import Kaggle
from converter.sources.source import Kind, Source, Surroundings
from converter.sources.tfhub_dev import TfhubDev

# The first that recognizes a source opens it. A directory may have the name of an archive.
# A URL is no path, which the others would look for. Any URL may be that of a server of TF Hub's
# protocol, except those of Kaggle and tfhub.dev.
KINDS: tuple[Kind, ...] = (TfhubDev(), Kaggle(), HubHandle(), Directory(), Archive())


@contextlib.contextmanager
def open_source(
    spec: StrPath | Source,
    *,
    destination: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Iterator[Source]:
    """Opens a source, and closes it when the block ends.

    Args:
      spec: A module's directory or archive: a local path, or any that TensorFlow can read
        (`gs://…`); or a handle (`https://…`; for Kaggle, also `google/elmo/tensorFlow1/elmo/3`),
        which is looked up in the cache of tensorflow_hub or kagglehub, and downloaded if it is not
        there. A source that is open is yielded as it is, and stays open.
      destination: Where the module's files go in the end: they are unpacked beside it, so that
        they can be moved there. None for the folder of temporary files.
      progress: Called with what is being done.

    Raises:
      PathNotFoundError: if there is nothing at the path.
      UsageError: if nothing can be requested from a URL.
      DownloadError: if a module cannot be downloaded.
      FormatError: if it cannot be unpacked.
      UnsafeModuleError: if an archive has a member that could do harm.
      DestinationError: if there is no space to download or unpack it.
    """
    if isinstance(spec, Source):
        yield spec
        return
    text = os.fspath(spec)
    kind = _find_kind(text)
    with kind.open(text, Surroundings(destination, progress)) as source, _naming(source):
        yield source


def _find_kind(spec: str) -> Kind:
    path = as_path(spec)
    with reading(path, remedy="Check the path."):
        kind = next((kind for kind in KINDS if kind.recognizes(spec)), None)
    if kind is None:
        raise errors.PathNotFoundError(f"{path} does not exist", remedy="Check the path.")
    return kind


@contextlib.contextmanager
def _naming(source: Source) -> Iterator[None]:
    """Lets errors name what the user passed, and not the place of a copy that is gone by then."""
    try:
        yield
    except errors.ConversionError as error:
        place = str(source.directory)
        if not source.is_private or place not in error.message:
            raise
        raise error.with_message(error.message.replace(place, source.name)) from error
