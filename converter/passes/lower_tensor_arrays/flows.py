"""Finds the TensorArray that each op uses.

An array op takes a handle, which names the array, and a flow, a float scalar without meaning that
orders the ops. Both are followed from the op that makes the array through all ops that only pass a
tensor on. The two have to agree, since the flow becomes the list.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from converter import errors
from converter.ir import op_facts
from converter.ir.aliases import ENTRANCES, EXITS, GRADIENT_BARRIERS, forwarded_inputs
from converter.ir.graph import Graph, Node, Nodes, TensorRef
from converter.ir.uses import Uses

CREATION = "TensorArrayV3"
CLOSE = "TensorArrayCloseV3"
WRITES = frozenset({"TensorArrayScatterV3", "TensorArraySplitV3", "TensorArrayWriteV3"})
READS = frozenset(
    {"TensorArrayConcatV3", "TensorArrayGatherV3", "TensorArrayReadV3", "TensorArraySizeV3"}
)
_USES = WRITES | READS | {CLOSE}

# Ops whose outputs are their first input, and Merge, whose first output is one of its inputs.
ALIASES = frozenset({"Identity"}) | ENTRANCES | EXITS | GRADIENT_BARRIERS
PASSED_ON = ALIASES | {"Merge"}


@dataclasses.dataclass(frozen=True, slots=True)
class Arrays:
    """The handles and the flows of a graph.

    Attributes:
      handles: For each tensor that is a handle, the name of the op that makes its array.
      flows: The same for each tensor that is a flow.
    """

    handles: Mapping[TensorRef, str]
    flows: Mapping[TensorRef, str]

    def of(self, node: Node) -> str:
        """The name of the op that makes the array that the array op `node` uses."""
        return node.name if node.op == CREATION else self.handles[node.inputs[0]]


def flow_of(node: Node) -> TensorRef:
    """The flow that an op takes, other than CLOSE, which takes none."""
    return node.inputs[-1]


def find_arrays(graph: Graph) -> Arrays:
    """Follows all handles and flows.

    Raises:
      UnsupportedOpError: if the graph does not say which array an op uses, or does more with a
        handle or flow than pass it on.
    """
    for node in graph.nodes.values():
        _check_version(node)
    uses = Uses(graph.nodes.values())
    creations = [node.name for node in graph.nodes.values() if node.op == CREATION]
    arrays = Arrays(
        handles=_follow(graph.nodes, uses, {TensorRef(name, 0): name for name in creations}),
        flows=_follow(graph.nodes, uses, {TensorRef(name, 1): name for name in creations}),
    )
    for ref in graph.results:
        if ref in arrays.handles or ref in arrays.flows:
            raise errors.UnsupportedOpError(
                "an output is the handle or the flow of a TensorArray", node=ref.node
            )
    for node in graph.nodes.values():
        _check_uses(node, arrays)
    return arrays


def _check_version(node: Node) -> None:
    if node.op in op_facts.TENSOR_ARRAY_GRADIENTS:
        raise errors.UnsupportedOpError(
            f"op {node.op!r}: the module's own graph contains the gradient of a TensorArray",
            node=node.name,
        )
    if node.op in op_facts.TENSOR_ARRAY_OPS - _USES - {CREATION}:
        raise errors.UnsupportedOpError(
            f"op {node.op!r} is of a version that TensorFlow 1.0 replaced",
            node=node.name,
            remedy="Export the module with TensorFlow 1.0 or later.",
        )


def _follow(nodes: Nodes, uses: Uses, sources: Mapping[TensorRef, str]) -> Mapping[TensorRef, str]:
    """Spreads the names of arrays from `sources` to all tensors that stand for them."""
    found: dict[TensorRef, str] = {}
    stack = list(sources.items())
    while stack:
        ref, array = stack.pop()
        if ref not in found:
            found[ref] = array
            for user, position in uses.of(ref):
                stack.extend((made, array) for made in _made_of(nodes[user], position, array))
        elif found[ref] != array:
            raise errors.UnsupportedOpError(
                f"the graph does not say whether TensorArray {found[ref]!r} or {array!r} is used",
                node=ref.node,
            )
    return found


def _made_of(user: Node, position: int, array: str) -> Iterator[TensorRef]:
    """The handles or flows that `user` makes of the one at `position` of its inputs."""
    if user.op in PASSED_ON and position < len(forwarded_inputs(user)):
        yield TensorRef(user.name)
        if user.op == "Switch":
            yield TensorRef(user.name, 1)
    elif user.op in WRITES and position == len(user.inputs) - 1:
        yield TensorRef(user.name)
    elif user.op not in _USES or position not in (0, len(user.inputs) - 1):
        raise errors.UnsupportedOpError(
            f"op {user.op!r} uses the handle or the flow of TensorArray {array!r}, which only"
            " ops on TensorArrays can",
            node=user.name,
        )


def _check_uses(node: Node, arrays: Arrays) -> None:
    if node.op in _USES:
        array = arrays.handles.get(node.inputs[0])
        agrees = node.op == CLOSE or array == arrays.flows.get(flow_of(node))
        known = array is not None and agrees
    elif node.op in PASSED_ON:
        known = all(
            ref in tensors
            for tensors in (arrays.handles, arrays.flows)
            if TensorRef(node.name) in tensors
            for ref in forwarded_inputs(node)
        )
    else:
        return
    if not known:
        raise errors.UnsupportedOpError(
            f"op {node.op!r} has the handle or the flow of no TensorArray, or of two",
            node=node.name,
        )
