"""Edits of a whole graph that keep it consistent, so that many of them still run."""

from __future__ import annotations

import re
from typing import Any

from converter.tf_private import get_op_def
from module_fuzzing import places
from module_fuzzing.mutant import Edit
from module_fuzzing.places import MisfitError


def rename_node(root: Any, edit: Edit) -> None:
    """Renames the node `at`, and everything in its meta graph that refers to it."""
    meta_graph = _meta_graph(root, edit)
    old, new = places.value_at(root, (*edit.at, "name")), edit.value
    reference = re.compile(rf"(\^|loc:@|)({re.escape(old)})((?::\d+)?)")
    _replace_text(meta_graph, lambda text: _renamed(reference, text, new))


def _renamed(reference: re.Pattern[str], text: str, new: str) -> str:
    found = reference.fullmatch(text)
    return f"{found[1]}{new}{found[3]}" if found else text


def _replace_text(message: Any, change: Any) -> None:
    for field, value in message.ListFields():
        if places.is_map(value):
            _replace_in_map(value, change)
        elif field.message_type is not None:
            for item in [value] if isinstance(value, places.message.Message) else value:
                _replace_text(item, change)
        elif isinstance(value, str):
            setattr(message, field.name, change(value))
        elif not isinstance(value, bytes | int | float):
            _replace_in_list(value, change)


def _replace_in_map(values: Any, change: Any) -> None:
    for key in list(values):
        if isinstance(values[key], places.message.Message):
            _replace_text(values[key], change)
        elif isinstance(values[key], str):
            values[key] = change(values[key])


def _replace_in_list(values: Any, change: Any) -> None:
    for position, value in enumerate(values):
        if isinstance(value, str):
            values[position] = change(value)
        elif isinstance(value, bytes):  # Such as the class of a colocation.
            text = value.decode("latin-1")
            values[position] = change(text).encode("latin-1", errors="replace")


def retype(root: Any, edit: Edit) -> None:
    """Replaces a type by another in the whole meta graph: `value` has both numbers."""
    old, new = edit.value
    _replace_type(_meta_graph(root, edit), old, new)


def _replace_type(message: Any, old: int, new: int) -> None:
    for field, value in message.ListFields():
        is_type = field.enum_type is not None and field.enum_type.name == "DataType"
        if places.is_map(value):
            for key in value:
                if isinstance(value[key], places.message.Message):
                    _replace_type(value[key], old, new)
        elif field.message_type is not None:
            for item in [value] if isinstance(value, places.message.Message) else value:
                _replace_type(item, old, new)
        elif is_type and isinstance(value, int):
            setattr(message, field.name, new if value == old else value)
        elif is_type:
            value[:] = [new if item == old else item for item in value]


def insert_op(root: Any, edit: Edit) -> None:
    """Puts an op between a node and the input `at` it; the op's type is `value`."""
    *node_place, _, position = edit.at
    node, nodes = places.value_at(root, node_place), places.value_at(root, node_place[:-1])
    if not isinstance(position, int) or position >= len(node.input):
        raise MisfitError("there is no such input")
    name = f"{node.name}_fuzz"
    source = node.input[position]
    node.input[position] = _in_function(name, edit.value) if "node_def" in node_place else name
    inserted = nodes.add(name=name, op=edit.value, input=[source])
    dtype = next((node.attr[key].type for key in ("T", "dtype") if key in node.attr), 1)
    inserted.attr["T"].type = dtype


def make_function(root: Any, edit: Edit) -> None:
    """Replaces a node that has one input and one output by a call of a function around it."""
    node = places.value_at(root, edit.at)
    library = _meta_graph(root, edit).graph_def.library
    if len(node.input) != 1 or "T" not in node.attr:
        raise MisfitError("the node does not have one input and a type")
    function = library.function.add()
    function.signature.name = edit.value
    function.signature.input_arg.add(name="x", type=node.attr["T"].type)
    function.signature.output_arg.add(name="y", type=node.attr["T"].type)
    inner = function.node_def.add()
    inner.CopyFrom(node)
    inner.name, inner.input[:] = "inner", ["x"]
    function.ret["y"] = _in_function("inner", node.op)
    node.op = edit.value
    node.ClearField("attr")


def _in_function(name: str, op: str) -> str:
    """The name that the first output of a node has in a function."""
    op_def = get_op_def(op)
    if op_def is None or not op_def.output_arg:
        raise MisfitError(f"{op} is not known to have an output")
    return f"{name}:{op_def.output_arg[0].name}:0"


def _meta_graph(root: Any, edit: Edit) -> Any:
    return places.value_at(root, edit.at[:2])
