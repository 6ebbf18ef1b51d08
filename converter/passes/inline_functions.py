"""Replaces each call of a library function by the function's body.

TensorFlow can crash when a function library is imported inside of a trace, and a body that is
part of the graph can be rewritten like the rest. A call of a function that has a gradient
function stays, as `_CustomGradient`.

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
from collections.abc import Iterator, Mapping

from converter import errors
from converter.ir import op_facts, query, serde
from converter.ir.graph import (
    CUSTOM_GRADIENT_OP,
    AttrValue,
    Graph,
    Node,
    Program,
    TensorRef,
)

# A library of a few functions that call each other twice grows without bound.
MAX_NODES = 1_000_000
MAX_DEPTH = 100


def inline_functions(graph: Graph, program: Program) -> Graph:
    """Inlines all calls, and the calls in their bodies.

    Raises:
      UnsupportedOpError: if an op that is no call takes a function.
      FormatError: if a function calls itself, calls are nested too deeply, or the result would
        have over a million nodes.
    """
    if not any(_callee(node, program) for node in graph.nodes.values()):
        _check_no_function_attrs(graph)
        return graph
    inliner = _Inliner(program)
    inlined = query.drop_dead(inliner.inline(graph))
    _check_no_function_attrs(inlined)
    return inlined


def _callee(node: Node, program: Program) -> tuple[str, Mapping[str, AttrValue]] | None:
    """The library function that `node` calls and the attributes it gives, or None."""
    if node.op in program.functions:
        return node.op, node.attrs
    if node.op in op_facts.CALL_OPS and "f" in node.attrs:
        return node.attrs["f"].func.name, dict(node.attrs["f"].func.attr)
    return None


def _check_no_function_attrs(graph: Graph) -> None:
    for node in graph.nodes.values():
        for key, value in node.attrs.items():
            if value.HasField("func") or value.list.func:
                raise errors.UnsupportedOpError(
                    f"op {node.op!r} takes a function in attribute {key!r}, which cannot be"
                    " carried over yet",
                    node=node.name,
                )


class _Inliner:
    """Inlines calls depth first, so that each body is made of plain nodes when it is placed."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._count = 0
        self._stack: list[str] = []

    def inline(self, graph: Graph) -> Graph:
        nodes: dict[str, Node] = {}
        renamed: dict[TensorRef, TensorRef] = {}
        targets = list(graph.targets)
        for node in graph.nodes.values():
            call = _callee(node, self._program)
            if call is None:
                self._place(nodes, node)
                continue
            if call[0] in self._program.gradients:
                self._place(nodes, self._kept_call(node, *call))
                continue
            body = self._body(node, *call)
            for inner in body.nodes.values():
                self._place(nodes, inner)
            for index, ref in enumerate(body.results):
                renamed[TensorRef(node.name, index)] = ref
            targets += [] if node.name in targets or not body.targets else [node.name]
        placed = {
            name: dataclasses.replace(node, inputs=query.resolve(node.inputs, renamed))
            for name, node in nodes.items()
        }
        results = query.resolve(graph.results, renamed)
        return dataclasses.replace(graph, nodes=placed, results=results, targets=tuple(targets))

    def _place(self, nodes: dict[str, Node], node: Node) -> None:
        self._count += 1
        if self._count > MAX_NODES:
            raise errors.FormatError(f"inlined, the graph has more than {MAX_NODES} nodes")
        nodes[node.name] = node

    def _body(self, call: Node, name: str, attrs: Mapping[str, AttrValue]) -> Graph:
        """The body of one call: its nodes renamed, its arguments replaced by the call's inputs.

        A NoOp with the call's name stands for "the call is done" in control edges.
        """
        function = self._get_function(call, name)
        if name in self._stack or len(self._stack) >= MAX_DEPTH:
            problem = "calls itself" if name in self._stack else f"is over {MAX_DEPTH} calls deep"
            raise errors.FormatError(f"function {name!r} {problem}", node=call.name)
        self._stack.append(name)
        body = self.inline(serde.graph_from_function_def(function, self._program.functions, attrs))
        self._stack.pop()
        _check_arguments(call, name, body)
        given = {TensorRef(arg): ref for arg, ref in zip(body.args, call.inputs, strict=True)}
        inner = {node.name: node for node in _renamed_body(body, call, given)}
        results = tuple(_rename_ref(ref, call.name, given) for ref in body.results)
        done = {f"{call.name}/{target}" for target in body.targets}
        done |= {ref.node for ref in results if ref.node in inner}
        # A body that only passes arguments on has nothing that waits for what the call waits for.
        controls = tuple(sorted(done)) or call.control_inputs
        inner[call.name] = Node(call.name, "NoOp", control_inputs=controls)
        return dataclasses.replace(body, nodes=inner, results=results, targets=body.targets)

    def _get_function(self, call: Node, name: str) -> object:
        function = self._program.functions.get(name)
        if function is None:
            raise errors.FormatError(f"function {name!r} is not in the library", node=call.name)
        return function

    def _kept_call(self, call: Node, name: str, attrs: Mapping[str, AttrValue]) -> Node:
        """The call as a node of its own, so that it keeps the gradient that the exporter gave."""
        function = self._get_function(call, name)
        body = serde.graph_from_function_def(function, self._program.functions, attrs)
        _check_arguments(call, name, body)
        kept = {"key": serde.string_attr(name), "outputs": serde.int_attr(len(body.results))}
        return dataclasses.replace(call, op=CUSTOM_GRADIENT_OP, attrs=kept)


def _check_arguments(call: Node, name: str, body: Graph) -> None:
    if len(body.args) != len(call.inputs):
        raise errors.FormatError(
            f"function {name!r} takes {len(body.args)} arguments, the call gives"
            f" {len(call.inputs)}",
            node=call.name,
        )


def _renamed_body(body: Graph, call: Node, given: Mapping[TensorRef, TensorRef]) -> Iterator[Node]:
    args = set(body.args)
    for node in body.nodes.values():
        if node.name in args:
            continue
        controls = tuple(f"{call.name}/{c}" for c in node.control_inputs if c not in args)
        if not any(source not in args for source in node.input_nodes()):
            controls += tuple(c for c in call.control_inputs if c not in controls)
        yield dataclasses.replace(
            node,
            name=f"{call.name}/{node.name}",
            inputs=tuple(_rename_ref(ref, call.name, given) for ref in node.inputs),
            control_inputs=controls,
        )


def _rename_ref(ref: TensorRef, call: str, given: Mapping[TensorRef, TensorRef]) -> TensorRef:
    return given.get(ref) or TensorRef(f"{call}/{ref.node}", ref.index)
