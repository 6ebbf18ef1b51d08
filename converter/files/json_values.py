"""JSON to typed values and back, for data that `msgspec.json` alone does not take.

File names may hold bytes that are not Unicode, which Python keeps as lone surrogates; and measured
differences may be infinite or NaN, for which JSON has no numbers. So `json` reads and writes the
text, and `msgspec` checks the types.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import msgspec

from converter.printable import printable_json

_Value = TypeVar("_Value")

MAX_COUNT = (1 << 63) - 1
Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_COUNT)]
# The value of an array has a level for each axis, up to 254; Python's stack ends at 1000 calls.
_MAX_DEPTH = 300
_TOO_DEEP = "it is nested too deeply"
MAX_SECONDS = 1e15
# A duration, or a time since 1970.
Seconds = Annotated[float, msgspec.Meta(ge=-MAX_SECONDS, le=MAX_SECONDS)]
if TYPE_CHECKING:
    Number = float
else:
    # As it is in JSON; `restore_numbers` makes it a float.
    Number = float | Literal["inf", "-inf", "nan"]


def to_json_values(value: Any) -> Any:
    """Converts a Struct, or anything that holds some, to JSON values."""
    return _without_special_numbers(msgspec.to_builtins(value))


def encode(value: Any, *, ascii_only: bool = False) -> bytes:
    """Encodes a Struct as one line of JSON, without the newline."""
    text = json.dumps(to_json_values(value), ensure_ascii=ascii_only, allow_nan=False)
    return printable_json(text).encode()


def decode(content: str | bytes, kind: type[_Value]) -> _Value:
    """Decodes JSON, and checks that it is a `kind`.

    Raises:
      ValueError: if it is not JSON (nor is NaN), or a value has another type than `kind` gives it;
        see `explain`.
    """
    try:
        values = json.loads(content, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error
    _check_depth(values)
    return msgspec.convert(values, kind)


def _check_depth(value: Any) -> None:
    """Refuses what functions that call themselves for each level could not walk through."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(_MAX_DEPTH):
        parts = (part.values() if isinstance(part, dict) else part for part in level)
        level = [item for items in parts for item in items if isinstance(item, dict | list)]
        if not level:
            return
    raise ValueError(_TOO_DEEP)


def restore_numbers(struct: msgspec.Struct, *names: str) -> None:
    """Makes floats of the `Number` fields of a Struct; for its `__post_init__`."""
    for name in names:
        msgspec.structs.force_setattr(struct, name, float(getattr(struct, name)))


def explain(error: Exception) -> str:
    """Says in a clause what is wrong with a document, and where: "expected `int` at `runs[0]`"."""
    if not isinstance(error, msgspec.ValidationError):
        return f"it is not valid JSON: {error}"
    problem, _, path = str(error).partition(" - at `$")
    place = path.rstrip("`").lstrip(".")
    return problem[:1].lower() + problem[1:] + (f" at `{place}`" if place else "")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _without_special_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_special_numbers(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_special_numbers(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
