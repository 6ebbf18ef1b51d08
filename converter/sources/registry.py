"""The kinds of sources, and the function that opens one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from converter import errors
from converter.arguments import as_texts
from converter.files.paths import StrPath, as_path, as_tensorflow_path, reading
from converter.safety.allowed_ops import AllowedOps
from converter.sources import hub_objects
from converter.sources.archive import Archive
from converter.sources.directory import Directory
from converter.sources.hub_handle import HubHandle
from converter.sources.in_memory import open_in_memory
from converter.sources.kaggle import Kaggle
from converter.sources.source import Kind, ModuleSource, Source, Surroundings
from converter.sources.tfhub_dev import TfhubDev

# The first that recognizes a source opens it. A directory may have the name of an archive.
# A URL is no path, which the others would look for. Any URL may be that of a server of TF Hub's
# protocol, except those of Kaggle and tfhub.dev.
KINDS: tuple[Kind, ...] = (TfhubDev(), Kaggle(), HubHandle(), Directory(), Archive())


@contextlib.contextmanager
def open_source(
    spec: ModuleSource,
    *,
    destination: StrPath | None = None,
    progress: Callable[[str], None] | None = None,
    session: Any = None,
    allow_op: Sequence[str] = (),
    needs_values: bool = True,
) -> Iterator[Source]:
    """Opens a source, and closes it when the block ends.

    Several functions can read what is open, so that it is downloaded or unpacked once.

    Args:
      spec: A module's directory or archive: a local path, or any that TensorFlow can read
        (`gs://…`); or a handle (`https://…`; for Kaggle, also `google/elmo/tensorFlow1/elmo/3`),
        which is looked up in the cache of tensorflow_hub or kagglehub, and downloaded if it is not
        there; what `hub.create_module_spec` returns, or a live `hub.Module`. A source that is open
        is yielded as it is, and stays open.
      destination: Where the module's files go in the end: they are unpacked beside it, so that
        they can be moved there. None for the folder of temporary files.
      progress: Called with what is being done.
      session: The session that runs a live `hub.Module`; the default session if None.
      allow_op: Ops to let through when variables of a module spec are initialized.
      needs_values: Whether the values of variables are needed, for which the initializers of a
        module spec run, and a live module has to have a session.

    Yields:
      The open source, which other functions take in place of a path.

    Raises:
      PathNotFoundError: if there is nothing at the path.
      DownloadError: if a module cannot be downloaded.
      FormatError: if it cannot be unpacked.
      UnsafeModuleError: if an archive has a member that could do harm, or an initializer does.
      DestinationError: if there is no space to download or unpack it.
      UsageError: if it is another object, nothing can be requested from a URL, or a live module
        has no session.

    Example:
      ```python
      with converter.open_source("module") as source:
          if not converter.scan(source).findings:
              converter.convert(source, "converted")
      ```
    """
    allowed = as_texts("allow_op", allow_op, "ops to let through")
    surroundings = Surroundings(
        None if destination is None else as_tensorflow_path(destination),
        progress or (lambda _: None),
        session,
        AllowedOps(allowed),
        needs_values,
    )
    with open_in(surroundings, spec) as source:
        yield source


@contextlib.contextmanager
def open_in(surroundings: Surroundings, spec: ModuleSource) -> Iterator[Source]:
    """Opens a source, and closes it when the block ends; see `open_source`."""
    if isinstance(spec, Source):
        yield spec
        return
    with _open(spec, surroundings) as source, _naming(source):
        yield source


def _open(spec: Any, surroundings: Surroundings) -> AbstractContextManager[Source]:
    in_memory = check_type(spec, surroundings.session)
    if in_memory is not None:
        return open_in_memory(spec, in_memory, surroundings)
    text = os.fspath(spec)
    return _find_kind(text).open(text, surroundings)


def check_type(spec: Any, session: Any = None) -> hub_objects.HubObject | None:
    """Checks that an object may be the source of a module, before anything is read.

    Args:
      spec: The object; not a source that is open.
      session: The session that runs it, if it is a live `hub.Module`.

    Returns:
      What it is in memory; None for a path.

    Raises:
      UsageError: if it is of another type, or a session is given for what has none.
    """
    in_memory = hub_objects.find_kind(spec)
    if session is not None and in_memory is not hub_objects.HubObject.MODULE:
        raise errors.UsageError(
            "the argument session is for a live hub.Module only",
            remedy="Leave session out for any other module.",
        )
    if in_memory is None and not isinstance(spec, str | os.PathLike):
        raise hub_objects.refuse(spec)
    return in_memory


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
