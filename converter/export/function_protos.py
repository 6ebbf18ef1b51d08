"""Builds nodes and functions of SavedModels, as TensorFlow writes them when it traces.

Sources: node_def.proto, function.proto, and tensorflow/python/framework/func_graph.py.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import (
    attr_value_pb2,
    function_pb2,
    node_def_pb2,
    op_def_pb2,
    tensor_shape_pb2,
    types_pb2,
)

from converter.export.canonical import neutral_settings

SCALAR = tensor_shape_pb2.TensorShapeProto()
UNKNOWN_RANK = tensor_shape_pb2.TensorShapeProto(unknown_rank=True)
CPU = "/device:CPU:0"
# The op waits for what the code says, and not for all that ran before it.
MANUAL_CONTROL = {"_has_manual_control_dependencies": attr_value_pb2.AttrValue(b=True)}

_Attrs = Mapping[str, attr_value_pb2.AttrValue]


@dataclasses.dataclass(frozen=True, slots=True)
class Parameter:
    """A tensor that a function takes.

    Attributes:
      dtype: Its type, an enum of types.proto.
      shape: Its shape.
      user_name: What the user calls it; nothing for a capture that has no name.
      handle_data: What is known of the variable that it is the handle of.
    """

    dtype: int
    shape: Any
    user_name: str = ""
    handle_data: Sequence[Any] = ()


def make_node(
    name: str,
    op: str,
    inputs: Iterable[str] = (),
    shapes: Sequence[Any] | None = (),
    *,
    device: str = "",
    attrs: _Attrs | None = None,
) -> node_def_pb2.NodeDef:
    """Makes a node.

    Args:
      name: Its name.
      op: Its op.
      inputs: What it takes, control inputs last.
      shapes: The shapes of its outputs; None leaves them out.
      device: Where it runs.
      attrs: Its attributes.
    """
    node = node_def_pb2.NodeDef(name=name, op=op, input=inputs, device=device)
    if shapes is not None:
        node.attr["_output_shapes"].list.shape.extend(shapes)
        node.attr["_output_shapes"].list.SetInParent()
    for key, value in (attrs or {}).items():
        node.attr[key].CopyFrom(value)
    return node


def make_constant(name: str, value: Any, dtype: int, device: str = "") -> node_def_pb2.NodeDef:
    """Makes a constant; a list of strings becomes a vector."""
    tensor = tf.make_tensor_proto(value, dtype)
    attrs = {"value": attr_value_pb2.AttrValue(tensor=tensor), "dtype": type_attr(dtype)}
    return make_node(name, "Const", (), [tensor.tensor_shape], device=device, attrs=attrs)


def make_identity(
    name: str, inputs: Iterable[str], dtype: int, shape: Any, device: str = ""
) -> node_def_pb2.NodeDef:
    """Makes an identity of the first input."""
    return make_node(
        name, "Identity", inputs, [shape], device=device, attrs={"T": type_attr(dtype)}
    )


def make_placeholder(name: str, dtype: int, shape: Any) -> node_def_pb2.NodeDef:
    """Makes a placeholder."""
    attrs = {"dtype": type_attr(dtype), "shape": attr_value_pb2.AttrValue(shape=shape)}
    return make_node(name, "Placeholder", (), [shape], attrs=attrs)


def make_call(
    name: str,
    function: function_pb2.FunctionDef,
    inputs: Sequence[str],
    shapes: Sequence[Any],
    read_only: Sequence[int] = (),
) -> node_def_pb2.NodeDef:
    """Makes a call of a function.

    Args:
      name: The name of the node.
      function: The function.
      inputs: Its arguments.
      shapes: The shapes of its results.
      read_only: The indices of the inputs whose resources it only reads.
    """
    signature = function.signature
    op = "StatefulPartitionedCall" if signature.is_stateful else "PartitionedCall"
    node = make_node(name, op, inputs, shapes)
    node.attr["Tin"].list.type.extend(arg.type for arg in signature.input_arg)
    node.attr["Tout"].list.type.extend(arg.type for arg in signature.output_arg)
    node.attr["f"].func.name = signature.name
    node.attr["config_proto"].s = neutral_settings()
    node.attr["_read_only_resource_inputs"].list.i.extend(read_only)
    for key in ("Tin", "Tout", "_read_only_resource_inputs", "_collective_manager_ids"):
        node.attr[key].list.SetInParent()
    return node


def make_function(
    name: str,
    parameters: Sequence[Parameter],
    nodes: Iterable[node_def_pb2.NodeDef],
    results: Sequence[tuple[str, int]],
    control_outputs: Iterable[str] = (),
    *,
    is_stateful: bool = True,
) -> function_pb2.FunctionDef:
    """Makes a function with parameters `arg0`, `arg1`, … and results `result0`, ….

    Args:
      name: Its name.
      parameters: What it takes.
      nodes: Its nodes.
      results: For each result, the tensor and its type.
      control_outputs: The nodes that run although no result needs them.
      is_stateful: Whether one of its ops is.
    """
    function = function_pb2.FunctionDef(node_def=nodes)
    function.signature.name = name
    function.signature.is_stateful = is_stateful
    function.attr["_construction_context"].s = b"kEagerRuntime"
    function.attr["_input_shapes"].list.SetInParent()
    for index, parameter in enumerate(parameters):
        function.signature.input_arg.append(
            op_def_pb2.OpDef.ArgDef(
                name=f"arg{index}", type=parameter.dtype, handle_data=parameter.handle_data
            )
        )
        function.attr["_input_shapes"].list.shape.append(parameter.shape)
        _describe_argument(function.arg_attr[index], parameter)
    for index, (tensor, dtype) in enumerate(results):
        function.signature.output_arg.add(name=f"result{index}", type=dtype)
        function.ret[f"result{index}"] = tensor
    for node in sorted(control_outputs):
        function.signature.control_output.append(node)
        function.control_ret[node] = node
    return function


def _describe_argument(attributes: Any, parameter: Parameter) -> None:
    if parameter.dtype != types_pb2.DT_RESOURCE:
        attributes.attr["_output_shapes"].list.shape.append(parameter.shape)
    if parameter.user_name:
        attributes.attr["_user_specified_name"].s = parameter.user_name.encode()


def type_attr(dtype: int) -> attr_value_pb2.AttrValue:
    """Returns the attribute whose value is a type."""
    return attr_value_pb2.AttrValue(type=dtype)


def type_list(dtypes: Iterable[int]) -> attr_value_pb2.AttrValue:
    """Returns the attribute whose value is a list of types."""
    return attr_value_pb2.AttrValue(list=attr_value_pb2.AttrValue.ListValue(type=dtypes))


def vector(length: int) -> tensor_shape_pb2.TensorShapeProto:
    """Returns the shape of a vector."""
    return tensor_shape_pb2.TensorShapeProto(dim=[{"size": length}])


def numbered(scope: str = "") -> Callable[[str], str]:
    """Returns a function that gives each name a number when it comes again: `Read`, `Read_1`, ….

    In a scope, the names are `scope/Read`, `scope/Read_1`, ….
    """
    counts: collections.Counter[str] = collections.Counter()

    def number(name: str) -> str:
        counts[name] += 1
        path = f"{scope}/{name}" if scope else name
        return path if counts[name] == 1 else f"{path}_{counts[name] - 1}"

    return number
