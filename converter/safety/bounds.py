"""Bounds what TensorFlow computes while it imports a graph.

Shape functions ask for the values of inputs, and TensorFlow runs the kernels of a constant subgraph
to know them (source: tensorflow/core/common_runtime/eval_const_tensor.cc). So a file of a few
kilobytes can take all memory: by one `Fill`, or by strings that double in each of forty nodes.
Here, sizes are computed in Python, before TensorFlow sees the graph.

Constants in this sense are Consts, static shapes, and what stateless ops make of those. It does not
matter whether a shape function asks for them: all are bounded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from converter import errors, limits
from converter.ir import attributes, op_facts
from converter.ir.attributes import Shape
from converter.ir.graph import BOUND_OPS, CUSTOM_GRADIENT_OP, VARIABLE_VALUE_OP, Node, TensorRef
from converter.ir.region import Loop, Region
from converter.safety.extent import UNKNOWN, Extent, in_range, item_bytes
from converter.safety.infer import infer_alone
from converter.safety.shape_rules import ALIASES, RULES
from converter.safety.string_bounds import longest_string, variant_bytes

# Their results are at most as large as their inputs together, times the rank at most, but how large
# depends on values.
_SHRINKING = frozenset({
    "BooleanMask", "Bucketize", "DynamicPartition", "ListDiff", "NonMaxSuppression",
    "NonMaxSuppressionV2", "NonMaxSuppressionV3", "RaggedGather", "SetSize",
    "DenseToDenseSetOperation", "SparseReorder", "SparseReshape", "SparseSlice", "SparseAdd",
    "SparseConcat", "SparseFillEmptyRows", "StringSplit", "StringSplitV2", "Unique", "UniqueV2",
    "UniqueWithCounts", "UniqueWithCountsV2", "UnicodeDecode", "Where",
})  # fmt: skip
_SHRINKING_FACTOR = 16
_EXPANSION = 8  # A Const may write an int64 as one byte.
_SHAPE_OPS = frozenset({"Rank", "Shape", "ShapeN", "Size"})
_NEVER_CONSTANT = op_facts.V1_CONTROL_FLOW | {"PlaceholderWithDefault"}
_UNDEFINED = (
    ArithmeticError, AttributeError, IndexError, TypeError, ValueError,
)  # fmt: skip


def check_bounds(
    region: Region,
    shapes: Sequence[Shape] = (),
    variables: Mapping[str, Shape] | None = None,
    producer: int = 0,
) -> None:
    """Checks that what TensorFlow computes while it imports a graph stays small.

    Args:
      region: A graph after all passes.
      shapes: The static shapes of its arguments; unknown where there are fewer.
      variables: The static shapes of variables, by TF1 name.
      producer: The GraphDef version of the TensorFlow that built the graph.

    Raises:
      UnsafeModuleError: if it does not.
    """
    _Bounds(region, variables or {}, producer).run(region, shapes)


class _Bounds:
    """Adds up the sizes of the constants of one graph, with the regions inside of it."""

    def __init__(self, region: Region, variables: Mapping[str, Shape], producer: int) -> None:
        self._variables = variables
        self._producer = producer
        self._extents: dict[TensorRef, Extent] = {}
        self._computed = 0
        self._measured = _find_measured(region)
        stored = sum(_stored_bytes(node) for node in region.nodes() if node.op == "Const")
        self._limit = max(
            limits.COMPUTED_CONSTANTS_BYTES, limits.COMPUTED_CONSTANTS_RATIO * stored
        )

    def run(self, region: Region, shapes: Sequence[Shape]) -> None:
        for name, shape in zip(region.args, shapes, strict=False):
            self._extents[TensorRef(name)] = Extent(shape)
        for item in region.items:
            if isinstance(item, Node):
                self._visit(item)
                continue
            carried = [value.shape for value in item.carried] if isinstance(item, Loop) else []
            for inner in item.regions:
                self.run(inner, carried)
            if isinstance(item, Loop):
                for value in item.carried:
                    if value.output is not None:
                        self._extents[value.output] = Extent(value.shape)

    def _visit(self, node: Node) -> None:
        if node.op == VARIABLE_VALUE_OP:
            self._extents[TensorRef(node.name)] = Extent(
                self._variables.get(attributes.get_key(node))
            )
        if node.op in BOUND_OPS or node.op == CUSTOM_GRADIENT_OP:
            return
        inputs = [self._extents.get(ref, UNKNOWN) for ref in node.inputs]
        made = _apply_rule(node, inputs)
        if made.known_value is not None:
            self._extents[TensorRef(node.name)] = Extent(made.shape, made.value, is_constant=True)
        elif _is_constant(node, inputs):
            self._add_constant(node, inputs, made)
        elif made is not UNKNOWN:
            self._extents[TensorRef(node.name)] = Extent(made.shape, made.value)
        elif node.name in self._measured and any(extent.shape for extent in inputs):
            for index, shape in enumerate(infer_alone(node, inputs, self._producer)):
                self._extents[TensorRef(node.name, index)] = Extent(shape)

    def _add_constant(self, node: Node, inputs: Sequence[Extent], made: Extent) -> None:
        """Adds what TensorFlow may compute for a node whose inputs are constant."""
        sizes = self._input_sizes(node, inputs)
        shapes = [made.shape]
        if made.elements is None:
            shapes = infer_alone(node, inputs, self._producer)
        for index, shape in enumerate(shapes):
            dtype = op_facts.output_dtype(node, index) % op_facts.REF_OFFSET
            longest = self._longest(node, inputs, sizes, dtype, made)
            extent = self._bounded(node, shape, inputs, dtype, longest, sum(sizes))
            self._extents[TensorRef(node.name, index)] = extent
            size = extent.size_bytes(dtype) or 0
            if dtype == op_facts.DT_VARIANT:
                size = extent.longest
            if node.op not in ALIASES or (node.op == "Const" and size > _EXPANSION * _stored_bytes(node)):
                self._add(size, node)

    def _longest(
        self, node: Node, inputs: Sequence[Extent], sizes: Sequence[int], dtype: int, made: Extent
    ) -> int:
        if dtype == op_facts.DT_VARIANT:
            return variant_bytes(inputs, sizes)
        if dtype != op_facts.DT_STRING:
            return 0
        return made.longest if made.shape is not None else longest_string(node, inputs, sizes)

    def _bounded(
        self, node: Node, shape: Shape, inputs: Sequence[Extent], dtype: int, longest: int, total: int
    ) -> Extent:
        """An extent with a size; the upper bound of one that depends on values."""
        if shape is not None and None not in shape:
            return Extent(shape, is_constant=True, longest=longest)
        if node.op in _SHRINKING:
            elements = _SHRINKING_FACTOR * (sum(extent.elements or 0 for extent in inputs) + total)
            return Extent((elements,), is_constant=True, longest=longest)
        if dtype == op_facts.DT_VARIANT:
            return Extent((), is_constant=True, longest=longest)
        raise errors.UnsafeModuleError(
            f"op {node.op!r} computes a constant whose size cannot be bounded before it runs",
            node=node.name,
            remedy="Export the module with the value as a Const.",
        )

    def _input_sizes(self, node: Node, inputs: Sequence[Extent]) -> list[int]:
        dtypes = op_facts.dtypes(node)[0]
        sizes = []
        for extent, dtype in zip(inputs, dtypes, strict=True):
            is_variant = dtype == op_facts.DT_VARIANT
            sizes.append(extent.longest if is_variant else extent.size_bytes(dtype) or 0)
        return sizes

    def _add(self, size: int, node: Node) -> None:
        self._computed += size
        if self._computed > self._limit:
            raise errors.UnsafeModuleError(
                f"the constants that TensorFlow would compute take {_mib(self._computed)} MiB, more"
                f" than {_mib(self._limit)} MiB; op {node.op!r} makes {_mib(size)} MiB of them",
                node=node.name,
                remedy="Export the module with large values as variables.",
            )


def _find_measured(region: Region) -> set[str]:
    """The plain nodes on which the static shape of some tensor depends that an op asks for."""
    nodes = {node.name: node for node in region.nodes()}
    waiting = [ref for node in nodes.values() if node.op in _SHAPE_OPS for ref in node.inputs]
    found: set[str] = set()
    while waiting:
        name = waiting.pop().node
        if name in nodes and name not in found:
            found.add(name)
            waiting.extend(nodes[name].inputs)
    return found


def _mib(size: int) -> int:
    return math.ceil(size / limits.MIB)


def _apply_rule(node: Node, inputs: Sequence[Extent]) -> Extent:
    rule = RULES.get(node.op)
    if rule is None:
        return UNKNOWN
    try:
        made = rule(node, inputs)
        if made.value is None:
            return made
        value = in_range(made.value, op_facts.output_dtype(node, 0) % op_facts.REF_OFFSET)
    except _UNDEFINED:
        return UNKNOWN  # TensorFlow will refuse the node with its own words.
    return Extent(made.shape, value, longest=made.longest)


def _is_constant(node: Node, inputs: Sequence[Extent]) -> bool:
    """Whether TensorFlow may compute a node whose value is not known here."""
    if node.op == "Const":
        return True
    if not inputs or node.op in _NEVER_CONSTANT or node.op in _SHAPE_OPS:
        return False
    return all(extent.is_constant for extent in inputs) and not op_facts.is_stateful(node.op)


def _stored_bytes(node: Node) -> int:
    """The bytes of a Const in its file."""
    return int(node.attrs["value"].ByteSize()) if "value" in node.attrs else 0
