"""Graphs of one op with odd attributes and inputs, which only fit its OpDef.

What TensorFlow says to an instance guides the next: one that gets a new answer is changed in one
place, and so gets further into the shape function than another would.
"""

from __future__ import annotations

import dataclasses
import functools
import random
from typing import Any

from tensorflow.core.framework import attr_value_pb2, graph_pb2, tensor_shape_pb2, types_pb2

from converter.ir import op_facts
from converter.ir.graph import Node

_NUMBERS = (0, 1, 2, 3, -1, -2, 4, 5, -3, 7, 255, 1 << 20, (1 << 31) - 1, 1 << 31, -(1 << 31),
            (1 << 63) - 1, -(1 << 63))  # fmt: skip
_FLOATS = (0.0, 1.0, -1.0, 0.5, 3.4e38, float("inf"), float("nan"), -1e-40)
_STRINGS = (b"", b"a", b"ij,jk->ik", b"...,...->...", b"->", b"i,->", b"NHWC", b"{}", b"2")
_SIZES = (0, 1, 2, 2, 3, 4)
_HUGE = (1 << 31, 1 << 40, (1 << 62) + 1)
_PREFERRED = (types_pb2.DT_FLOAT, types_pb2.DT_INT32, types_pb2.DT_INT64, types_pb2.DT_STRING)
_DTYPES = (*_PREFERRED, types_pb2.DT_BOOL, types_pb2.DT_DOUBLE, types_pb2.DT_UINT8,
           types_pb2.DT_COMPLEX64, types_pb2.DT_RESOURCE, types_pb2.DT_VARIANT)  # fmt: skip
_FIELDS = {
    types_pb2.DT_STRING: "string_val", types_pb2.DT_BOOL: "bool_val",
    types_pb2.DT_INT64: "int64_val",
    types_pb2.DT_FLOAT: "float_val", types_pb2.DT_DOUBLE: "double_val",
    types_pb2.DT_COMPLEX64: "scomplex_val", types_pb2.DT_COMPLEX128: "dcomplex_val",
    types_pb2.DT_HALF: "half_val", types_pb2.DT_BFLOAT16: "half_val",
    types_pb2.DT_UINT32: "uint32_val", types_pb2.DT_UINT64: "uint64_val",
    **dict.fromkeys(
        (types_pb2.DT_INT32, types_pb2.DT_UINT8, types_pb2.DT_INT8, types_pb2.DT_INT16,
         types_pb2.DT_UINT16, types_pb2.DT_QINT8, types_pb2.DT_QUINT8, types_pb2.DT_QINT16,
         types_pb2.DT_QUINT16, types_pb2.DT_QINT32), "int_val"),
}  # fmt: skip
_CASTS = frozenset(_FIELDS) - {
    types_pb2.DT_STRING, types_pb2.DT_QINT8, types_pb2.DT_QUINT8, types_pb2.DT_QINT16,
    types_pb2.DT_QUINT16, types_pb2.DT_QINT32,
}  # fmt: skip
_COUNTED = frozenset({types_pb2.DT_INT32, types_pb2.DT_INT64})
_FUNCTION = "function_of_an_attribute"
_MOST_INPUTS = 6
SUBJECT = "subject"


@dataclasses.dataclass(frozen=True)
class Instance:
    """An op with its attributes, and how each of its inputs is made."""

    op: str
    attrs: dict[str, Any]
    inputs: tuple[graph_pb2.GraphDef, ...]

    @property
    def node(self) -> Node:
        """The node without its inputs."""
        return Node(SUBJECT, self.op, attrs=self.attrs)

    def graph_def(self) -> graph_pb2.GraphDef:
        """The graph, with a node that asks for the value of the first output."""
        graph_def = graph_pb2.GraphDef()
        graph_def.versions.producer = 134
        if any(v.HasField("func") or v.list.func for v in self.attrs.values()):
            graph_def.library.function.add().signature.name = _FUNCTION
        names = []
        for index, part in enumerate(self.inputs):
            for node in part.node:
                added = graph_def.node.add()
                added.CopyFrom(node)
                added.name = f"{node.name}_{index}"
                added.input[:] = [f"{name}_{index}" for name in node.input]
            names.append(added.name)
        subject = graph_def.node.add(name=SUBJECT, op=self.op)
        subject.input.extend(names)
        for key, value in self.attrs.items():
            subject.attr[key].CopyFrom(value)
        if all(part.node[-1].op in ("Const", "Squeeze", "Unique") for part in self.inputs):
            _ask_for_value(graph_def, self.node)
        return graph_def


def draw(op: str, draws: random.Random) -> Instance:
    """Draws an instance of a registered op."""
    op_def = op_facts.find_op_def(op)
    attrs = {}
    for attr in op_def.attr:
        if not attr.HasField("default_value") or draws.random() < 0.4:
            attrs[attr.name] = _attribute(op, attr, draws)
    return _with_inputs(op, attrs, draws)


def change(instance: Instance, draws: random.Random) -> Instance:
    """Draws another value for one attribute or one input."""
    op_def = op_facts.find_op_def(instance.op)
    if instance.inputs and (not op_def.attr or draws.random() < 0.6):
        at = draws.randrange(len(instance.inputs))
        inputs = list(instance.inputs)
        inputs[at] = _input(_takes(instance.node)[at], draws, None)
        return dataclasses.replace(instance, inputs=tuple(inputs))
    if not op_def.attr:
        return instance
    attr = draws.choice(list(op_def.attr))
    attrs = {**instance.attrs, attr.name: _attribute(instance.op, attr, draws)}
    if attr.HasField("default_value") and draws.random() < 0.2:
        del attrs[attr.name]
    if attr.type in ("type", "list(type)") or attr.name in op_facts.number_attrs(instance.op):
        return _with_inputs(instance.op, attrs, draws)
    return dataclasses.replace(instance, attrs=attrs)


@functools.cache
def _refs(op: str) -> frozenset[int]:
    op_def = op_facts.find_op_def(op)
    return frozenset(i for i, arg in enumerate(op_def.input_arg) if arg.is_ref)


def _takes(node: Node) -> list[int]:
    """The dtype of each input; 100 more if it is a ref."""
    op_def = op_facts.find_op_def(node.op)
    takes = []
    for index, arg in enumerate(op_def.input_arg):
        ref = op_facts.REF_OFFSET if index in _refs(node.op) else 0
        takes += [dtype + ref for dtype in op_facts.arg_dtypes(arg, op_def, node.attrs)]
    return takes


def _with_inputs(op: str, attrs: dict[str, Any], draws: random.Random) -> Instance:
    shared = _sizes(draws) if draws.random() < 0.6 else None
    forms = draws.choice((("constant",), ("placeholder",), None))
    takes = _takes(Node(SUBJECT, op, attrs=attrs))
    inputs = [_input(dtype, draws, shared, forms) for dtype in takes]
    return Instance(op, attrs, tuple(inputs))


def _sizes(draws: random.Random) -> list[int]:
    return [draws.choice(_SIZES) for _ in range(draws.choice((0, 1, 1, 2, 2, 3, 4, 5)))]


def _input(dtype: int, draws: random.Random, shared: Any, forms: Any = None) -> graph_pb2.GraphDef:
    """Nodes that make one tensor; the last of them gives it."""
    made = graph_pb2.GraphDef()
    sizes = shared if shared is not None and draws.random() < 0.7 else _sizes(draws)
    if dtype > op_facts.REF_OFFSET:
        node = made.node.add(name="variable", op="VariableV2")
        node.attr["dtype"].type = dtype - op_facts.REF_OFFSET
        node.attr["shape"].shape.CopyFrom(_partial(sizes, draws))
        return made
    if dtype == types_pb2.DT_RESOURCE and draws.random() < 0.5:
        node = made.node.add(name="handle", op="VarHandleOp")
        node.attr["dtype"].type = draws.choice(_PREFERRED)
        node.attr["shape"].shape.CopyFrom(_partial(sizes, draws))
        return made
    if dtype == types_pb2.DT_VARIANT and draws.random() < 0.5:
        _add_list(made, sizes, draws)
        return made
    form = draws.choice(forms or ("constant", "placeholder", "hidden"))
    if form == "hidden" and dtype in _COUNTED:
        _add_hidden(made, dtype, draws)
        return made
    if dtype not in _FIELDS or form == "placeholder":
        node = made.node.add(name="placeholder", op="Placeholder")
        node.attr["dtype"].type = dtype
        node.attr["shape"].shape.CopyFrom(_partial(sizes, draws))
        return made
    _add_constant(made, "constant", dtype, sizes, draws)
    return made


def _add_constant(made: Any, name: str, dtype: int, sizes: Any, draws: random.Random) -> None:
    node = made.node.add(name=name, op="Const")
    node.attr["dtype"].type = dtype
    tensor = node.attr["value"].tensor
    tensor.dtype = dtype
    tensor.tensor_shape.SetInParent()
    count = 1
    for size in sizes:
        tensor.tensor_shape.dim.add(size=size)
        count *= size
    if "complex" in _FIELDS[dtype]:
        count *= 2
    small = draws.random() < 0.7
    for _ in range(min(count, 6)):
        getattr(tensor, _FIELDS[dtype]).append(_element(_FIELDS[dtype], small, draws))


def _element(field: str, small: bool, draws: random.Random) -> Any:
    if field == "string_val":
        return draws.choice(_STRINGS)
    if field == "bool_val":
        return draws.random() < 0.5
    if field in ("float_val", "double_val", "scomplex_val", "dcomplex_val"):
        return float(draws.choice(_SIZES)) if small else draws.choice(_FLOATS)
    number = draws.choice((0, 1, 2, 3, -1) if small else _NUMBERS)
    if field == "half_val":
        return number % (1 << 16)
    if field.startswith("uint"):
        return number % (1 << int(field[4:6]))
    return number if field == "int64_val" else (number + (1 << 31)) % (1 << 32) - (1 << 31)


def _add_hidden(made: Any, dtype: int, draws: random.Random) -> None:
    """A constant whose value TensorFlow knows, and whose size, or even rank, it does not."""
    _add_constant(made, "constant", dtype, [draws.choice((0, 1, 2, 3))], draws)
    node = made.node.add(name="unique", op="Unique", input=["constant"])
    node.attr["T"].type, node.attr["out_idx"].type = dtype, types_pb2.DT_INT32
    if draws.random() < 0.5:
        made.node.add(name="hidden", op="Squeeze", input=["unique"]).attr["T"].type = dtype


def _add_list(made: Any, sizes: Any, draws: random.Random) -> None:
    _add_constant(made, "element_shape", types_pb2.DT_INT32, [len(sizes)], draws)
    _add_constant(made, "count", types_pb2.DT_INT32, [], draws)
    node = made.node.add(name="list", op=draws.choice(("TensorListReserve", "EmptyTensorList")))
    node.input.extend(["element_shape", "count"])
    node.attr["element_dtype"].type = draws.choice(_PREFERRED)
    node.attr["shape_type"].type = types_pb2.DT_INT32


def _partial(sizes: Any, draws: random.Random) -> Any:
    """A static shape, of which some may be unknown."""
    shape = tensor_shape_pb2.TensorShapeProto()
    kind = draws.choice(("known", "known", "partly", "dims", "none", "huge"))
    if kind == "none":
        shape.unknown_rank = True
    for size in [] if kind == "none" else sizes:
        unknown = kind == "dims" or (kind == "partly" and draws.random() < 0.5)
        huge = kind == "huge" and draws.random() < 0.4
        shape.dim.add(size=-1 if unknown else draws.choice(_HUGE) if huge else size)
    return shape


def _attribute(op: str, attr: Any, draws: random.Random) -> Any:
    """A value of the type that an OpDef declares."""
    value = attr_value_pb2.AttrValue()
    if attr.name in op_facts.number_attrs(op):
        value.i = max(draws.choice((0, 1, 1, 2, 2, 3, 4)), attr.minimum)
        return value
    if not attr.type.startswith("list("):
        _set_one(value, attr, draws)
        return value
    value.list.SetInParent()
    for _ in range(max(draws.choice((0, 1, 2, 2, 3, 4, 4, 5)), attr.minimum)):
        one = attr_value_pb2.AttrValue()
        _set_one(one, attr, draws)
        field = one.WhichOneof("value")
        if field in ("shape", "func", "tensor"):
            getattr(value.list, field).add().CopyFrom(getattr(one, field))
        else:
            getattr(value.list, field).append(getattr(one, field))
    return value


def _set_one(value: Any, attr: Any, draws: random.Random) -> None:
    kind = attr.type.removeprefix("list(").removesuffix(")")
    allowed = attr.allowed_values.list
    if kind == "type":
        preferred = [t for t in _PREFERRED if t in allowed.type or not allowed.type]
        rest = list(allowed.type) or _DTYPES
        value.type = draws.choice(preferred if preferred and draws.random() < 0.6 else rest)
    elif kind == "int":
        least = attr.minimum if attr.has_minimum and not attr.type.startswith("list") else None
        value.i = draws.choice(_NUMBERS[:5] if draws.random() < 0.6 else _NUMBERS)
        value.i = value.i if least is None else max(value.i, least)
    elif kind == "string":
        value.s = draws.choice(list(allowed.s) or _STRINGS)
    elif kind == "bool":
        value.b = draws.random() < 0.5
    elif kind == "float":
        value.f = draws.choice(_FLOATS)
    elif kind == "shape":
        value.shape.CopyFrom(_partial(_sizes(draws), draws))
    elif kind == "func":
        value.func.name = _FUNCTION
    else:
        made = graph_pb2.GraphDef()
        _add_constant(made, "value", draws.choice(_PREFERRED), _sizes(draws), draws)
        value.tensor.CopyFrom(made.node[0].attr["value"].tensor)


def limit_counts(instance: Instance) -> Instance | None:
    """None for an instance with more inputs or outputs than are worth a look."""
    takes, gives = len(_takes(instance.node)), op_facts.output_count(instance.node)
    return instance if takes <= _MOST_INPUTS * 2 and (gives or 0) <= _MOST_INPUTS * 2 else None


def _ask_for_value(graph_def: Any, node: Node) -> None:
    """Adds a `Reshape` to the value of the first output: its shape function asks for it."""
    gives = op_facts.dtypes(node)[1]
    if not gives or gives[0] not in _CASTS | {types_pb2.DT_STRING}:
        return
    cast = graph_def.node.add(name="as_sizes", input=[SUBJECT])
    if gives[0] == types_pb2.DT_STRING:
        cast.op = "StringLength"
    else:
        cast.op = "Cast"
        cast.attr["SrcT"].type, cast.attr["DstT"].type = gives[0], types_pb2.DT_INT32
    flat = graph_def.node.add(name="all_sizes", op="Const")
    flat.attr["dtype"].type = types_pb2.DT_INT32
    tensor = flat.attr["value"].tensor
    tensor.dtype = types_pb2.DT_INT32
    tensor.tensor_shape.dim.add(size=1)
    tensor.int_val.append(-1)
    sizes = graph_def.node.add(name="sizes", op="Reshape", input=["as_sizes", "all_sizes"])
    sizes.attr["T"].type = sizes.attr["Tshape"].type = types_pb2.DT_INT32
    fed = graph_def.node.add(name="reshaped", op="Placeholder")
    fed.attr["dtype"].type = types_pb2.DT_FLOAT
    fed.attr["shape"].shape.unknown_rank = True
    asks = graph_def.node.add(name="asks", op="Reshape", input=["reshaped", "sizes"])
    asks.attr["T"].type, asks.attr["Tshape"].type = types_pb2.DT_FLOAT, types_pb2.DT_INT32
