"""Places in protocol buffers, as data, and what can be done at them.

A place is a list of steps: names of fields, positions in repeated fields, and keys of maps. A step
`@tensorflow.VariableDef` after a field of bytes goes on in the message that the bytes hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from google.protobuf import descriptor_pool, message, message_factory

Step = str | int


class MisfitError(Exception):
    """An edit does not fit the module: an edit before it has taken the place away."""


def change_at(holder: Any, place: Sequence[Step], change: Callable[[Any, Step], None]) -> None:
    """Calls `change` with what holds the last step of a place, and that step.

    Raises:
      MisfitError: if there is no such place, or its new value is not of its type.
    """
    try:
        _change_at(holder, place, change)
    except (ValueError, TypeError, LookupError, AttributeError, message.Error) as error:
        raise MisfitError(f"{error} at {list(place)}") from error


def _change_at(holder: Any, place: Sequence[Step], change: Callable[[Any, Step], None]) -> None:
    step, *rest = place
    if not rest:
        change(holder, step)
    elif isinstance(rest[0], str) and rest[0].startswith("@"):
        inner = message_class(rest[0][1:]).FromString(get(holder, step))
        _change_at(inner, rest[1:], change)
        put(holder, step, inner.SerializeToString())
    else:
        _change_at(get(holder, step), rest, change)


def value_at(holder: Any, place: Sequence[Step]) -> Any:
    """Returns the value at a place.

    Raises:
      MisfitError: if there is no such place.
    """
    found: list[Any] = []
    change_at(holder, place, lambda last, step: found.append(get(last, step)))
    return found[0]


def message_class(name: str) -> Any:
    """Returns the class of a message by the full name of its type; KeyError if it is unknown."""
    return message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(name))


def get(holder: Any, step: Step) -> Any:
    """Returns what a message, a list or a map holds at a step."""
    if isinstance(holder, message.Message):
        return getattr(holder, str(step))
    if is_map(holder) and step not in holder:
        raise KeyError(step)  # Reading would add it.
    return holder[step]


def put(holder: Any, step: Step, value: Any) -> None:
    """Replaces what a message, a list or a map holds at a step."""
    if isinstance(holder, dict):
        holder[step] = _copy(value)
    elif isinstance(value, message.Message):
        slot = getattr(holder, str(step)) if isinstance(holder, message.Message) else holder[step]
        slot.CopyFrom(value)
    elif isinstance(holder, message.Message):
        setattr(holder, str(step), value)
    else:
        holder[step] = value


def remove(holder: Any, step: Step) -> None:
    """Clears a field, or removes an item of a list or a map."""
    if isinstance(holder, message.Message):
        holder.ClearField(step)
    else:
        del holder[step]


def is_map(holder: Any) -> bool:
    """Whether a value is a map, rather than a message, a list or a scalar."""
    return hasattr(holder, "keys")


def insert(items: Any, position: int, value: Any) -> None:
    """Inserts a value into a repeated field."""
    if not isinstance(value, message.Message):
        items.insert(position, value)
        return
    rest = [_copy(item) for item in items[position:]]
    del items[position:]
    items.extend([value, *rest])


def swap(items: Any, one: int, other: int) -> None:
    """Exchanges two items of a repeated field."""
    first, second = items[one], items[other]
    if isinstance(first, message.Message):
        first, second = _copy(first), _copy(second)
    put(items, one, second)
    put(items, other, first)


def _copy(value: message.Message) -> message.Message:
    copy = type(value)()
    copy.CopyFrom(value)
    return copy


def from_json(value: Any, kind: type) -> Any:
    """Returns the value of a field of some type that a JSON value stands for.

    Bytes are text of the same code points, and floats may be text, such as `nan`.
    """
    if kind is bytes:
        return value.encode("latin-1")
    return kind(value)
