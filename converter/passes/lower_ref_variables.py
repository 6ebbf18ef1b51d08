"""Turns V1 ref variables into resource variables.

A ref is both a variable and its value. This pass separates the two: ops that change the
variable take its handle, and every use of the value becomes a read, placed where V1 reads
the value: just before its user runs. An op that returns the changed ref is read after itself;
no gradient flows through it, in V1 or here.

Before:
    v = VariableV2[dtype=float, shape=[]]()
    x = _Arg[T=float]()
    add = AssignAdd[T=float](v, x)
    y = Mul[T=float](add, x)
    return y

After:
    v = VarHandleOp[dtype=float, shape=[]]()
    x = _Arg[T=float]()
    add = AssignAddVariableOp[dtype=float](v, x)
    y/read/value = ReadVariableOp[dtype=float](v, ^x, ^add)
    y/read = StopGradient[T=float](y/read/value)
    y = Mul[T=float](y/read, x)
    return y
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from converter import errors
from converter.ir import attributes, op_facts, query
from converter.ir.aliases import IDENTITIES
from converter.ir.graph import AttrValue, Graph, Node, Program, TensorRef
from converter.ir.rewrite import GraphEditor
from converter.ir.text import dtype_name

_ASSIGNS = {
    "Assign": "AssignVariableOp",
    "AssignAdd": "AssignAddVariableOp",
    "AssignSub": "AssignSubVariableOp",
}
# Ops on refs whose resource twin has the same inputs, and returns nothing where the op
# returned the ref. `T` is called `dtype` in those of the first group.
_SCATTERS = frozenset(
    f"Scatter{kind}" for kind in ("Add", "Div", "Max", "Min", "Mul", "Sub", "Update")
)
_TWINS = frozenset({f"ScatterNd{kind}" for kind in ("Add", "Max", "Min", "Sub", "Update")}) | {
    "StridedSliceAssign"
}
_OPTIMIZERS = ("Apply", "SparseApply")


@dataclasses.dataclass(frozen=True, slots=True)
class _Ref:
    """A V1 ref.

    Attributes:
      handle: The variable that it refers to, as it came into the loop or branch.
      dtype: The type attribute of its value.
      after: The op after which to read it.
      changed: Whether it is the output of an op that changed it, such as Assign.
      variable: The node that makes the variable.
    """

    variable: str
    handle: TensorRef
    dtype: AttrValue
    after: str | None = None
    changed: bool = False


def lower_ref_variables(graph: Graph, program: Program) -> Graph:
    """Replaces ref variables, the ops that change them, and the uses of their values.

    Raises:
      FormatError: if an op takes a ref of another dtype than it says.
      UnsupportedOpError: if an op changes a ref in a way that resource variables do not support.
    """
    del program
    if not any(map(_deals_with_refs, graph.nodes.values())):
        return graph
    order = query.topological_order(graph.nodes)
    nodes = {name: graph.nodes[name] for name in order}
    return _Lowering(dataclasses.replace(graph, nodes=nodes)).run()


class _Lowering:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._editor = GraphEditor(graph)
        self._refs: dict[TensorRef, _Ref] = {}
        self._changed: set[str] = set()
        self._carried: dict[str, str] = {}  # Variables that a loop carries, and where.

    def run(self) -> Graph:
        for node in self._graph.nodes.values():
            self._lower(node)
        for variable in self._carried.keys() & self._changed:
            raise errors.UnsupportedOpError(
                f"a loop carries V1 variable {variable!r} by reference, and the call changes it",
                node=self._carried[variable],
            )
        results = tuple(self._result(ref) for ref in self._graph.results)
        return query.drop_dead(dataclasses.replace(self._editor.finish(), results=results))

    def _lower(self, node: Node) -> None:
        self._check_dtypes(node)
        changes = _ref_inputs(node)
        if node.op in op_facts.REF_VARIABLES:
            self._lower_variable(node)
        elif node.op in op_facts.REF_CONTROL_FLOW:
            self._lower_control_flow(node)
        elif any(source not in self._refs for source in changes):
            raise errors.UnsupportedOpError(
                f"op {node.op!r} changes something that is not a variable", node=node.name
            )
        elif node.op in IDENTITIES and node.inputs[0] in self._refs:
            self._lower_identity(node, self._refs[node.inputs[0]])
        elif changes:
            self._lower_change(node, [self._refs[source] for source in changes])
        else:
            self._editor.replace(self._with_values(node))

    def _check_dtypes(self, node: Node) -> None:
        """Checks the refs that a node takes: reads have the variable's dtype, whatever it says."""
        if self._refs.keys().isdisjoint(node.inputs):
            return
        takes = op_facts.dtypes(node)[0]
        for position, source in enumerate(node.inputs):
            wanted = takes[position] % op_facts.REF_OFFSET
            found = self._refs[source].dtype.type if source in self._refs else wanted
            if wanted and found != wanted:
                raise errors.FormatError(
                    f"input {position} of op {node.op!r} takes a V1 variable of dtype"
                    f" {dtype_name(found)}, expected {dtype_name(wanted)}",
                    node=node.name,
                )

    def _lower_variable(self, node: Node) -> None:
        kept = attributes.only(node.attrs, ("dtype", "shape"))
        self._editor.replace(Node(node.name, "VarHandleOp", attrs=kept))
        dtype = attributes.type_attr(attributes.get_dtype(node, "dtype"))
        self._refs[TensorRef(node.name)] = _Ref(node.name, TensorRef(node.name), dtype)

    def _lower_identity(self, node: Node, ref: _Ref) -> None:
        if node.op == "Identity":
            self._editor.replace(self._value(node.name, ref, node.control_inputs, node.name))
            return
        controls = _join(node.control_inputs, ref.after)
        self._editor.replace(Node(node.name, "NoOp", control_inputs=controls))
        self._refs[TensorRef(node.name)] = dataclasses.replace(ref, after=node.name)

    def _lower_control_flow(self, node: Node) -> None:
        """Steers the handle, or the value where two meet."""
        plain = dataclasses.replace(node, op=node.op.removeprefix("Ref"))
        ref = self._refs.get(node.inputs[0])
        if plain.op == "Merge":
            self._note_carried(node)
        if plain.op == "Merge" or ref is None:
            self._editor.replace(self._with_values(plain))
            return
        if plain.op == "NextIteration":
            raise errors.UnsupportedOpError(
                "a loop carries a V1 variable by reference", node=node.name
            )
        attrs = attributes.without(node.attrs, attributes.INFERRED_SHAPES)
        attrs["T"] = attributes.type_attr(op_facts.DT_RESOURCE)
        inputs = (ref.handle, *node.inputs[1:])
        self._editor.replace(dataclasses.replace(plain, inputs=inputs, attrs=attrs))
        for index in range(op_facts.output_count(node) or 0):
            output = TensorRef(node.name, index)
            self._refs[output] = dataclasses.replace(ref, handle=output)

    def _note_carried(self, node: Node) -> None:
        """Notes a variable that a loop carries: its value, if the call does not change it."""
        if any(self._graph.nodes[ref.node].op.endswith("NextIteration") for ref in node.inputs):
            for ref in node.inputs:
                if ref in self._refs:
                    self._carried[self._refs[ref].variable] = node.name

    def _lower_change(self, node: Node, refs: Sequence[_Ref]) -> None:
        lowered = self._with_values(node)
        controls = lowered.control_inputs
        for ref in refs:
            controls = _join(controls, ref.after)
        twin = _resource_twin(node)
        attrs = _resource_attrs(node, twin)
        self._editor.replace(Node(node.name, twin, lowered.inputs, controls, attrs, node.device))
        if node.op not in ("CountUpTo", "IsVariableInitialized"):
            self._changed.add(refs[0].variable)
            changed = dataclasses.replace(refs[0], after=node.name, changed=True)
            self._refs[TensorRef(node.name)] = changed

    def _with_values(self, node: Node) -> Node:
        """The node with its refs replaced: by handles where it takes refs, else by reads."""
        if self._refs.keys().isdisjoint(node.inputs):
            return node
        others = self._changes_and_others(node)
        reads: dict[TensorRef, TensorRef] = {}
        inputs = list(node.inputs)
        for position, source in enumerate(node.inputs):
            ref = self._refs.get(source)
            if ref is not None and op_facts.takes_ref(node, position):
                inputs[position] = ref.handle
            elif ref is not None:
                if source not in reads:
                    name = self._editor.fresh(f"{node.name}/read")
                    read = self._value(name, ref, (*node.control_inputs, *others), node.name)
                    reads[source] = self._editor.insert_before(node.name, read)
                inputs[position] = reads[source]
        return dataclasses.replace(node, inputs=tuple(inputs))

    def _changes_and_others(self, node: Node) -> list[str]:
        """The nodes that must run before the node, since V1 reads all of its refs only then."""
        if node.op in op_facts.V1_CONTROL_FLOW:
            return []  # Such a node runs with any one of its inputs, or copies it at once.
        sources = node.inputs
        others = [source.node for source in sources if source not in self._refs]
        changes = [self._refs[source].after for source in sources if source in self._refs]
        return others + [name for name in changes if name is not None]

    def _value(self, name: str, ref: _Ref, controls: Sequence[str], user: str | None) -> Node:
        """A node called `name` that is the variable's value once `controls` have run.

        What it needs is inserted before node `user`, or at the end.
        """
        waits = _join(tuple(dict.fromkeys(controls)), ref.after)
        read = Node(name, "ReadVariableOp", (ref.handle,), waits, {"dtype": ref.dtype})
        if not ref.changed:
            return read
        read = dataclasses.replace(read, name=f"{name}/value")
        changed = self._editor.insert_fresh(user, read)
        return Node(name, "StopGradient", (changed,), attrs={"T": ref.dtype})

    def _result(self, source: TensorRef) -> TensorRef:
        ref = self._refs.get(source)
        if ref is None:
            return source
        name = self._editor.fresh(f"{source.node}/result")
        return self._editor.insert_before(None, self._value(name, ref, (), None))


def _deals_with_refs(node: Node) -> bool:
    """Whether the pass has work with a node; a stranger's graph may steer refs that it lacks."""
    ops = op_facts.REF_VARIABLES | op_facts.REF_CONTROL_FLOW
    return node.op in ops or bool(_ref_inputs(node))


def _ref_inputs(node: Node) -> list[TensorRef]:
    """The inputs of which a node takes the variable itself."""
    positions = range(len(node.inputs))
    return [node.inputs[i] for i in positions if op_facts.takes_ref(node, i)]


def _join(controls: tuple[str, ...], extra: str | None) -> tuple[str, ...]:
    return controls if extra is None or extra in controls else (*controls, extra)


def _resource_twin(node: Node) -> str:
    if node.op in _ASSIGNS:
        return _ASSIGNS[node.op]
    if node.op == "IsVariableInitialized":
        return "VarIsInitializedOp"
    known = node.op in _SCATTERS | _TWINS | {"CountUpTo"} or node.op.startswith(_OPTIMIZERS)
    twin = f"Resource{node.op}"
    if not known or op_facts.find_op_def(twin) is None:
        raise errors.UnsupportedOpError(
            f"op {node.op!r} changes a V1 variable in a way that TF2 variables do not support",
            node=node.name,
        )
    return twin


def _resource_attrs(node: Node, twin: str) -> dict[str, AttrValue]:
    op_def = op_facts.find_op_def(twin)
    known = {attr.name for attr in op_def.attr} if op_def else set()
    attrs = attributes.only(node.attrs, known)
    if "dtype" in known and "T" in node.attrs:
        attrs["dtype"] = attributes.type_attr(attributes.get_dtype(node, "T"))
    return attrs
