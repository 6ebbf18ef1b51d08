"""The JSON schema of a Struct, with its docstrings as descriptions."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
# msgspec writes it since 0.23. Schemas are the same by every version.
_LATE_KEYWORD = "propertyNames"
_SECTION = re.compile(r"\n\n(?=[A-Z]\w+:\n)")
_ATTRIBUTE = re.compile(r"(\w+): (.*(?:\n  .*)*)")


def describe(kind: type) -> str:
    """Returns the JSON schema of a Struct and of the Structs in it."""
    schema = msgspec.json.schema(kind)
    kinds = {found.__name__: found for found in _find_structs(msgspec.inspect.type_info(kind))}
    definitions = {
        name: _describe_struct(definition, kinds[name]) if name in kinds else definition
        for name, definition in schema["$defs"].items()
    }
    document = {"$schema": _DIALECT, **schema, "$defs": definitions}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _find_structs(info: Any) -> Iterator[type]:
    """The Structs in a type, of `msgspec.inspect`; ours are not recursive."""
    if isinstance(info, msgspec.inspect.StructType):
        yield info.cls
    if isinstance(info, list | tuple):
        for part in info:
            yield from _find_structs(part)
    elif isinstance(info, msgspec.inspect.Type | msgspec.inspect.Field):
        for name in info.__struct_fields__:
            yield from _find_structs(getattr(info, name))


def _describe_struct(definition: dict[str, Any], kind: type) -> dict[str, Any]:
    """Moves what docstrings say of attributes, inherited ones included, to the properties."""
    texts: dict[str, str] = {}
    for ancestor in reversed(kind.__mro__):
        for section in _split_sections(ancestor):
            title, _, body = section.partition("\n")
            if title == "Attributes:":
                texts.update(_ATTRIBUTE.findall(inspect.cleandoc(body)))
    summary = _split_sections(kind)[0]
    properties = {
        name: {
            "description": " ".join(texts.get(name, "").split()),
            **{key: value for key, value in described.items() if key != _LATE_KEYWORD},
        }
        for name, described in definition["properties"].items()
    }
    return {**definition, "description": summary, "properties": properties}


def _split_sections(kind: type) -> list[str]:
    """Splits a docstring into its summary, which may have paragraphs, and its titled sections."""
    return _SECTION.split(inspect.cleandoc(kind.__doc__ or ""))
