"""Draws an edit of some place in a message, found by descending from its top at random."""

from __future__ import annotations

import random
from typing import Any

from module_fuzzing import samples
from module_fuzzing.mutant import Edit
from module_fuzzing.places import Step, get, is_map, message, message_class

# By the full names of fields: where most of a module is, and where nothing of it is read. Others
# have the weight 1.
_WEIGHTS = {
    "tensorflow.SavedModel.meta_graphs": 20,
    "tensorflow.MetaGraphDef.graph_def": 8,
    "tensorflow.MetaGraphDef.signature_def": 4,
    "tensorflow.MetaGraphDef.collection_def": 3,
    "tensorflow.MetaGraphDef.object_graph_def": 0.2,
    "tensorflow.MetaInfoDef.stripped_op_list": 0.3,
    "tensorflow.GraphDef.node": 6,
    "tensorflow.GraphDef.library": 4,
    "tensorflow.GraphDef.debug_info": 0.2,
    "tensorflow.NodeDef.attr": 4,
    "tensorflow.NodeDef.input": 3,
    "tensorflow.NodeDef.op": 2,
    "tensorflow.NodeDef.experimental_debug_info": 0.2,
    "tensorflow.NodeDef.experimental_type": 0.2,
    "tensorflow.FunctionDef.node_def": 4,
    "tensorflow.FunctionDef.signature": 3,
    "tensorflow.FunctionDef.ret": 2,
}
# Of fields that have no value; there are many of them.
_OF_EMPTY = 0.12
_STOP = 0.2  # How likely a message itself is edited, rather than something in it.
# How likely a field is cleared; little of a module is left without one of the top.
_CLEAR, _TOP = 0.06, 4
_COLLECTIONS = {
    "variables": "tensorflow.VariableDef",
    "trainable_variables": "tensorflow.VariableDef",
    "model_variables": "tensorflow.VariableDef",
    "local_variables": "tensorflow.VariableDef",
    "moving_average_variables": "tensorflow.VariableDef",
    "while_context": "tensorflow.WhileContextDef",
    "cond_context": "tensorflow.CondContextDef",
    "savers": "tensorflow.SaverDef",
}


def draw_message_edit(
    chance: random.Random,
    root: Any,
    file: str,
    names: list[str],
    ops: list[str] | None = None,
    place: tuple[Step, ...] = (),
) -> Edit:
    """Draws an edit of a message.

    Args:
      chance: The source of randomness.
      root: The message.
      file: The file that it is in.
      names: Names to use.
      ops: Op types to use.
      place: The place of the message in the file.
    """
    return _Walk(chance, file, names, ops or ["Identity"]).descend(root, place)


class _Walk:
    def __init__(self, chance: random.Random, file: str, names: list[str], ops: list[str]) -> None:
        self._chance = chance
        self._file = file
        self._names = names
        self._ops = ops

    def _edit(self, do: str, place: tuple[Step, ...], value: Any = None, **more: Any) -> Edit:
        return Edit(do, self._file, place, value, **more)

    def descend(self, value: Any, place: tuple[Step, ...]) -> Edit:
        """Draws an edit of a field of a message."""
        fields = list(value.DESCRIPTOR.fields)
        if not fields:
            return self._edit("clear", place)
        full = {field.name for field, _ in value.ListFields()}
        weights = [
            _WEIGHTS.get(field.full_name, 1) * (1 if field.name in full else _OF_EMPTY)
            for field in fields
        ]
        (field,) = self._chance.choices(fields, weights)
        return self._at_field(value, field, (*place, field.name))

    def _at_field(self, holder: Any, field: Any, place: tuple[Step, ...]) -> Edit:
        value = getattr(holder, field.name)
        if self._chance.random() < (_CLEAR if len(place) > _TOP else _CLEAR / 5):
            return self._edit("clear", place)
        if is_map(value):
            return self._of_map(value, place)
        if isinstance(value, message.Message):
            return self._of_message(value, place)
        if isinstance(value, str | bytes | int | float):
            return self._of_scalar(value, field, place)
        return self._of_list(value, field, place)

    def _of_message(self, value: Any, place: tuple[Step, ...]) -> Edit:
        if value.DESCRIPTOR.name == "AttrValue" and self._chance.random() < 0.02:
            return self._edit("nest", place, self._chance.choice([2, 10, 30, 45, 60]))
        return self.descend(value, place)

    def _of_map(self, values: Any, place: tuple[Step, ...]) -> Edit:
        keys = sorted(values)
        if not keys:
            return self._edit("clear", place)
        key = self._chance.choice(keys)
        at = (*place, key)
        if self._chance.random() > _STOP:
            item = values[key]
            if place[-1] == "collection_def":
                return self._of_collection(item, key, at)
            if isinstance(item, message.Message):
                return self._of_message(item, at)
            return self._of_scalar(item, None, at)
        do = self._chance.choice(["clear", "rename key", "repeat", "graft"])
        if do == "graft" and isinstance(values[key], message.Message):
            return self._edit(do, at, other=(*place, self._other(keys, key)))
        if do == "clear" or isinstance(key, int):
            return self._edit("clear", at)
        new = samples.text(self._chance, self._names, key)
        return self._edit("repeat" if do == "repeat" else "rename key", at, new)

    def _of_collection(self, value: Any, key: str, place: tuple[Step, ...]) -> Edit:
        """Looks into the messages that collections hold as bytes."""
        kind = _COLLECTIONS.get(key)
        if kind and value.bytes_list.value and self._chance.random() < 0.6:
            number = self._chance.randrange(len(value.bytes_list.value))
            inner = message_class(kind).FromString(value.bytes_list.value[number])
            return self.descend(inner, (*place, "bytes_list", "value", number, f"@{kind}"))
        if value.any_list.value and self._chance.random() < 0.6:
            number = self._chance.randrange(len(value.any_list.value))
            item = value.any_list.value[number]
            kind = item.type_url.rpartition("/")[2]
            inner = message_class(kind).FromString(item.value)
            return self.descend(inner, (*place, "any_list", "value", number, "value", f"@{kind}"))
        return self._of_message(value, place)

    def _of_list(self, items: Any, field: Any, place: tuple[Step, ...]) -> Edit:
        if not len(items):
            value = None if field.message_type else self._new(_default(field), field)
            return self._edit("append", place, value)
        number = self._chance.randrange(len(items))
        at, item = (*place, number), get(items, number)
        if self._chance.random() > _STOP:
            if isinstance(item, message.Message):
                return self._of_message(item, at)
            return self._of_scalar(item, field, at)
        other = self._other(list(range(len(items))), number)
        do = self._chance.choice(["clear", "repeat", "swap", "graft"])
        if do == "graft" and isinstance(item, message.Message):
            return self._edit("graft", at, other=(*place, other))
        if do == "swap":
            return self._edit("swap", at, other)
        return self._edit("clear" if do == "clear" else "repeat", at)

    def _other(self, keys: list[Any], key: Any) -> Any:
        """Another of the keys, if there is one."""
        return self._chance.choice([other for other in keys if other != key] or [key])

    def _of_scalar(self, value: Any, field: Any, place: tuple[Step, ...]) -> Edit:
        return self._edit("set", place, self._new(value, field))

    def _new(self, now: Any, field: Any) -> Any:
        if isinstance(now, bool):
            return not now
        if field is not None and field.enum_type is not None:
            numbers = sorted(value.number for value in field.enum_type.values)
            common = samples.TYPES if field.enum_type.name == "DataType" else numbers
            return self._chance.choice([*numbers, *common, *common, *common, 999])
        if isinstance(now, int):
            return _fitted(samples.integer(self._chance, now), field)
        if isinstance(now, float):
            return samples.real(self._chance, now)
        if isinstance(now, bytes):
            return samples.content(self._chance, now)
        if field is not None and field.full_name == "tensorflow.NodeDef.op":
            return samples.op(self._chance, now, self._ops)
        return samples.text(self._chance, self._names, now)


def _fitted(value: int, field: Any) -> int:
    """The value, or its lowest 31 bits if it is out of the range of a field."""
    ranges = {field.CPPTYPE_INT32: (-1 << 31, 1 << 31), field.CPPTYPE_UINT32: (0, 1 << 32),
              field.CPPTYPE_UINT64: (0, 1 << 64)}  # fmt: skip
    low, end = ranges.get(field.cpp_type, (-1 << 63, 1 << 63))
    return value if low <= value < end else value & 0x7FFFFFFF


def _default(field: Any) -> Any:
    """A value of the type of a repeated field's items."""
    if field.enum_type is not None:
        return 0
    kinds = {field.TYPE_STRING: "", field.TYPE_BYTES: b"", field.TYPE_BOOL: False}
    if field.type in (field.TYPE_FLOAT, field.TYPE_DOUBLE):
        return 0.0
    return kinds.get(field.type, 0)
