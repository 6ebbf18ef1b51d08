"""Makes a payload of any op, from its OpDef alone.

Attributes have their defaults, or the least value that the OpDef allows; file names and addresses
lead to the canary. Inputs are constants, so that TensorFlow evaluates the op when it imports the
graph, if it evaluates ops of that kind at all: the result is the shape of a `Fill`, which its shape
function asks for (source: core/common_runtime/eval_const_tensor.cc).
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf
from hostile_models import DT_FLOAT, Payload, add_function, add_node, add_value, set_types
from tensorflow.core.framework import attr_value_pb2, graph_pb2, tensor_shape_pb2

from converter import tf_private
from converter.ir import op_facts

_INT32, _INT64, _UINT8, _BOOL = op_facts.DT_INT32, op_facts.DT_INT64, 4, op_facts.DT_BOOL
_STRING, _RESOURCE, _VARIANT = op_facts.DT_STRING, op_facts.DT_RESOURCE, op_facts.DT_VARIANT
# The types to choose from where an OpDef has no default: those that reach a shape soonest.
_PREFERRED = (_INT32, _INT64, _STRING, DT_FLOAT)
# Of quantized types, those of the same size that `Cast` takes.
_UNQUANTIZED = {11: 6, 12: 4, 13: _INT32, 15: 5, 16: 17}
_FIELDS = {_STRING: "string_val", _BOOL: "bool_val", _INT64: "int64_val", DT_FLOAT: "float_val"}
_BYTES = {DT_FLOAT: 4, 2: 8, 8: 16, 14: 2, 18: 16, 19: 2, 22: 4, 23: 8, _INT64: 8, 17: 2, 5: 2}
_FUNCTION = "function_of_an_attribute"
_HANDLE_LENGTH = 2  # V1 handles of queues and readers are references to two strings.
_MESSAGES = {
    "shape": tensor_shape_pb2.TensorShapeProto(),
    "func": attr_value_pb2.NameAttrList(name=_FUNCTION),
    "tensor": tf.make_tensor_proto(1),
}
_MAX_RANK = 4
_MAX_RANK_OF_EACH = 2
_MAX_MIXED_INPUTS = 4


@dataclasses.dataclass(frozen=True)
class Canary:
    """What ops get to read, write, reach and call.

    Attributes:
      file: The name of a file, which exists.
      urls: Addresses of servers of TensorFlow's debugger, or of its files.
      token: The registered name of a Python function.
    """

    file: str
    urls: tuple[str, ...] = ()
    token: str = "pyfunc_0"

    def text_for(self, attr: str) -> str:
        """Returns the value of a string attribute."""
        texts = {
            "token": self.token,
            "tensor_name": "canary:0",
            "device_name": "/job:localhost/replica:0/task:0/device:CPU:0",
        }
        return texts.get(attr, self.file)

    def texts_for(self, attr: str) -> tuple[str, ...]:
        """Returns the value of an attribute that is a list of strings."""
        return self.urls if "url" in attr else (self.file,)


def make_payload(op: str, canary: Canary) -> Payload:
    """Returns a graph whose node `evil` is of an op, and whose result is a shape's size."""
    op_def = tf_private.get_op_def(op)
    attrs = {attr.name: _value(attr, canary) for attr in op_def.attr}
    ranks = _find_ranks(op)
    nodes = graph_pb2.GraphDef().node
    inputs = list(_add_inputs(nodes, op_def, attrs, canary, ranks))
    _add_evil(nodes, op_def, attrs, inputs)
    result = _lead_to_shape(nodes, op_def, attrs)
    return Payload(tuple(nodes), result, _functions(op_def))


def is_taken(op: str) -> bool:
    """Whether TensorFlow imports the op with the attributes and ranks of `make_payload`."""
    return _find_ranks(op) is not None


# Attributes.


def _value(attr: Any, canary: Canary) -> Any:
    """Returns an AttrValue for an attribute of an OpDef."""
    chosen = type(attr.default_value)()
    kind = attr.type
    if kind in ("string", "list(string)") and not attr.HasField("allowed_values"):
        if kind == "list(string)" and (_is_named_for_files(attr.name) or attr.has_minimum):
            chosen.list.s.extend(text.encode() for text in canary.texts_for(attr.name))
            return chosen
        if kind == "string" and (
            _is_named_for_files(attr.name) or not attr.HasField("default_value")
        ):
            chosen.s = canary.text_for(attr.name).encode()
            return chosen
    if attr.HasField("default_value") and not _is_empty_with_minimum(attr):
        return attr.default_value
    _choose(chosen, attr)
    return chosen


def _is_named_for_files(name: str) -> bool:
    words = ("addr", "cache", "device_name", "dir", "file", "path", "tensor_name", "token", "url")
    return any(word in name for word in words)


def _is_empty_with_minimum(attr: Any) -> bool:
    return (
        attr.has_minimum
        and attr.type.startswith("list(")
        and not len(
            getattr(attr.default_value.list, {"int": "i", "type": "type"}.get(attr.type[5:-1], "s"))
        )
    )


def _choose(chosen: Any, attr: Any) -> None:
    """Sets the least value that an OpDef allows; lists get one element at least."""
    is_list = attr.type.startswith("list(")
    kind = attr.type[5:-1] if is_list else attr.type
    target = chosen.list if is_list else chosen
    count = max(attr.minimum, 1) if attr.has_minimum else 1
    if kind in _MESSAGES:
        field = getattr(target, kind)
        if is_list:
            field.extend([_MESSAGES[kind]] * count)
        else:
            field.SetInParent()
            field.CopyFrom(_MESSAGES[kind])
        return
    allowed = attr.allowed_values.list
    name, value = {
        "type": ("type", _preferred(allowed.type)),
        "int": ("i", 1 if is_list else count),
        "float": ("f", 1.0),
        "bool": ("b", False),
        "string": ("s", allowed.s[0] if allowed.s else b"x"),
    }[kind]
    if is_list:
        getattr(target, name).extend([value] * count)
    else:
        setattr(target, name, value)


def _preferred(allowed: Sequence[int]) -> int:
    return next((t for t in _PREFERRED if not allowed or t in allowed), None) or allowed[0]


def _functions(op_def: Any) -> tuple[Any, ...]:
    """Returns the function that attributes of the op name."""
    if not any("func" in attr.type for attr in op_def.attr):
        return ()
    function = add_function(graph_pb2.GraphDef(), _FUNCTION, "x", dtype=_INT32)
    function.signature.output_arg.add(name="y", type=_INT32)
    function.ret["y"] = "x"
    return (function,)


# Inputs.


def _dtypes(args: Any, op_def: Any, attrs: dict[str, Any]) -> list[tuple[int, bool]]:
    """Returns the type of each tensor, and whether it is a V1 reference."""
    return [
        (dtype % op_facts.REF_OFFSET, arg.is_ref)
        for arg in args
        for dtype in op_facts.arg_dtypes(arg, op_def, attrs)
    ]


def _add_inputs(
    nodes: Any,
    op_def: Any,
    attrs: dict[str, Any],
    canary: Canary,
    ranks: Sequence[int] | None,
) -> Iterator[str]:
    """Adds what the op takes, and yields the names."""
    for index, (dtype, is_ref) in enumerate(_dtypes(op_def.input_arg, op_def, attrs)):
        name = f"evil_input_{index}"
        if is_ref:
            _add_reference(nodes, name, dtype, ranks[index] if ranks else 0)
        elif dtype == _RESOURCE:
            table = add_node(nodes, name, "MutableHashTableV2")
            set_types(table, key_dtype=_INT64, value_dtype=DT_FLOAT)
        elif dtype == _VARIANT:
            add_node(nodes, name, "OptionalNone")
        else:
            _add_constant(nodes, name, dtype, canary.file, ranks[index] if ranks else 0)
        yield name


def _add_constant(nodes: Any, name: str, dtype: int, text: str, rank: int) -> None:
    """Adds a tensor with one element: the file's name, or 1, or true."""
    field = _FIELDS.get(dtype, "int_val")
    value = {_STRING: text.encode(), _BOOL: True}.get(dtype, 1)
    if dtype in _BYTES and dtype not in _FIELDS:
        node = set_types(nodes.add(name=name, op="Const"), dtype=dtype)
        node.attr["value"].tensor.dtype = dtype
        node.attr["value"].tensor.tensor_content = bytes(_BYTES[dtype])
    else:
        node = add_value(nodes, name, dtype, field, value)
    for _ in range(rank):
        node.attr["value"].tensor.tensor_shape.dim.add(size=1)


def _add_reference(nodes: Any, name: str, dtype: int, rank: int) -> None:
    """Adds a V1 variable."""
    variable = set_types(add_node(nodes, name, "VariableV2"), dtype=dtype)
    variable.attr["shape"].shape.SetInParent()
    for _ in range(rank):
        variable.attr["shape"].shape.dim.add(size=_HANDLE_LENGTH)


def _add_evil(nodes: Any, op_def: Any, attrs: dict[str, Any], inputs: list[str]) -> None:
    node = add_node(nodes, "evil", op_def.name, *inputs)
    for key, value in attrs.items():
        node.attr[key].CopyFrom(value)


@functools.cache
def _find_ranks(op: str) -> tuple[int, ...] | None:
    """Returns ranks of inputs that the op's shape function takes; None if there are none.

    Nothing is constant here, so TensorFlow runs nothing.
    """
    op_def = tf_private.get_op_def(op)
    attrs = {attr.name: _value(attr, Canary("file")) for attr in op_def.attr}
    dtypes = _dtypes(op_def.input_arg, op_def, attrs)
    return next((r for r in _ranks(len(dtypes)) if _imports(op_def, attrs, dtypes, r)), None)


def _ranks(count: int) -> Iterator[tuple[int, ...]]:
    yield from ((rank,) * count for rank in range(_MAX_RANK + 1))
    if 1 < count <= _MAX_MIXED_INPUTS:
        yield from itertools.product(range(_MAX_RANK_OF_EACH + 1), repeat=count)


def _imports(
    op_def: Any, attrs: dict[str, Any], dtypes: list[tuple[int, bool]], ranks: Sequence[int]
) -> bool:
    graph_def = graph_pb2.GraphDef()
    for index, ((dtype, is_ref), rank) in enumerate(zip(dtypes, ranks, strict=True)):
        name = f"input_{index}"
        if is_ref:
            _add_reference(graph_def.node, name, dtype, rank)
            continue
        fed = set_types(add_node(graph_def.node, name, "Placeholder"), dtype=dtype)
        fed.attr["shape"].shape.SetInParent()
        for _ in range(0 if dtype in (_RESOURCE, _VARIANT) else rank):
            fed.attr["shape"].shape.dim.add(size=1)
    _add_evil(graph_def.node, op_def, attrs, [node.name for node in graph_def.node])
    graph_def.library.function.extend(_functions(op_def))
    try:
        with tf.Graph().as_default():
            tf.graph_util.import_graph_def(graph_def, name="")
    except (ValueError, TypeError, KeyError, tf.errors.OpError):
        return False
    return True


# Outputs.


def _lead_to_shape(nodes: Any, op_def: Any, attrs: dict[str, Any]) -> str:
    """Makes a shape of the op's first output, and returns a float that depends on it."""
    made = _dtypes(op_def.output_arg, op_def, attrs)
    number = _add_number(nodes, *made[0], op_def.name) if made else None
    if number is None:
        add_value(nodes, "evil_result", DT_FLOAT, "float_val", 0).input.append("^evil")
        return "evil_result"
    add_value(nodes, "evil_axis", _INT32, "int_val", -1)
    nodes[-1].attr["value"].tensor.tensor_shape.dim.add(size=1)
    shape = add_node(nodes, "evil_shape", "Reshape", number, "evil_axis")
    set_types(shape, T=_INT32, Tshape=_INT32)
    add_value(nodes, "evil_zero", DT_FLOAT, "float_val", 0)
    fill = add_node(nodes, "evil_fill", "Fill", "evil_shape", "evil_zero")
    set_types(fill, T=DT_FLOAT, index_type=_INT32)
    set_types(add_node(nodes, "evil_size", "Size", "evil_fill"), T=DT_FLOAT, out_type=_INT32)
    set_types(add_node(nodes, "evil_result", "Cast", "evil_size"), SrcT=_INT32, DstT=DT_FLOAT)
    return "evil_result"


def _add_number(nodes: Any, dtype: int, is_ref: bool, op: str) -> str | None:
    """Makes an int32 of the op's first output, and returns its name; None for a handle."""
    name = "evil"
    if is_ref:
        set_types(add_node(nodes, "evil_value", "Identity", name), T=dtype)
        name = "evil_value"
    if dtype == _RESOURCE:
        return None
    if dtype == _VARIANT:
        counter = "DatasetCardinality" if "Dataset" in op else "TensorListLength"
        add_node(nodes, "evil_count", counter, name)
        name, dtype = "evil_count", _INT64 if "Dataset" in op else _INT32
    if dtype == _STRING:
        set_types(add_node(nodes, "evil_bytes", "DecodeRaw", name), out_type=_UINT8)
        name, dtype = "evil_bytes", _UINT8
    if dtype in _UNQUANTIZED:
        bits = add_node(nodes, "evil_bits", "Bitcast", name)
        set_types(bits, T=dtype, type=_UNQUANTIZED[dtype])
        name, dtype = "evil_bits", _UNQUANTIZED[dtype]
    if dtype != _INT32:
        set_types(add_node(nodes, "evil_number", "Cast", name), SrcT=dtype, DstT=_INT32)
        name = "evil_number"
    return name
