"""Addresses of tfhub.dev, whose modules are on Kaggle now."""

from __future__ import annotations

import contextlib
import functools
import pathlib
import sys
import urllib.parse
from collections.abc import Iterator
from typing import Any

from converter import errors
from converter.sources.handles import check_handle
from converter.sources.hub_handle import HubHandle
from converter.sources.kaggle import is_in_hub_cache, open_handle
from converter.sources.kaggle_cache import find_entry
from converter.sources.kaggle_client import describe_without_kagglehub, is_installed
from converter.sources.kaggle_handle import SITE, KaggleHandle, parse_handle
from converter.sources.source import Source, Surroundings
from converter.sources.urls import public_url

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_HOSTS = ("tfhub.dev", "www.tfhub.dev")
_TABLE = pathlib.Path(__file__).with_name("tfhub_dev.toml")


class TfhubDev:
    """An address of tfhub.dev.

    What tensorflow_hub has downloaded is used. If the table knows where the module is on Kaggle, it
    comes from there. Otherwise, and where kagglehub is not installed, tfhub.dev itself is asked: it
    has redirected to Kaggle since November 2023.
    """

    def recognizes(self, spec: str) -> bool:
        """Whether the host is tfhub.dev."""
        return is_tfhub_dev(spec)

    @contextlib.contextmanager
    def open(self, spec: str, surroundings: Surroundings) -> Iterator[Source]:
        """Yields the module.

        Raises:
          ConversionError: as `HubHandle.open` and `Kaggle.open` do.
        """
        check_handle(spec)
        handle = find_replacement(spec)
        opened: contextlib.AbstractContextManager[Source]
        if is_in_hub_cache(spec):
            opened = HubHandle().open(spec, surroundings)
        elif handle is not None and (is_installed() or find_entry(handle) is not None):
            surroundings.progress(f"{public_url(spec)} is {handle} on Kaggle")
            opened = contextlib.nullcontext(
                open_handle(handle, surroundings.progress, asked=public_url(spec))
            )
        else:
            opened = _open_as_redirected(spec, handle, surroundings)
        with opened as source:
            yield source


def is_tfhub_dev(spec: str) -> bool:
    """Whether it is an address of tfhub.dev."""
    try:
        parts = urllib.parse.urlsplit(spec)
        return parts.scheme in ("http", "https") and parts.hostname in _HOSTS
    except ValueError:
        return False


def find_replacement(address: str) -> KaggleHandle | None:
    """Finds what a module of tfhub.dev is on Kaggle; None if the table does not have it."""
    if not is_tfhub_dev(address):
        return None
    path, _, version = urllib.parse.urlsplit(address).path.strip("/").rpartition("/")
    known = _read_modules().get(path)
    if known is None or version not in map(str, known["versions"]):
        return None
    # Kaggle counts without gaps.
    number = known["versions"].index(int(version)) + 1
    return parse_handle(f"{known['kaggle']}/{number}")


@contextlib.contextmanager
def _open_as_redirected(
    spec: str, handle: KaggleHandle | None, surroundings: Surroundings
) -> Iterator[Source]:
    with contextlib.ExitStack() as stack:
        try:
            source = stack.enter_context(HubHandle().open(spec, surroundings))
        except (errors.DownloadError, errors.FormatError) as error:
            raise error.with_remedy(_explain_by_hand(spec, handle)) from error
        yield source


def _explain_by_hand(spec: str, handle: KaggleHandle | None) -> str:
    if handle is None:
        name = urllib.parse.urlsplit(spec).path.strip("/")
        return (
            f"The modules of tfhub.dev are on Kaggle now: look for {name} at {SITE}/models, and"
            " pass its handle there, or the archive that you download there:"
            " `tf1hub convert ARCHIVE DST`."
        )
    return describe_without_kagglehub(handle)


@functools.cache
def _read_modules() -> Any:
    return tomllib.loads(_TABLE.read_text(encoding="utf-8"))["modules"]
