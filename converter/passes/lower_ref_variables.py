"""Turns V1 ref variables into resource variables.

A ref is both a variable and its value. Here the two are told apart: ops that change the
variable take its handle, and every use of the value becomes a read, placed where V1 looks at
the value: just before its user runs. An op that returns the changed ref is read after itself;
no gradient leads through it, in V1 and here.

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

from converter import errors
from converter.ir import attributes, op_facts, query
from converter.ir.graph import AttrValue, Graph, Node, Program, TensorRef

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
      after: The op after which to look at it.
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
      UnsupportedOpError: if an op changes a ref in a way that resource variables lack.
    """
    del program
    if not any(node.op in op_facts.REF_VARIABLES for node in graph.nodes.values()):
        return graph
    return _Lowering(graph).run()


class _Lowering:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._nodes: dict[str, Node] = {}
        self._refs: dict[TensorRef, _Ref] = {}
        self._taken = set(graph.nodes)
        self._changed: set[str] = set()
        self._carried: dict[str, str] = {}  # Variables that a loop carries, and where.

    def run(self) -> Graph:
        for name in query.topological_order(self._graph.nodes):
            self._lower(self._graph.nodes[name])
        for variable in self._carried.keys() & self._changed:
            raise errors.UnsupportedOpError(
                f"a loop carries V1 variable {variable!r}, which the call changes, by reference",
                node=self._carried[variable],
            )
        results = tuple(self._result(ref) for ref in self._graph.results)
        return query.drop_dead(dataclasses.replace(self._graph, nodes=self._nodes, results=results))

    def _lower(self, node: Node) -> None:
        if node.op in op_facts.REF_VARIABLES:
            self._lower_variable(node)
        elif node.op in op_facts.REF_CONTROL_FLOW:
            self._lower_control_flow(node)
        elif self._changes_no_variable(node):
            raise errors.UnsupportedOpError(
                f"op {node.op!r} changes something that is no variable", node=node.name
            )
        elif not any(ref in self._refs for ref in node.inputs):
            self._add(node)
        elif node.op == "Identity":
            self._add_read(node.name, self._refs[node.inputs[0]], node.control_inputs)
        elif node.op == "RefIdentity":
            self._lower_ref_identity(node)
        elif any(op_facts.takes_ref(node, position) for position in range(len(node.inputs))):
            self._lower_change(node)
        else:
            self._add(self._with_values(node))

    def _add(self, node: Node) -> None:
        self._nodes[node.name] = node

    def _lower_variable(self, node: Node) -> None:
        kept = {key: value for key, value in node.attrs.items() if key in ("dtype", "shape")}
        self._add(Node(node.name, "VarHandleOp", attrs=kept))
        dtype = attributes.type_attr(attributes.get_dtype(node, "dtype"))
        self._refs[TensorRef(node.name)] = _Ref(node.name, TensorRef(node.name), dtype)

    def _lower_ref_identity(self, node: Node) -> None:
        ref = self._refs[node.inputs[0]]
        self._add(Node(node.name, "NoOp", control_inputs=_join(node.control_inputs, ref.after)))
        self._refs[TensorRef(node.name)] = dataclasses.replace(ref, after=node.name)

    def _lower_control_flow(self, node: Node) -> None:
        """Steers the handle, or the value where two meet."""
        plain = dataclasses.replace(node, op=node.op.removeprefix("Ref"))
        ref = self._refs.get(node.inputs[0])
        if plain.op == "Merge":
            self._note_carried(node)
        if plain.op == "Merge" or ref is None:
            self._add(self._with_values(plain))
            return
        if plain.op == "NextIteration":
            raise errors.UnsupportedOpError(
                "a loop carries a V1 variable by reference", node=node.name
            )
        attrs = attributes.without(node.attrs, attributes.INFERRED_SHAPES)
        attrs["T"] = attributes.type_attr(op_facts.DT_RESOURCE)
        self._add(dataclasses.replace(plain, inputs=(ref.handle, *node.inputs[1:]), attrs=attrs))
        for index in range(op_facts.output_count(node) or 0):
            output = TensorRef(node.name, index)
            self._refs[output] = dataclasses.replace(ref, handle=output)

    def _note_carried(self, node: Node) -> None:
        """Notes a variable that a loop carries: its value, if the call does not change it."""
        if any(self._graph.nodes[ref.node].op.endswith("NextIteration") for ref in node.inputs):
            for ref in node.inputs:
                if ref in self._refs:
                    self._carried[self._refs[ref].variable] = node.name

    def _changes_no_variable(self, node: Node) -> bool:
        return any(
            op_facts.takes_ref(node, position) and ref not in self._refs
            for position, ref in enumerate(node.inputs)
        )

    def _lower_change(self, node: Node) -> None:
        ref = self._refs.get(node.inputs[0])
        if ref is None:
            raise errors.UnsupportedOpError(
                f"op {node.op!r} changes something that is no variable", node=node.name
            )
        lowered = self._with_values(node)
        controls = lowered.control_inputs
        for position, source in enumerate(node.inputs):
            if op_facts.takes_ref(node, position):
                controls = _join(controls, self._refs[source].after)
        self._add(
            dataclasses.replace(
                lowered,
                op=_resource_twin(node),
                attrs=_resource_attrs(node),
                control_inputs=controls,
            )
        )
        if node.op not in ("CountUpTo", "IsVariableInitialized"):
            self._changed.add(ref.variable)
            changed = dataclasses.replace(ref, after=node.name, changed=True)
            self._refs[TensorRef(node.name)] = changed

    def _with_values(self, node: Node) -> Node:
        """The node with its refs replaced: by handles where it takes refs, else by reads."""
        reads: dict[TensorRef, TensorRef] = {}
        others = self._changes_and_others(node)
        inputs = []
        for position, source in enumerate(node.inputs):
            ref = self._refs.get(source)
            if ref is None:
                inputs.append(source)
            elif op_facts.takes_ref(node, position):
                inputs.append(ref.handle)
            else:
                if source not in reads:
                    name = self._unique(f"{node.name}/read")
                    self._add_read(name, ref, (*node.control_inputs, *others))
                    reads[source] = TensorRef(name)
                inputs.append(reads[source])
        return dataclasses.replace(node, inputs=tuple(inputs))

    def _changes_and_others(self, node: Node) -> list[str]:
        """What must run before the node: V1 looks at all of its refs only then."""
        if node.op in op_facts.V1_CONTROL_FLOW:
            return []  # Such a node runs with any one of its inputs, or copies it at once.
        sources = node.inputs
        others = [source.node for source in sources if source not in self._refs]
        changes = [self._refs[source].after for source in sources if source in self._refs]
        return others + [name for name in changes if name is not None]

    def _add_read(self, name: str, ref: _Ref, controls: tuple[str, ...]) -> None:
        """Adds a node called `name` that is the variable's value once `controls` have run."""
        read = self._unique(f"{name}/value") if ref.changed else name
        self._add(
            Node(
                read,
                "ReadVariableOp",
                inputs=(ref.handle,),
                control_inputs=_join(tuple(dict.fromkeys(controls)), ref.after),
                attrs={"dtype": ref.dtype},
            )
        )
        if ref.changed:
            self._add(Node(name, "StopGradient", (TensorRef(read),), attrs={"T": ref.dtype}))

    def _unique(self, wanted: str) -> str:
        return query.claim_name(wanted, self._taken)

    def _result(self, source: TensorRef) -> TensorRef:
        ref = self._refs.get(source)
        if ref is None:
            return source
        name = self._unique(f"{source.node}/result")
        self._add_read(name, ref, ())
        return TensorRef(name)


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
            f"op {node.op!r} changes a V1 variable in a way that TF2 variables lack",
            node=node.name,
        )
    return twin


def _resource_attrs(node: Node) -> dict[str, AttrValue]:
    twin = op_facts.find_op_def(_resource_twin(node))
    known = {attr.name for attr in twin.attr} if twin else set()
    attrs = {key: value for key, value in node.attrs.items() if key in known}
    if "dtype" in known and "T" in node.attrs:
        attrs["dtype"] = attributes.type_attr(attributes.get_dtype(node, "T"))
    return attrs
