"""Describes attached messages, and names the files for them."""

from __future__ import annotations

import collections
import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from google.protobuf import json_format, message

from converter.export.record import AttachmentInfo
from converter.formats import hub_protos
from converter.ir.graph import Program

FOLDER = "attachments"

_Variants = Mapping[frozenset[str], Program]
_T = TypeVar("_T")
# A leading dot would hide a file.
_UNSAFE = re.compile(r"^\.|[^0-9A-Za-z_.=-]")
_MAX_LENGTH = 150  # Filesystems take 255 bytes; the digest and the ending are added.


def describe_attachments(variants: _Variants) -> tuple[AttachmentInfo, ...]:
    """Describes the attached messages of a module, as JSON where their type is known."""
    return tuple(
        AttachmentInfo(
            tags=tuple(sorted(tags)),
            key=key,
            size_bytes=len(variants[tags].attachments[key]),
            json=decode_attachment(key, variants[tags].attachments[key]),
            file=f"{FOLDER}/{folder}/{name}.pb",
        )
        for tags, folder in _name_tag_sets(variants).items()
        for key, name in _distinguish(
            {key: _escape(key) for key in sorted(variants[tags].attachments)}, str
        ).items()
    )


def decode_attachment(key: str, value: bytes) -> dict[str, Any] | None:
    """Decodes the message attached as `key`; None if its type is unknown or it is damaged."""
    kind = hub_protos.ATTACHMENT_TYPES.get(key)
    if kind is None:
        return None
    try:
        decoded: dict[str, Any] = json_format.MessageToDict(
            kind.FromString(value), preserving_proto_field_name=True
        )
    except message.DecodeError:
        return None
    return decoded


def _name_tag_sets(variants: _Variants) -> dict[frozenset[str], str]:
    """Names the folders of tag sets: `bs8_gen`, and `default` for the empty one alone."""
    empty: frozenset[str] = frozenset()
    names = {tags: "_".join(map(_escape, sorted(tags))) or "default" for tags in {empty, *variants}}
    distinct = _distinguish(names, lambda tags: "\0".join(sorted(tags))) | {empty: "default"}
    return {tags: distinct[tags] for tags in sorted(variants, key=sorted)}


def _escape(text: str) -> str:
    """Replaces characters that are unsafe in file names: each byte of them by `%XX`."""
    return _UNSAFE.sub(lambda found: "".join(f"%{b:02X}" for b in found[0].encode()), text)


def _distinguish(names: Mapping[_T, str], identify: Callable[[_T], str]) -> dict[_T, str]:
    """Adds a digest to names that are empty, too long, or the same except for case."""
    counts = collections.Counter(name.lower() for name in names.values())
    return {
        item: name
        if counts[name.lower()] == 1 and 0 < len(name) <= _MAX_LENGTH
        # No escaped name holds a tilde.
        else f"{name[:_MAX_LENGTH]}~{hashlib.sha256(identify(item).encode()).hexdigest()[:32]}"
        for item, name in names.items()
    }
