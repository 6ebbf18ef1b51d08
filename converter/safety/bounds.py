"""Bounds what TensorFlow computes while it imports a graph.

Shape functions ask for the values of inputs, and TensorFlow runs the kernels of a constant subgraph
to know them (source: tensorflow/core/common_runtime/eval_const_tensor.cc). So a file of a few
kilobytes can take all memory: by one `Fill`, or by strings that double in each of forty nodes.
Here, sizes are computed in Python, before TensorFlow sees the graph.

Constants in this sense are Consts, static shapes, and what stateless ops make of those. It does not
matter whether a shape function asks for them: all are bounded, but for what the user vouches for:
ops that they let through, and sizes that depend on what such an op computes, which nothing knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from converter import errors, limits
from converter.ir import attributes, op_facts
from converter.ir.attributes import Shape
from converter.ir.graph import BOUND_OPS, CUSTOM_GRADIENT_OP, VARIABLE_VALUE_OP, Node, TensorRef
from converter.ir.region import Loop, Region
from converter.safety.abort_rules import RANK_INPUTS, check_imports, depends_on_shapes
from converter.safety.allowed_ops import NONE, AllowedOps
from converter.safety.check_safety import is_let_through
from converter.safety.element_bounds import find_most_elements
from converter.safety.extent import UNKNOWN, Extent, as_stored
from converter.safety.infer import infer_alone
from converter.safety.shape_rules import ALIASES, RULES, RULES_OF_SEVERAL
from converter.safety.string_bounds import longest_string, variant_bytes

_EXPANSION = 8  # A Const may write an int64 as one byte.
_SHAPE_OPS = frozenset({"Rank", "Shape", "ShapeN", "Size"})
_NEVER_CONSTANT = op_facts.V1_CONTROL_FLOW | {"PlaceholderWithDefault"}
_UNDEFINED = (
    ArithmeticError, AttributeError, LookupError, TypeError, ValueError,
)  # fmt: skip


def check_bounds(
    region: Region,
    shapes: Sequence[Shape] = (),
    variables: Mapping[str, Shape] | None = None,
    producer: int = 0,
    allowed: AllowedOps = NONE,
) -> dict[str, str]:
    """Checks that what TensorFlow computes while it imports a graph stays small.

    Args:
      region: A graph after all passes.
      shapes: The static shapes of its arguments; unknown where there are fewer.
      variables: The static shapes of variables, by TF1 name.
      producer: The GraphDef version of the TensorFlow that built the graph.
      allowed: The ops that the user lets through.

    Returns:
      The ops that the user let through although nothing bounds what they compute, with the first
      node of each.

    Raises:
      UnsafeModuleError: if it does not.
    """
    bounds = _Bounds(region, variables or {}, producer, allowed)
    bounds.run(region, shapes)
    return bounds.unbounded


class _Bounds:
    """Adds up the sizes of the constants of one graph, with the regions inside of it."""

    def __init__(
        self,
        region: Region,
        variables: Mapping[str, Shape],
        producer: int,
        allowed: AllowedOps,
    ) -> None:
        self.unbounded: dict[str, str] = {}
        self._variables = variables
        self._producer = producer
        self._allowed = allowed
        self._extents: dict[TensorRef, Extent] = {}
        self._vouched_for: set[str] = set()
        self._stored: set[str] = set()
        self._computed = 0
        self._measured = _find_measured(region)
        stored = sum(_stored_bytes(node) for node in region.nodes() if node.op == "Const")
        self._limit = max(
            limits.MAX_COMPUTED_CONSTANTS_BYTES, limits.MAX_COMPUTED_CONSTANTS_RATIO * stored
        )

    def run(self, region: Region, shapes: Sequence[Shape]) -> None:
        for name, shape in zip(region.args, shapes, strict=False):
            self._extents[TensorRef(name)] = Extent(shape)
        outer, self._stored = self._stored, set()
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
        self._stored = outer

    def _visit(self, node: Node) -> None:
        if node.op == VARIABLE_VALUE_OP:
            self._extents[TensorRef(node.name)] = Extent(
                self._variables.get(attributes.get_key(node))
            )
        if node.op in BOUND_OPS or node.op == CUSTOM_GRADIENT_OP:
            return
        inputs = [self._extents.get(ref, UNKNOWN) for ref in node.inputs]
        if not any(ref.node in self._vouched_for for ref in node.inputs):
            check_imports(node, inputs, self._stored)
        if node.op == "Const":
            self._stored.add(node.name)
        made = _apply_rule(node, inputs)
        if all(extent.known_value is not None for extent in made):
            made = [Extent(e.shape, e.value, is_constant=True) for e in made]
        elif _is_constant(node, inputs):
            made = self._add_constant(node, inputs, made)
        elif node.name in self._measured and any(e.shape is not None for e in inputs):
            made = self._measure(node, inputs, made)
        self._extents.update((TensorRef(node.name, i), extent) for i, extent in enumerate(made))

    def _measure(self, node: Node, inputs: Sequence[Extent], made: list[Extent]) -> list[Extent]:
        """Asks TensorFlow for shapes that no rule knows."""
        return made if any(e is not UNKNOWN for e in made) else self._infer(node, inputs, made)

    def _add_constant(
        self, node: Node, inputs: Sequence[Extent], made: Sequence[Extent]
    ) -> list[Extent]:
        """Adds what TensorFlow may compute for a node whose inputs are constant."""
        sizes = _input_sizes(node, inputs)
        if any(extent.elements is None for extent in made):
            made = self._infer(node, inputs, made)
        is_vouched_for = self._is_vouched_for(node)
        constant = []
        for index, extent in enumerate(made):
            dtype = op_facts.output_dtype(node, index) % op_facts.REF_OFFSET
            bounded = _bound(node, extent, inputs, sizes, dtype)
            size = bounded.longest if dtype == op_facts.DT_VARIANT else bounded.size_bytes(dtype)
            if node.op in self._allowed.names:
                self.unbounded.setdefault(node.op, node.name)
            elif size is None and not is_vouched_for:
                raise _unbounded(node)
            elif size is not None and not _takes_no_memory(node, size):
                self._add(size, node)
            constant.append(bounded)
        return constant

    def _infer(self, node: Node, inputs: Sequence[Extent], made: Sequence[Extent]) -> list[Extent]:
        """Asks TensorFlow for shapes that rules do not know in full."""
        most = made[0].most if len(made) == 1 else None
        return [Extent(shape, most=most) for shape in infer_alone(node, inputs, self._producer)]

    def _is_vouched_for(self, node: Node) -> bool:
        """Whether the user lets through an op that makes this constant, or what it is made of."""
        # Sides of branches may have nodes of the same name.
        self._vouched_for.discard(node.name)
        is_named = node.op in self._allowed.names or is_let_through(node)
        if is_named or any(ref.node in self._vouched_for for ref in node.inputs):
            self._vouched_for.add(node.name)
        return node.name in self._vouched_for

    def _add(self, size: int, node: Node) -> None:
        self._computed += size
        if self._computed > self._limit:
            raise errors.UnsafeModuleError(
                f"the constants that TensorFlow would compute take {_mib(self._computed)} MiB, more"
                f" than {_mib(self._limit)} MiB; op {node.op!r} makes {_mib(size)} MiB of them",
                node=node.name,
                remedy=f"If you trust the module, pass --allow-op {node.op}.",
            )


def _unbounded(node: Node) -> errors.UnsafeModuleError:
    return errors.UnsafeModuleError(
        f"op {node.op!r} computes a constant whose size cannot be bounded before it runs",
        node=node.name,
        remedy=f"If you trust the module, pass --allow-op {node.op}.",
    )


def _find_measured(region: Region) -> set[str]:
    """The plain nodes on which the static shape of some tensor depends that an op asks for."""
    nodes = {node.name: node for node in region.nodes()}
    asking = [n for n in nodes.values() if n.op in _SHAPE_OPS or depends_on_shapes(n)]
    waiting = [ref for node in asking for ref in node.inputs]
    waiting += [n.inputs[RANK_INPUTS[n.op]] for n in nodes.values() if n.op in RANK_INPUTS]
    found: set[str] = set()
    while waiting:
        name = waiting.pop().node
        if name in nodes and name not in found:
            found.add(name)
            waiting.extend(nodes[name].inputs)
    return found


def _mib(size: int) -> int:
    return -(-size // limits.MIB)


def _apply_rule(node: Node, inputs: Sequence[Extent]) -> list[Extent]:
    """What the rules know of each output; one unknown one if there is no rule."""
    try:
        if node.op in RULES_OF_SEVERAL:
            made = RULES_OF_SEVERAL[node.op](node, inputs)
            if len(made) != op_facts.output_count(node):
                return [UNKNOWN]
        elif node.op in RULES:
            made = [RULES[node.op](node, inputs)]
        else:
            return [UNKNOWN]
        return [_checked(node, index, extent) for index, extent in enumerate(made)]
    except _UNDEFINED:
        return [UNKNOWN]  # TensorFlow will refuse the node with its own words.


def _checked(node: Node, index: int, extent: Extent) -> Extent:
    """Drops a value that the dtype does not hold."""
    if extent.value is None:
        return extent
    value = as_stored(extent.value, op_facts.output_dtype(node, index) % op_facts.REF_OFFSET)
    return Extent(extent.shape, value, longest=extent.longest)


def _bound(
    node: Node, made: Extent, inputs: Sequence[Extent], sizes: Sequence[int], dtype: int
) -> Extent:
    """A constant output, with upper bounds of what its shape does not tell."""
    longest, most = made.longest, made.most
    if dtype == op_facts.DT_VARIANT:
        return Extent(made.shape or (), is_constant=True, longest=variant_bytes(inputs, sizes))
    if dtype == op_facts.DT_STRING and not longest:  # No rule knows it.
        longest = longest_string(node, inputs, sizes)
    if made.elements is None and most is None:
        most = find_most_elements(node, inputs, sizes)
    return Extent(made.shape, made.value, is_constant=True, longest=longest, most=most)


def _input_sizes(node: Node, inputs: Sequence[Extent]) -> list[int]:
    return [
        extent.longest if dtype == op_facts.DT_VARIANT else extent.size_bytes(dtype) or 0
        for extent, dtype in zip(inputs, op_facts.dtypes(node)[0], strict=True)
    ]


def _takes_no_memory(node: Node, size: int) -> bool:
    """Whether an output is an input, or as large in the file as in memory."""
    if node.op == "Const":
        return size <= _EXPANSION * _stored_bytes(node)
    return node.op in ALIASES


def _is_constant(node: Node, inputs: Sequence[Extent]) -> bool:
    """Whether TensorFlow may compute a node whose value is not known here."""
    if node.op == "Const":
        return True
    if not inputs or node.op in _NEVER_CONSTANT:
        return False
    return all(extent.is_constant for extent in inputs) and not op_facts.is_stateful(node.op)


def _stored_bytes(node: Node) -> int:
    """The bytes of a Const in its file."""
    return int(node.attrs["value"].ByteSize()) if "value" in node.attrs else 0
