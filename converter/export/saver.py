"""Writes the functions by which Sessions and C++ restore and save the variables of a SavedModel.

`tf.saved_model.save` would trace six ops for each variable, though Python restores by the object
graph. Written as protos, they cost next to nothing.

Sources: saver.proto, and tensorflow/python/checkpoint/functional_saver.py (2.16 to 2.21), whose
functions these equal node for node.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from tensorflow.core.framework import attr_value_pb2, function_pb2, node_def_pb2, types_pb2
from tensorflow.core.protobuf import saver_pb2

from converter.export.function_protos import (
    CPU,
    MANUAL_CONTROL,
    SCALAR,
    UNKNOWN_RANK,
    Parameter,
    handle_parameter,
    make_call,
    make_constant,
    make_function,
    make_identity,
    make_node,
    make_placeholder,
    numbered,
    type_attr,
    type_list,
    vector,
)
from converter.export.main_graph import MainGraph
from converter.export.object_graph import OBJECT_GRAPH_KEY

_STRING = types_pb2.DT_STRING
_ANY_CPU = "/device:CPU:*"

_Nodes = list[node_def_pb2.NodeDef]


@dataclasses.dataclass(frozen=True, slots=True)
class SavedVariable:
    """A variable of a SavedModel.

    Attributes:
      key: Its key in the checkpoint.
      handle: The node of the main graph that is its handle.
      dtype: The type of its value, an enum of types.proto.
      shape: The shape of its value, a proto.
    """

    key: str
    handle: str
    dtype: int
    shape: Any

    @property
    def parameter(self) -> Parameter:
        """The parameter of a function that takes its handle."""
        return handle_parameter(self.dtype, self.shape, user_name=self.handle)


def add_saver(graph: MainGraph, variables: Sequence[SavedVariable], object_graph: bytes) -> None:
    """Adds the functions that save and restore variables, the calls of them, and the SaverDef.

    Args:
      graph: The main graph of the SavedModel.
      variables: The variables.
      object_graph: The serialized TrackableObjectGraph, which a checkpoint holds too.
    """
    name = graph.claim_name("Const")
    constant = graph.add_node(make_constant(name, object_graph, _STRING, CPU))
    handles = [variable.handle for variable in variables]
    prefix = graph.add_node(make_placeholder(graph.claim_name("saver_filename"), _STRING, SCALAR))
    restore = _make_restore(graph.name_function("__inference__traced_restore"), variables)
    graph.add_function(restore)
    save = _make_save(graph.name_function("__inference__traced_save"), variables)
    graph.add_function(save)
    saved = _add_call(graph, save, [prefix, *handles, constant])
    restored = _add_call(graph, restore, [prefix, *handles])
    graph.meta_graph.saver_def.CopyFrom(
        saver_pb2.SaverDef(
            filename_tensor_name=f"{prefix}:0",
            save_tensor_name=f"{saved}:0",
            restore_op_name=restored,
            version=saver_pb2.SaverDef.V2,
        )
    )


def _add_call(graph: MainGraph, function: function_pb2.FunctionDef, inputs: Sequence[str]) -> str:
    name = graph.claim_name("StatefulPartitionedCall")
    return graph.add_node(make_call(name, function, inputs, [SCALAR]))


def _make_restore(name: str, variables: Sequence[SavedVariable]) -> function_pb2.FunctionDef:
    """Makes the function that assigns the values in the files `arg0` to the handles after it."""
    number = numbered()
    dtypes = [*(variable.dtype for variable in variables), _STRING]
    names, slices = _list_keys("RestoreV2", variables)
    inputs = ["arg0", f"{names.name}:output:0", f"{slices.name}:output:0"]
    shapes = [UNKNOWN_RANK] * len(dtypes)
    attrs = {"dtypes": type_list(dtypes)}
    nodes = [
        names,
        slices,
        make_node("RestoreV2", "RestoreV2", inputs, shapes, device=CPU, attrs=attrs),
    ]
    assigned = []
    for index, variable in enumerate(variables):
        value, target = number("Identity"), number("AssignVariableOp")
        source = f"RestoreV2:tensors:{index}"
        nodes.append(make_identity(value, [source], variable.dtype, UNKNOWN_RANK, CPU))
        inputs = [f"arg{index + 1}", f"{value}:output:0"]
        attrs = {"dtype": type_attr(variable.dtype), **MANUAL_CONTROL}
        nodes.append(make_node(target, "AssignVariableOp", inputs, device=CPU, attrs=attrs))
        assigned.append(target)
    done = make_node(number("NoOp"), "NoOp", device=CPU, attrs=MANUAL_CONTROL)
    returned = number("Identity")
    controls = [f"^{node}" for node in sorted([*assigned, done.name])]
    nodes += [done, make_identity(returned, ["arg0", *controls], _STRING, SCALAR, CPU)]
    result = number("Identity")
    nodes += _return(f"{returned}:output:0", result, number("NoOp"), assigned)
    parameters = [Parameter(_STRING, SCALAR, "file_prefix"), *(v.parameter for v in variables)]
    return make_function(name, parameters, nodes, [(f"{result}:output:0", _STRING)], assigned)


def _make_save(name: str, variables: Sequence[SavedVariable]) -> function_pb2.FunctionDef:
    """Makes the function that writes the files `arg0` from the handles and the object graph."""
    number = numbered()
    nodes = _name_part()
    values, ran = [], ["MergeV2Checkpoints"]
    for index, variable in enumerate(variables):
        scope, read, value = number("Read"), number("Identity"), number("Identity")
        nodes += _read(variable, f"arg{index + 1}", scope, read, value)
        values.append(f"{value}:output:0")
        ran += [f"{scope}/DisableCopyOnRead", f"{scope}/ReadVariableOp"]
    nodes += _write_part(variables, [*values, f"arg{len(variables) + 1}"])
    returned = number("Identity")
    nodes.append(make_identity(returned, ["arg0", "^MergeV2Checkpoints"], _STRING, SCALAR, CPU))
    result = number("Identity")
    nodes += _return(f"{returned}:output:0", result, number("NoOp"), ran)
    parameters = [
        Parameter(_STRING, SCALAR, "file_prefix"),
        *(variable.parameter for variable in variables),
        Parameter(_STRING, SCALAR, "Const"),
    ]
    return make_function(name, parameters, nodes, [(f"{result}:output:0", _STRING)], ran)


def _name_part() -> _Nodes:
    """Names the temporary file; S3 has no folders that could be renamed."""
    string = {"T": type_attr(_STRING)}
    pattern = {"pattern": attr_value_pb2.AttrValue(s=b"^s3://.*")}
    two = {"N": attr_value_pb2.AttrValue(i=2)}
    chosen = ["StaticRegexFullMatch:output:0", "Const:output:0", "Const_1:output:0"]
    match, scalar = "StaticRegexFullMatch", [SCALAR]
    return [
        make_node(match, match, ["arg0"], scalar, device=_ANY_CPU, attrs=pattern),
        make_constant("Const", b".part", _STRING, _ANY_CPU),
        make_constant("Const_1", b"_temp/part", _STRING, _ANY_CPU),
        make_node("Select", "Select", chosen, scalar, device=_ANY_CPU, attrs=string),
        make_node(
            "StringJoin", "StringJoin", ["arg0", "Select:output:0"], scalar,
            device=_ANY_CPU, attrs=two,
        ),
    ]  # fmt: skip


def _read(variable: SavedVariable, handle: str, scope: str, read: str, value: str) -> _Nodes:
    dtype, shape = variable.dtype, variable.shape
    uncopied, node = f"{scope}/DisableCopyOnRead", f"{scope}/ReadVariableOp"
    attrs = {"dtype": type_attr(dtype)}
    return [
        make_node(uncopied, "DisableCopyOnRead", [handle]),
        make_node(node, "ReadVariableOp", [handle, f"^{uncopied}"], [shape], attrs=attrs),
        make_identity(read, [f"{node}:value:0"], dtype, shape),
        make_identity(value, [f"{read}:output:0"], dtype, shape, CPU),
    ]


def _write_part(variables: Sequence[SavedVariable], tensors: Sequence[str]) -> _Nodes:
    dtypes = [*(variable.dtype for variable in variables), _STRING]
    names, slices = _list_keys("SaveV2", variables)
    file = ["StringJoin:output:0", "ShardedFilename/shard:output:0", "num_shards:output:0"]
    written = [
        "ShardedFilename:filename:0", f"{names.name}:output:0", f"{slices.name}:output:0", *tensors,
    ]  # fmt: skip
    merged = "MergeV2Checkpoints"
    saving = {"dtypes": type_list(dtypes), **MANUAL_CONTROL}
    one = {"N": attr_value_pb2.AttrValue(i=1), "T": type_attr(_STRING)}
    return [
        make_constant("num_shards", 1, types_pb2.DT_INT32),
        make_constant("ShardedFilename/shard", 0, types_pb2.DT_INT32, CPU),
        make_node("ShardedFilename", "ShardedFilename", file, [SCALAR], device=CPU),
        names,
        slices,
        make_node("SaveV2", "SaveV2", written, device=CPU, attrs=saving),
        make_node(
            f"{merged}/checkpoint_prefixes", "Pack", ["ShardedFilename:filename:0", "^SaveV2"],
            [vector(1)], device=CPU, attrs=one,
        ),
        make_node(
            merged, merged, [f"{merged}/checkpoint_prefixes:output:0", "arg0"],
            device=CPU, attrs=MANUAL_CONTROL,
        ),
    ]  # fmt: skip


def _list_keys(op: str, variables: Sequence[SavedVariable]) -> _Nodes:
    """Makes the constants by which `op` finds its entries, whole tensors all."""
    keys = [*(variable.key.encode() for variable in variables), OBJECT_GRAPH_KEY.encode()]
    return [
        make_constant(f"{op}/tensor_names", keys, _STRING, CPU),
        make_constant(f"{op}/shape_and_slices", [b""] * len(keys), _STRING, CPU),
    ]


def _return(tensor: str, result: str, barrier: str, ran: Sequence[str]) -> _Nodes:
    """Makes the nodes that return a tensor once other nodes have run."""
    controls = [f"^{node}" for node in sorted(ran)]
    if not controls:
        return [make_identity(result, [tensor], _STRING, SCALAR)]
    return [
        make_identity(result, [tensor, f"^{barrier}"], _STRING, SCALAR),
        make_node(barrier, "NoOp", controls),
    ]
