"""Finds the nodes that wait for an effect inside of a V1 loop or conditional.

What runs after a call must not wait for a node that may not run at all, or run many times: it
waits for the Merge or the Exit by which control leaves the place.

Before, in the body of a function:
    p = _Arg[T=bool]()
    s = _Arg[T=string]()
    switch = Switch[T=string](s, p)
    shown = PrintV2(switch:1)
    yes = Identity[T=string](switch:1, ^shown)
    no = Identity[T=string](switch)
    merge = Merge[N=2, T=string](no, yes)
    return s
    target shown

After:
    p = _Arg[T=bool]()
    s = _Arg[T=string]()
    switch = Switch[T=string](s, p)
    shown = PrintV2(switch:1)
    yes = Identity[T=string](switch:1, ^shown)
    no = Identity[T=string](switch)
    merge = Merge[N=2, T=string](no, yes)
    return s
    target merge
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from converter.ir import attributes, op_facts, query
from converter.ir.graph import Graph, Node, TensorRef
from converter.ir.needs import Needs
from converter.ir.uses import Uses
from converter.passes.functional_ops.place_body import Placed

_EXITS = ("Exit", "RefExit")
_MERGES = ("Merge", "RefMerge")
_BACK_EDGES = ("NextIteration", "RefNextIteration")


def has_v1_control_flow(graph: Graph) -> bool:
    """Whether parts of the graph may run never, or many times."""
    return any(node.op in op_facts.V1_CONTROL_FLOW for node in graph.nodes.values())


def wait_outside(body: Graph) -> Graph:
    """Moves each target to the last Merges and Exits that follow it, if any do.

    A target outside of all loops and conditionals may be moved too: what follows it has not
    run before it has.
    """
    if not body.targets or not has_v1_control_flow(body):
        return body
    uses = Uses(body.nodes.values())
    ends = {name for name, node in body.nodes.items() if _is_end(body, node)}
    last = ends - Needs(body.nodes, ends).needed_by_others()
    targets = [end for target in body.targets for end in _ends_after(uses, last, target)]
    return dataclasses.replace(body, targets=tuple(dict.fromkeys(targets)))


def hold_results(placed: Placed, scope: str, dtypes: Sequence[int]) -> Placed:
    """Makes the results of a call wait for its effects.

    So the Merge or the Exit that a result leads to waits for them too.
    """
    if not placed.targets:
        return placed
    held = [
        Node(
            query.unique_name(f"{scope}/result_{i}", placed.nodes),
            "Identity",
            (ref,),
            placed.targets,
            {"T": attributes.type_attr(dtype)},
        )
        for i, (ref, dtype) in enumerate(zip(placed.results, dtypes, strict=True))
    ]
    nodes = {**placed.nodes, **{node.name: node for node in held}}
    return Placed(nodes, tuple(TensorRef(node.name) for node in held), placed.targets)


def _is_end(body: Graph, node: Node) -> bool:
    """Whether control leaves a loop or a conditional at `node`."""
    if node.op in _EXITS:
        return True
    sources = (body.nodes[ref.node].op for ref in node.inputs)
    return node.op in _MERGES and not any(op in _BACK_EDGES for op in sources)


def _ends_after(uses: Uses, last: set[str], target: str) -> list[str]:
    return sorted(uses.followers([target]) & last) or [target]
