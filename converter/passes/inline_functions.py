"""Replaces each call of a library function by the function's body.

TensorFlow can crash when a function library is imported inside of a trace, and a body that is
part of the graph can be rewritten like the rest. A call of a function that has a gradient
function remains, as `_CustomGradient`. If, Case and While become V1 control flow around the bodies
of their functions (`functional_ops`), which a later pass functionalizes.

Before, with `square(x) { y = Mul(x, x); return y }` in the library:
    a = _Arg[T=float]()
    call = square(a, ^a)
    out = Neg[T=float](call, ^call)
    return out

After:
    a = _Arg[T=float]()
    call/y = Mul[T=float](a, a, ^a)
    call = NoOp(^call/y)
    out = Neg[T=float](call/y, ^call)
    return out
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

from tensorflow.core.framework import attr_value_pb2

from converter import errors, limits
from converter.ir import attributes, gradient_overrides, op_facts, query, serde
from converter.ir.graph import (
    CUSTOM_GRADIENT_OP,
    AttrValue,
    FunctionDef,
    Graph,
    Node,
    Program,
    TensorRef,
)
from converter.ir.rewrite import GraphEditor
from converter.passes.functional_ops.lower_conditional import lower_case, lower_if
from converter.passes.functional_ops.lower_while import lower_while
from converter.passes.functional_ops.place_body import (
    Body,
    Placed,
    Scopes,
    check_body,
    has_v1_loops,
    in_its_loop,
    place_call,
)
from converter.passes.functional_ops.v1_effects import (
    has_v1_control_flow,
    hold_results,
    wait_outside,
)
from converter.passes.inlined_size import check_inlined_size

_LOWERINGS: Mapping[str, Callable[..., Placed]] = {
    "Case": lower_case,
    "If": lower_if,
    "StatelessCase": lower_case,
    "StatelessIf": lower_if,
    "StatelessWhile": lower_while,
    "While": lower_while,
}


@dataclasses.dataclass(frozen=True, slots=True)
class _Callee:
    """A library function that a node calls, and the attributes that it gives."""

    name: str
    attrs: Mapping[str, AttrValue]


def inline_functions(graph: Graph, program: Program) -> Graph:
    """Inlines all calls, and the calls in their bodies.

    Raises:
      UnsupportedOpError: if another op takes a function.
      FormatError: if a function is not there or does not fit its call, calls itself, calls are
        nested too deeply, or the result would have over a million nodes.
    """
    if not any(_callees(node, program) for node in graph.nodes.values()):
        _check_no_function_attrs(graph)
        return graph
    check_inlined_size(graph, program)
    # Variables and assets are known by their nodes' names: a body must not get one of those.
    inlined = _Inliner(program).inline(graph, program.nodes.values())
    targets = tuple(dict.fromkeys((*graph.targets, *inlined.targets)))
    inlined = query.drop_dead(dataclasses.replace(inlined, targets=targets))
    _check_no_function_attrs(inlined)
    return inlined


def _callees(node: Node, program: Program) -> list[_Callee]:
    if node.op in program.functions:
        return [_Callee(node.op, node.attrs)]
    callees = []
    for key in op_facts.FUNCTION_ATTRS.get(node.op, ()):
        value = node.attrs.get(key) or attr_value_pb2.AttrValue()
        functions = value.list.func if key == "branches" else [value.func][: value.HasField("func")]
        if not functions:
            raise errors.FormatError(
                f"op {node.op!r} lacks a function in attribute {key!r}", node=node.name
            )
        callees += [_Callee(function.name, dict(function.attr)) for function in functions]
    return callees


def _check_no_function_attrs(graph: Graph) -> None:
    for node in graph.nodes.values():
        for key, value in node.attrs.items():
            if attributes.functions_in(value):
                raise errors.UnsupportedOpError(
                    f"op {node.op!r} takes a function in attribute {key!r}, which the"
                    " converter does not support",
                    node=node.name,
                )


def _check_own_gradient(call: Node) -> None:
    """Checks that a call or functional control flow has its natural gradient.

    An unresolved name does not matter: TensorFlow 1.15 then differentiates the function,
    as it does after loading for the `PartitionedCall-12` of a `tf.function`.
    """
    override = gradient_overrides.override_of(call)
    if override is not None and not gradient_overrides.is_unresolved(call):
        raise errors.UnsupportedOpError(
            f"the gradient of op {call.op!r} is overridden by that of {override!r}, which cannot"
            " be carried over for a function",
            node=call.name,
            remedy="Export the module without this override.",
        )


class _Inliner:
    """Inlines calls depth first, so that each body has only plain nodes when it is placed."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._stack: list[str] = []
        # A body is inlined once for all calls with the same attributes: calls can double at each
        # level.
        self._inlined: dict[Hashable, Graph] = {}

    def inline(self, graph: Graph, others: Iterable[Node] = ()) -> Graph:
        """Inlines the calls in `graph`; names of `others` are not given to new nodes.

        The targets of the result are those of `graph` that are not calls, and the calls that
        have an effect.
        """
        scopes = Scopes((*graph.nodes.values(), *others))
        editor = GraphEditor(graph)
        renamed: dict[TensorRef, TensorRef] = {}
        acts: dict[str, bool] = {}
        is_v1, loops = has_v1_control_flow(graph), has_v1_loops(graph)
        for node in graph.nodes.values():
            callees = _callees(node, self._program)
            if callees and self._has_gradient(node, callees[0]):
                editor.replace(self._kept_call(node, callees[0]))
            elif callees:
                call = in_its_loop(node, graph) if loops else node
                placed = self._expand(call, callees, scopes.open(node.name), is_v1)
                self._place(editor, call, placed)
                refs = enumerate(placed.results)
                renamed.update((TensorRef(node.name, i), ref) for i, ref in refs)
                acts[node.name] = bool(placed.targets)
        editor.replace_uses(renamed)
        targets = [name for name in graph.targets if acts.get(name, True)]
        acting = tuple(name for name in acts if acts[name] and name not in targets)
        targets += wait_outside(dataclasses.replace(graph, targets=acting)).targets
        return dataclasses.replace(editor.finish(), targets=tuple(dict.fromkeys(targets)))

    def _place(self, editor: GraphEditor, call: Node, placed: Placed) -> None:
        """Puts nodes in the place of `call`, and a NoOp that waits until the call is done."""
        for node in placed.nodes.values():
            editor.insert_before(call.name, node)
        done = {ref.node for ref in placed.results if ref.node in placed.nodes}
        # A body that only passes arguments on has nothing that waits for what the call waits for.
        controls = tuple(sorted(done.union(placed.targets))) or call.control_inputs
        editor.replace(Node(call.name, "NoOp", control_inputs=controls))

    def _expand(self, call: Node, callees: Sequence[_Callee], scope: str, is_v1: bool) -> Placed:
        """The nodes that stand for `call`."""
        _check_own_gradient(call)
        bodies = [self._body(call, callee) for callee in callees]
        placed = self._lowering(call.op)(call, scope, *bodies)
        return hold_results(placed, scope, bodies[-1].dtypes) if is_v1 else placed

    def _lowering(self, op: str) -> Callable[..., Placed]:
        is_plain_call = op in self._program.functions
        return place_call if is_plain_call else _LOWERINGS.get(op, place_call)

    def _body(self, call: Node, callee: _Callee) -> Body:
        name, function = callee.name, self._get_function(call, callee.name)
        if name in self._stack or len(self._stack) >= limits.MAX_CALL_DEPTH:
            too_deep = f"is over {limits.MAX_CALL_DEPTH} calls deep"
            problem = "calls itself" if name in self._stack else too_deep
            raise errors.FormatError(f"function {name!r} {problem}", node=call.name)
        body = self._inlined_body(function, callee)
        if self._lowering(call.op) is place_call:
            # TensorFlow 1.15 differentiates it in C++ (SymbolicGradient), blind to overrides.
            override = gradient_overrides.ATTRIBUTE
            body = query.map_nodes(body, lambda node: query.without_attr(node, override))
        signature = function.signature
        dtypes = (op_facts.arg_dtypes(arg, signature, callee.attrs) for arg in signature.output_arg)
        return Body(name, body, tuple(itertools.chain.from_iterable(dtypes)))

    def _inlined_body(self, function: FunctionDef, callee: _Callee) -> Graph:
        attrs = callee.attrs.items()
        given = sorted((key, value.SerializeToString(deterministic=True)) for key, value in attrs)
        key = (callee.name, tuple(given))
        if key not in self._inlined:
            self._stack.append(callee.name)
            self._inlined[key] = self.inline(wait_outside(self._read(function, callee)))
            self._stack.pop()
        return self._inlined[key]

    def _get_function(self, call: Node, name: str) -> FunctionDef:
        function = self._program.functions.get(name)
        if function is None:
            raise errors.FormatError(f"function {name!r} is not in the library", node=call.name)
        return function

    def _read(self, function: FunctionDef, callee: _Callee) -> Graph:
        body = serde.graph_from_function_def(function, self._program.functions, callee.attrs)
        query.reachable(body.nodes, body.nodes)  # All edges lead somewhere.
        query.topological_order(body.nodes)  # There are no cycles.
        return body

    def _has_gradient(self, call: Node, callee: _Callee) -> bool:
        """Whether differentiating `call` would call a function of the library.

        TensorFlow differentiates the bodies of control flow, whatever gradients they have.
        """
        return callee.name in self._program.gradients and self._lowering(call.op) is place_call

    def _kept_call(self, call: Node, callee: _Callee) -> Node:
        """The call as one node, which keeps the gradient that the exporter gave it."""
        body = self._read(self._get_function(call, callee.name), callee)
        check_body(call, Body(callee.name, body, ()), len(call.inputs))
        outputs = attributes.int_attr(len(body.results))
        kept = {"key": attributes.string_attr(callee.name), "outputs": outputs}
        return dataclasses.replace(call, op=CUSTOM_GRADIENT_OP, attrs=kept)
