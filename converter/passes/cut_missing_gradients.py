"""Confines ops without a gradient, so that what is beside them can be trained.

`tf.gradients` of TF1 asks for the gradients of ops between the weights and the loss alone. A
function of TensorFlow 2 is differentiated as a whole, by all of its inputs, and fails with `No
gradient defined for operation` when one op anywhere between an input and an output has none:
preprocessing of images in front of the weights is enough, or an output that is for looking at
(source: `_TapeGradientFunctions` in python/eager/polymorphic_function/concrete_function.py).

Where no trainable variable is in front of such an op, no gradient of TF1 comes to it, and here
none passes it. Elsewhere, the op becomes one with a gradient that fails if it is needed.

Before:
    w = _VariableValue[key="w"]()
    x = _Arg[T=float]()
    delta = Const[dtype=float, value=float(0.1)]()
    hue = AdjustHue[T=float](x, delta)
    y = Mul[T=float](hue, w)
    look = AdjustHue[T=float](y, delta)
    return y, look

After:
    w = _VariableValue[key="w"]()
    x = _Arg[T=float]()
    delta = Const[dtype=float, value=float(0.1)]()
    hue = AdjustHue[T=float](x, delta)
    hue/stopped = StopGradient[T=float](hue)
    y = Mul[T=float](hue/stopped, w)
    look = AdjustHue[T=float, _gradient_op_type="tf1hub/missing"](y, delta)
    return y, look
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Iterator

from converter import tf_private
from converter.ir import attributes, gradient_overrides, op_facts, tf1_gradients
from converter.ir.graph import (
    ARG_OP,
    BOUND_OPS,
    VARIABLE_OP,
    VARIABLE_VALUE_OP,
    Graph,
    Node,
    Program,
    TensorRef,
)
from converter.ir.rewrite import GraphEditor
from converter.ir.uses import Uses


def cut_missing_gradients(graph: Graph, program: Program) -> Graph:
    """Stops gradients, or makes them fail when they are used, at ops that have none."""
    missing = [node for node in graph.nodes.values() if _lacks_gradient(node)]
    if not missing:
        return graph
    uses = Uses(graph.nodes.values())
    arguments = [node for node in graph.nodes.values() if node.op == ARG_OP]
    below_arguments = _find_differentiated(graph, uses, arguments)
    below_trainable = _find_differentiated(graph, uses, _trainable_reads(graph, program))
    editor = GraphEditor(graph)
    names = list(graph.nodes)
    following = dict(zip(names, [*names[1:], None], strict=True))
    for node in missing:
        if node.name in below_trainable:
            # Whether an effect happens may not depend on a function around it.
            if not op_facts.has_effect(node.op):
                editor.replace(_with_missing_gradient(node))
        elif node.name in below_arguments:
            _stop(editor, node, following[node.name])
    return editor.finish()


def _lacks_gradient(node: Node) -> bool:
    """Whether gradients can come to a node that cannot pass them on."""
    if node.op in BOUND_OPS or op_facts.is_called(node) or not _has_no_gradient(node.op):
        return False
    takes, gives = map(set, op_facts.dtypes(node))
    if op_facts.HANDLES & (takes | gives):
        return False
    return bool(op_facts.DIFFERENTIABLE & takes) and bool(op_facts.DIFFERENTIABLE & gives)


@functools.cache
def _has_no_gradient(op: str) -> bool:
    if op in tf1_gradients.NOT_DIFFERENTIABLE:
        return False
    if op == "PreventGradient":  # Has one, which fails.
        return True
    try:
        tf_private.find_gradient(op)
    except LookupError:
        return True
    return False


def _trainable_reads(graph: Graph, program: Program) -> Iterator[Node]:
    trainable = {spec.name for spec in program.variables.values() if spec.trainable}
    for node in graph.nodes.values():
        if node.op in (VARIABLE_OP, VARIABLE_VALUE_OP) and attributes.get_key(node) in trainable:
            yield node


def _find_differentiated(graph: Graph, uses: Uses, sources: Iterable[Node]) -> set[str]:
    """The nodes through which tensors that depend on `sources` may lead gradients back to them."""
    found: set[str] = set()
    stack = [ref for node in sources for ref in _carriers(node)]
    while stack:
        for use in uses.of(stack.pop()):
            if use.node not in found:
                found.add(use.node)
                stack += _carriers(graph.nodes[use.node])
    return found


def _carriers(node: Node) -> list[TensorRef]:
    """The outputs of a node through which gradients may come."""
    if node.op in BOUND_OPS:
        return [TensorRef(node.name)]
    if node.op in tf1_gradients.NOT_DIFFERENTIABLE:
        return []
    _, gives = op_facts.dtypes(node)
    return [
        TensorRef(node.name, i)
        for i, dtype in enumerate(gives)
        if dtype in op_facts.CARRY_GRADIENTS
    ]


def _with_missing_gradient(node: Node) -> Node:
    override = attributes.string_attr(gradient_overrides.MISSING)
    return dataclasses.replace(node, attrs={**node.attrs, gradient_overrides.ATTRIBUTE: override})


def _stop(editor: GraphEditor, node: Node, anchor: str | None) -> None:
    """Lets no gradient come to the outputs of a node."""
    _, gives = op_facts.dtypes(node)
    for index, dtype in enumerate(gives):
        if dtype in op_facts.DIFFERENTIABLE:
            output = TensorRef(node.name, index)
            stopped = editor.fresh(f"{node.name}/stopped")
            editor.replace_uses({output: TensorRef(stopped)})
            attrs = {"T": attributes.type_attr(dtype)}
            editor.insert_before(anchor, Node(stopped, "StopGradient", (output,), attrs=attrs))
