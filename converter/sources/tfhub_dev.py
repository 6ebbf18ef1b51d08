"""Addresses of tfhub.dev, whose modules are on Kaggle now."""

from __future__ import annotations

import contextlib
import functools
import pathlib
import sys
import urllib.parse
from collections.abc import Iterator
from typing import Any

from converter.sources.kaggle import open_handle
from converter.sources.kaggle_handle import KaggleHandle, parse_handle
from converter.sources.source import Source, Surroundings

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HOSTS = ("tfhub.dev", "www.tfhub.dev")

_TABLE = pathlib.Path(__file__).with_name("tfhub_dev.toml")


class TfhubDev:
    """An address of tfhub.dev of which the table says where the module is on Kaggle."""

    def recognizes(self, spec: str) -> bool:
        """Whether the table has it."""
        return find_replacement(spec) is not None

    @contextlib.contextmanager
    def open(self, spec: str, surroundings: Surroundings) -> Iterator[Source]:
        """Yields the module from Kaggle, as `Kaggle.open` does.

        Raises:
          ConversionError: as `Kaggle.open` does.
        """
        handle = find_replacement(spec)
        assert handle is not None, "it was recognized"
        surroundings.progress(f"{spec} is {handle} on Kaggle")
        yield open_handle(handle, surroundings.progress, asked=spec)


def find_replacement(address: str) -> KaggleHandle | None:
    """Finds what a module of tfhub.dev is on Kaggle; None if the table does not have it."""
    parts = urllib.parse.urlsplit(address)
    if parts.scheme not in ("http", "https") or parts.hostname not in HOSTS:
        return None
    path, _, version = parts.path.strip("/").rpartition("/")
    known = _read_modules().get(path)
    if known is None or version not in map(str, known["versions"]):
        return None
    # Kaggle counts without gaps.
    number = known["versions"].index(int(version)) + 1
    return parse_handle(f"{known['kaggle']}/{number}")


@functools.cache
def _read_modules() -> Any:
    return tomllib.loads(_TABLE.read_text(encoding="utf-8"))["modules"]
