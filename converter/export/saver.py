"""Writes the nodes by which Sessions and C++ restore and save the variables of a SavedModel.

`tf.saved_model.save` would trace six ops for each variable, though Python restores by the object
graph. Written as protos, they cost next to nothing. They are nodes of the main graph, as in TF1's
SavedModels, since Python's loader builds every function of the library, even those that it never
runs.

Sources: saver.proto, and tensorflow/python/checkpoint/functional_saver.py (2.16 to 2.21), whose
functions these equal node for node.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from tensorflow.core.framework import attr_value_pb2, node_def_pb2, types_pb2
from tensorflow.core.protobuf import saver_pb2

from converter.export.function_protos import (
    CPU,
    MANUAL_CONTROL,
    SCALAR,
    UNKNOWN_RANK,
    make_constant,
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


def add_saver(graph: MainGraph, variables: Sequence[SavedVariable], object_graph: bytes) -> None:
    """Adds the nodes that save and restore variables, and the SaverDef that names them.

    Args:
      graph: The main graph of the SavedModel.
      variables: The variables.
      object_graph: The serialized TrackableObjectGraph, which a checkpoint holds too.
    """
    name = graph.claim_name("Const")
    constant = graph.add_node(make_constant(name, object_graph, _STRING, CPU))
    prefix = graph.add_node(make_placeholder(graph.claim_name("saver_filename"), _STRING, SCALAR))
    saving = _make_save(graph.claim_scope("save"), prefix, variables, constant)
    restoring = _make_restore(graph.claim_scope("restore"), prefix, variables)
    for node in (*saving, *restoring):
        graph.add_node(node)
    graph.meta_graph.saver_def.CopyFrom(
        saver_pb2.SaverDef(
            filename_tensor_name=f"{prefix}:0",
            save_tensor_name=f"{saving[-1].name}:0",
            restore_op_name=restoring[-1].name,
            version=saver_pb2.SaverDef.V2,
        )
    )


def _make_restore(scope: str, prefix: str, variables: Sequence[SavedVariable]) -> _Nodes:
    """Makes the nodes that assign the values in the files `prefix`; the last one runs them all."""
    number = numbered(scope)
    dtypes = [*(variable.dtype for variable in variables), _STRING]
    names, slices = _list_keys(f"{scope}/RestoreV2", variables)
    read = make_node(
        f"{scope}/RestoreV2", "RestoreV2", [prefix, names.name, slices.name],
        [UNKNOWN_RANK] * len(dtypes), device=CPU, attrs={"dtypes": type_list(dtypes)},
    )  # fmt: skip
    nodes = [names, slices, read]
    assigned = []
    for index, variable in enumerate(variables):
        value, target = number("Identity"), number("AssignVariableOp")
        source = f"{read.name}:{index}" if index else read.name
        nodes.append(make_identity(value, [source], variable.dtype, UNKNOWN_RANK, CPU))
        attrs = {"dtype": type_attr(variable.dtype), **MANUAL_CONTROL}
        inputs = [variable.handle, value]
        nodes.append(make_node(target, "AssignVariableOp", inputs, device=CPU, attrs=attrs))
        assigned.append(target)
    done = make_node(number("NoOp"), "NoOp", device=CPU, attrs=MANUAL_CONTROL)
    controls = [f"^{node}" for node in sorted([*assigned, done.name])]
    returned = make_identity(number("Identity"), [prefix, *controls], _STRING, SCALAR, CPU)
    result, barrier = number("Identity"), number("NoOp")
    return [*nodes, done, returned, *_return(returned.name, result, barrier, assigned)]


def _make_save(
    scope: str, prefix: str, variables: Sequence[SavedVariable], object_graph: str
) -> _Nodes:
    """Makes the nodes that write the files `prefix`; the last one, their name, runs them all."""
    number = numbered(scope)
    nodes = _name_part(scope, prefix)
    values, ran = [], [f"{scope}/MergeV2Checkpoints"]
    for variable in variables:
        read = number("Read")
        nodes += _read(variable, read, number("Identity"), number("Identity"))
        values.append(nodes[-1].name)
        ran += [f"{read}/DisableCopyOnRead", f"{read}/ReadVariableOp"]
    nodes += _write_part(scope, prefix, variables, [*values, object_graph])
    merged = f"^{scope}/MergeV2Checkpoints"
    returned = make_identity(number("Identity"), [prefix, merged], _STRING, SCALAR, CPU)
    result, barrier = number("Identity"), number("NoOp")
    return [*nodes, returned, *_return(returned.name, result, barrier, ran)]


def _name_part(scope: str, prefix: str) -> _Nodes:
    """Names the temporary file; S3 has no folders that could be renamed."""
    string = {"T": type_attr(_STRING)}
    pattern = {"pattern": attr_value_pb2.AttrValue(s=b"^s3://.*")}
    two = {"N": attr_value_pb2.AttrValue(i=2)}
    match, beside, below = (f"{scope}/{n}" for n in ("StaticRegexFullMatch", "Const", "Const_1"))
    chosen, joined, scalar = f"{scope}/Select", f"{scope}/StringJoin", [SCALAR]
    return [
        make_node(
            match, "StaticRegexFullMatch", [prefix], scalar, device=_ANY_CPU, attrs=pattern
        ),
        make_constant(beside, b".part", _STRING, _ANY_CPU),
        make_constant(below, b"_temp/part", _STRING, _ANY_CPU),
        make_node(
            chosen, "Select", [match, beside, below], scalar, device=_ANY_CPU, attrs=string
        ),
        make_node(joined, "StringJoin", [prefix, chosen], scalar, device=_ANY_CPU, attrs=two),
    ]  # fmt: skip


def _read(variable: SavedVariable, scope: str, read: str, value: str) -> _Nodes:
    dtype, shape = variable.dtype, variable.shape
    uncopied, node = f"{scope}/DisableCopyOnRead", f"{scope}/ReadVariableOp"
    inputs, attrs = [variable.handle, f"^{uncopied}"], {"dtype": type_attr(dtype)}
    return [
        make_node(uncopied, "DisableCopyOnRead", [variable.handle]),
        make_node(node, "ReadVariableOp", inputs, [shape], attrs=attrs),
        make_identity(read, [node], dtype, shape),
        make_identity(value, [read], dtype, shape, CPU),
    ]


def _write_part(
    scope: str, prefix: str, variables: Sequence[SavedVariable], tensors: Sequence[str]
) -> _Nodes:
    dtypes = [*(variable.dtype for variable in variables), _STRING]
    names, slices = _list_keys(f"{scope}/SaveV2", variables)
    part, saved, merged = (
        f"{scope}/{op}" for op in ("ShardedFilename", "SaveV2", "MergeV2Checkpoints")
    )
    file = [f"{scope}/StringJoin", f"{part}/shard", f"{scope}/num_shards"]
    written = [part, names.name, slices.name, *tensors]
    saving = {"dtypes": type_list(dtypes), **MANUAL_CONTROL}
    one = {"N": attr_value_pb2.AttrValue(i=1), "T": type_attr(_STRING)}
    prefixes = f"{merged}/checkpoint_prefixes"
    return [
        make_constant(f"{scope}/num_shards", 1, types_pb2.DT_INT32),
        make_constant(f"{part}/shard", 0, types_pb2.DT_INT32, CPU),
        make_node(part, "ShardedFilename", file, [SCALAR], device=CPU),
        names,
        slices,
        make_node(saved, "SaveV2", written, device=CPU, attrs=saving),
        make_node(prefixes, "Pack", [part, f"^{saved}"], [vector(1)], device=CPU, attrs=one),
        make_node(
            merged, "MergeV2Checkpoints", [prefixes, prefix], device=CPU, attrs=MANUAL_CONTROL
        ),
    ]  # fmt: skip


def _list_keys(node: str, variables: Sequence[SavedVariable]) -> _Nodes:
    """Makes the constants by which `node` finds its entries, whole tensors all."""
    keys = [*(variable.key.encode() for variable in variables), OBJECT_GRAPH_KEY.encode()]
    return [
        make_constant(f"{node}/tensor_names", keys, _STRING, CPU),
        make_constant(f"{node}/shape_and_slices", [b""] * len(keys), _STRING, CPU),
    ]


def _return(tensor: str, result: str, barrier: str, ran: Sequence[str]) -> _Nodes:
    """Makes the nodes that return a tensor once other nodes have run."""
    controls = [f"^{node}" for node in sorted(ran)]
    if not controls:
        return [make_identity(result, [tensor], _STRING, SCALAR)]
    return [
        make_node(barrier, "NoOp", controls),
        make_identity(result, [tensor, f"^{barrier}"], _STRING, SCALAR),
    ]
