"""URLs of modules: what they may be, how they are requested, and how they are shown."""

from __future__ import annotations

import re
import urllib.parse

from converter import errors

# Asks a server for the archive of a module, instead of the page about it.
# source: compressed_module_resolver.py of tensorflow_hub 0.16.1
COMPRESSED = "tf-hub-format=compressed"

_URL = re.compile(r"https?://", re.IGNORECASE)
_SHOWN_CHARACTERS = 300


def is_url(spec: str) -> bool:
    """Whether the user means a URL of HTTP or HTTPS."""
    return _URL.match(spec) is not None


def check_url(url: str) -> None:
    """Checks that a URL can be requested; uses no network.

    Raises:
      UsageError: if not.
    """
    fault = find_fault(url)
    if fault is not None:
        raise errors.UsageError(
            f"{public_url(url)!r} is not the URL of a module: {fault}",
            remedy="Pass one such as https://host/publisher/module/1.",
        )


def find_fault(url: str) -> str | None:
    """Returns why a URL cannot be requested; None if it can."""
    if not url.isascii() or not url.isprintable() or " " in url:
        return "it has characters that have to be percent-encoded"
    try:
        parts = urllib.parse.urlsplit(url)
        _ = parts.port
    except ValueError as error:
        return str(error)
    if not parts.hostname:
        return "it names no host"
    if "@" in parts.netloc:
        return "it has a user name or a password, which would be kept in records"
    return None


def compressed_url(handle: str) -> str:
    """Returns the URL of a module's archive; a query that the handle has is kept."""
    parts = urllib.parse.urlsplit(handle)
    if COMPRESSED in parts.query.split("&"):
        query = parts.query
    else:
        query = f"{parts.query}&{COMPRESSED}" if parts.query else COMPRESSED
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def public_url(url: str) -> str:
    """Returns a URL for messages and records, without what may be secret.

    Queries hold tokens and signatures, so "..." stands for one; passwords are left out.
    """
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        return url[:_SHOWN_CHARACTERS]
    query = "" if parts.query in ("", COMPRESSED) else "..."
    host = parts.netloc.rpartition("@")[2]
    shown = urllib.parse.urlunsplit((parts.scheme, host, parts.path, query, ""))
    return shown if len(shown) <= _SHOWN_CHARACTERS else f"{shown[:_SHOWN_CHARACTERS]}..."


def module_name(handle: str) -> str:
    """Returns the name of a handle's module: its path, or its host if it has none."""
    parts = urllib.parse.urlsplit(handle)
    return parts.path.strip("/") or parts.netloc
