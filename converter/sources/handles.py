"""Handles: names of modules that may have to be downloaded; nothing here uses a network."""

from __future__ import annotations

from converter.sources.kaggle_handle import find_kaggle_handle, is_address, is_kaggle, parse_address
from converter.sources.urls import check_url, is_url, public_url


def is_handle(spec: str) -> bool:
    """Whether it is a URL, or a handle of Kaggle at whose path there is nothing."""
    return is_url(spec) or is_kaggle(spec)


def check_handle(handle: str) -> None:
    """Checks that a handle can be asked for.

    Raises:
      UsageError: if not.
    """
    if is_url(handle):
        check_url(handle)
    find_kaggle_handle(handle)


def public_address(handle: str) -> str:
    """Returns the address of a module for records, without what may be secret."""
    found = find_kaggle_handle(handle)
    return public_url(handle) if found is None else found.page


def is_of_one_version(url: str) -> bool:
    """Whether a URL names the same version of a module for good."""
    return not is_address(url) or parse_address(url).version is not None
