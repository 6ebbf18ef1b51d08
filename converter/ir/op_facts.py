"""Facts about TensorFlow's ops, from tables and from the op registry.

Source of the tables: the `*_ops.cc` files of tensorflow/core/ops.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from google.protobuf import text_format
from tensorflow.core.framework import op_def_pb2

from converter import errors, limits, tf_private
from converter.ir import gradient_overrides
from converter.ir.graph import BOUND_OPS, CUSTOM_GRADIENT_OP, AttrValue, Node

# TensorFlow marks a tensor that refers to a V1 variable by adding 100 to its DataType.
REF_OFFSET = 100
DT_INT32 = 3
DT_STRING = 7
DT_INT64 = 9
DT_BOOL = 10
DT_RESOURCE = 20
DT_VARIANT = 21
# The types that TensorFlow differentiates: half, float, double, bfloat16, complex.
DIFFERENTIABLE = frozenset({1, 2, 8, 14, 18, 19})
# The types of handles, and those of all tensors through which gradients may come.
HANDLES = frozenset({DT_RESOURCE, DT_VARIANT})
CARRY_GRADIENTS = DIFFERENTIABLE | HANDLES

V1_CONTROL_FLOW = frozenset(
    prefix + op
    for prefix in ("", "Ref")
    for op in ("Enter", "Exit", "Merge", "NextIteration", "Switch")
) | {"LoopCond"}
REF_CONTROL_FLOW = frozenset(op for op in V1_CONTROL_FLOW if op.startswith("Ref"))
FUNCTIONAL_CONTROL_FLOW = frozenset(
    {"Case", "For", "If", "StatelessCase", "StatelessIf", "StatelessWhile", "While"}
)
TENSOR_ARRAYS = frozenset({"TensorArray", "TensorArrayV2", "TensorArrayV3"})
# All ops on V1 TensorArrays, of the three versions of their handles.
TENSOR_ARRAY_GRADIENTS = frozenset(
    {"TensorArrayGrad", "TensorArrayGradV2", "TensorArrayGradV3", "TensorArrayGradWithShape"}
)
TENSOR_ARRAY_OPS = (
    frozenset(
        f"TensorArray{op}{version}"
        for op in ("", "Close", "Concat", "Gather", "Read", "Scatter", "Size", "Split", "Write")
        for version in ("", "V2", "V3")
    )
    | TENSOR_ARRAY_GRADIENTS
    | {"TensorArrayPack", "TensorArrayUnpack"}
)
CALL_OPS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
# The attributes that hold the functions of an op which can be written as V1 control flow, in the
# order in which passes take them. `For` has no such form in TensorFlow.
FUNCTION_ATTRS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(CALL_OPS, ("f",)),
    **dict.fromkeys(("If", "StatelessIf"), ("then_branch", "else_branch")),
    **dict.fromkeys(("Case", "StatelessCase"), ("branches",)),
    **dict.fromkeys(("While", "StatelessWhile"), ("cond", "body")),
}

# Ops with a gradient in TF1 that today's TensorFlow has lost.
FUSED_CELLS = frozenset({"GRUBlockCell", "LSTMBlockCell"})
# An op of tf.contrib.seq2seq, which a trace composes of ops that TensorFlow still has.
GATHER_TREE = "GatherTree"
# Ops that a trace emits one by one, each as a function call.
CALLED_OPS = FUSED_CELLS | {CUSTOM_GRADIENT_OP, GATHER_TREE}

# Ops that call back into the Python process that built the graph.
PYTHON_OPS = frozenset({"EagerPyFunc", "PyFunc", "PyFuncStateless"})

VARIABLE_HANDLES = frozenset({"VarHandleOp"})
REF_VARIABLES = frozenset({"Variable", "VariableV2"})
# Ops that read a resource variable and do not change it.
VARIABLE_READS = frozenset(
    {"ReadVariableOp", "ResourceGather", "ResourceGatherNd", "VariableShape", "VarIsInitializedOp"}
)
# Those that return values of the variable.
VALUE_READS = frozenset({"ReadVariableOp", "ResourceGather", "ResourceGatherNd"})

TABLE_HANDLES = frozenset(
    {"HashTableV2", "MutableDenseHashTableV2", "MutableHashTableOfTensorsV2", "MutableHashTableV2"}
)
# The ops that make the same tables without names: each lives as long as its handles.
ANONYMOUS_TABLES = {
    "HashTableV2": "AnonymousHashTable",
    "MutableDenseHashTableV2": "AnonymousMutableDenseHashTable",
    "MutableHashTableOfTensorsV2": "AnonymousMutableHashTableOfTensors",
    "MutableHashTableV2": "AnonymousMutableHashTable",
}
# The handle of a V1 table is a string ref; apart from it, each op has the interface of its twin.
REF_TABLE_OPS = {
    "HashTable": "HashTableV2",
    "InitializeTable": "InitializeTableV2",
    "InitializeTableFromTextFile": "InitializeTableFromTextFileV2",
    "LookupTableExport": "LookupTableExportV2",
    "LookupTableFind": "LookupTableFindV2",
    "LookupTableImport": "LookupTableImportV2",
    "LookupTableInsert": "LookupTableInsertV2",
    "LookupTableSize": "LookupTableSizeV2",
    "MutableDenseHashTable": "MutableDenseHashTableV2",
    "MutableHashTable": "MutableHashTableV2",
    "MutableHashTableOfTensors": "MutableHashTableOfTensorsV2",
}

# Ops whose resource never changes, and is what their attributes say: each graph may have its own.
# Source: sentencepiece_kernels.cc of tensorflow_text.
CONSTANT_RESOURCES = frozenset({"SentencepieceOp"})
# The attributes by which nodes of one process share a resource.
SHARING_ATTRS = frozenset({"container", "shared_name", "use_node_name_sharing"})

_EFFECT_FREE = (
    VARIABLE_HANDLES
    | REF_VARIABLES
    | VARIABLE_READS
    | TABLE_HANDLES
    | CONSTANT_RESOURCES
    | {ref for ref, plain in REF_TABLE_OPS.items() if plain in TABLE_HANDLES}
    | {"Placeholder", "PlaceholderV2"}
)

# Ops of contrib that are lowered here. Source: contrib/seq2seq/ops/beam_search_ops.cc.
_LOWERED_OP_DEFS: Mapping[str, str] = {
    GATHER_TREE: """
        name: "GatherTree"
        input_arg { name: "step_ids" type_attr: "T" }
        input_arg { name: "parent_ids" type_attr: "T" }
        input_arg { name: "max_sequence_lengths" type: DT_INT32 }
        input_arg { name: "end_token" type_attr: "T" }
        output_arg { name: "beams" type_attr: "T" }
        attr { name: "T" type: "type" allowed_values { list { type: DT_INT32 } } }
    """
}


def find_op_def(op: str) -> Any | None:
    """Returns the registered OpDef, or None."""
    try:
        return _get_op_def(op)
    except KeyError:
        return None


@functools.cache
def _get_op_def(op: str) -> Any:
    """The OpDef, which TensorFlow copies on every call. A missing op may come later."""
    op_def = tf_private.get_op_def(op)
    if op_def is None:
        return text_format.Parse(_LOWERED_OP_DEFS[op], op_def_pb2.OpDef())
    return op_def


def is_called(node: Node) -> bool:
    """Whether a trace emits the node by itself, as a function call."""
    return node.op in CALLED_OPS or gradient_overrides.ATTRIBUTE in node.attrs


def is_stateful(op: str) -> bool:
    """Whether TensorFlow must run `op` as often as the program says, in order."""
    op_def = None if op in BOUND_OPS else find_op_def(op)
    return op_def is not None and bool(op_def.is_stateful)


@functools.cache
def has_effect(op: str) -> bool:
    """Whether running `op` has an effect: it changes a ref, or is stateful and not a mere read."""
    op_def = None if op in BOUND_OPS | _EFFECT_FREE else find_op_def(op)
    return op_def is not None and (op_def.is_stateful or any(a.is_ref for a in op_def.input_arg))


def is_order_relevant(op: str) -> bool:
    """Whether it matters when `op` runs: it has an effect, or observes that of another op."""
    return op in VALUE_READS or has_effect(op)


def attr_int(attrs: Mapping[str, AttrValue], op_def: Any, name: str) -> int:
    """The value of an int attribute, or its registered default."""
    if name in attrs:
        return int(attrs[name].i)
    return int(_default(op_def, name).i)


def _default(op_def: Any, name: str) -> AttrValue:
    for attr in op_def.attr:
        if attr.name == name:
            return attr.default_value
    raise errors.FormatError(f"the definition of {op_def.name!r} lacks attribute {name!r}")


def arg_length(arg: Any, op_def: Any, attrs: Mapping[str, AttrValue]) -> int:
    """The number of tensors that one `ArgDef` of an op or function stands for."""
    if arg.number_attr:
        length = attr_int(attrs, op_def, arg.number_attr)
        if length > limits.MAX_TENSORS:
            raise errors.FormatError(
                f"{arg.name!r} of {op_def.name!r} stands for {length} tensors, more than"
                f" {limits.MAX_TENSORS}"
            )
        return length
    if arg.type_list_attr:
        value = attrs.get(arg.type_list_attr) or _default(op_def, arg.type_list_attr)
        return len(value.list.type)
    return 1


def arg_dtypes(arg: Any, op_def: Any, attrs: Mapping[str, AttrValue]) -> tuple[int, ...]:
    """The `DataType` numbers of the tensors that one `ArgDef` of an op or function stands for."""
    if arg.type_list_attr:
        return tuple(
            (attrs.get(arg.type_list_attr) or _default(op_def, arg.type_list_attr)).list.type
        )
    dtype = arg.type or (attrs.get(arg.type_attr) or _default(op_def, arg.type_attr)).type
    return (int(dtype),) * arg_length(arg, op_def, attrs)


def dtypes(node: Node) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The `DataType` numbers of the inputs and of the outputs of a node of a registered op."""
    op_def = _get_op_def(node.op)
    takes = [arg_dtypes(arg, op_def, node.attrs) for arg in op_def.input_arg]
    gives = [arg_dtypes(arg, op_def, node.attrs) for arg in op_def.output_arg]
    return tuple(itertools.chain(*takes)), tuple(itertools.chain(*gives))


def output_dtype(node: Node, index: int, op_def: Any = None) -> int:
    """The `DataType` of one output of a node.

    Args:
      node: The node.
      index: The number of the output.
      op_def: The signature of the function that the node calls; of its registered op otherwise.

    Raises:
      IndexError: if the node has no such output.
    """
    op_def = op_def or _get_op_def(node.op)
    for arg in op_def.output_arg:
        length = arg_length(arg, op_def, node.attrs)
        if index < length:
            if arg.type_list_attr:
                return arg_dtypes(arg, op_def, node.attrs)[index]
            # Not one number for each output: a damaged file may say that there are billions.
            attr = node.attrs.get(arg.type_attr)
            return int(arg.type or (attr or _default(op_def, arg.type_attr)).type)
        index -= length
    raise IndexError(f"op {node.op!r} has no output {index}")


def output_count(node: Node) -> int | None:
    """The number of outputs of the node; None if its op is not registered."""
    if node.op in BOUND_OPS:
        return 1
    if node.op == CUSTOM_GRADIENT_OP:
        return int(node.attrs["outputs"].i)
    op_def = find_op_def(node.op)
    if op_def is None:
        return None
    fixed = _fixed_lengths(node.op)[1]
    return _sum_lengths(op_def.output_arg, op_def, node.attrs) if fixed is None else fixed


def input_count(node: Node) -> int:
    """The number of inputs that the node, whose op must be registered, takes."""
    fixed = _fixed_lengths(node.op)[0]
    op_def = _get_op_def(node.op)
    return _sum_lengths(op_def.input_arg, op_def, node.attrs) if fixed is None else fixed


def _sum_lengths(args: Iterable[Any], op_def: Any, attrs: Mapping[str, AttrValue]) -> int:
    """The number of tensors that the `ArgDef`s of an op or function stand for."""
    return sum(arg_length(arg, op_def, attrs) for arg in args)


@functools.cache
def _fixed_lengths(op: str) -> tuple[int | None, int | None]:
    """The numbers of inputs and outputs, where they do not depend on attributes."""
    op_def = _get_op_def(op)

    def fixed(args: Sequence[Any]) -> int | None:
        return None if any(a.number_attr or a.type_list_attr for a in args) else len(args)

    return fixed(op_def.input_arg), fixed(op_def.output_arg)


@functools.cache
def number_attrs(op: str) -> frozenset[str]:
    """The attributes of a registered op that say how many tensors it takes or gives."""
    op_def = _get_op_def(op)
    args = (*op_def.input_arg, *op_def.output_arg)
    return frozenset(arg.number_attr for arg in args if arg.number_attr)


@functools.cache
def required_attrs(op: str) -> tuple[str, ...]:
    """The attributes that nodes of a registered op must have, since they have no default."""
    return tuple(a.name for a in _get_op_def(op).attr if not a.HasField("default_value"))


def takes_ref(node: Node, position: int) -> bool:
    """Whether input number `position` must be a V1 variable itself rather than its value."""
    op_def = find_op_def(node.op)
    if op_def is None:
        return False
    for arg in op_def.input_arg:
        length = arg_length(arg, op_def, node.attrs)
        if position < length:
            return bool(arg.is_ref)
        position -= length
    return False
