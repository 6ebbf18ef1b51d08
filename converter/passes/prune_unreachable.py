"""Cuts the computation of one call out of a program.

What the caller feeds becomes an argument, whatever made it in the graph (a placeholder, a
constant, one output of a split). What neither results nor targets need is gone.

Before:
    x = Placeholder[dtype=float]()
    unused = Placeholder[dtype=float]()
    y = Neg[T=float](x, ^x)
    z = Neg[T=float](unused)

After, with `x` fed as `inputs` and `y` returned:
    inputs = _Arg[T=float]()
    y = Neg[T=float](inputs)
    return y
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence

from converter import errors
from converter.ir import attributes, op_facts, query
from converter.ir.graph import ARG_OP, Graph, Node, Nodes, Program, TensorRef
from converter.ir.uses import Uses

PLACEHOLDERS = frozenset({"Placeholder", "PlaceholderV2"})


@dataclasses.dataclass(frozen=True, slots=True)
class Feed:
    """One tensor that the caller gives: its argument's name and its `DataType`."""

    name: str
    dtype: int


def prune_unreachable(
    program: Program,
    feeds: Mapping[TensorRef, Feed],
    results: Sequence[TensorRef],
    targets: Sequence[str] = (),
    what: str = "the computation",
) -> Graph:
    """Returns the computation of `results` and `targets` from `feeds`.

    Args:
      program: The graph variant.
      feeds: The tensors that the caller gives, in call order.
      results: The tensors to return.
      targets: The ops to run for their effect.
      what: The computation, as errors name it: `signature 'default'`.

    Raises:
      ConversionError: if a result needs a placeholder that is not fed.
      FormatError: if an edge leads nowhere.
    """
    for ref in (*feeds, *results):
        query.get_node(program.nodes, ref.node)
    roots = [ref.node for ref in results if ref not in feeds] + list(targets)
    cut = _cut_controls(program.nodes, feeds)
    needed = query.reachable(cut, roots, is_cut=feeds.__contains__)
    taken = set(needed)
    fed = {ref: TensorRef(query.claim_name(feed.name, taken)) for ref, feed in feeds.items()}
    args = {
        fed[ref].node: Node(fed[ref].node, ARG_OP, attrs={"T": attributes.type_attr(feed.dtype)})
        for ref, feed in feeds.items()
    }
    body = {
        name: dataclasses.replace(node, inputs=tuple(fed.get(ref, ref) for ref in node.inputs))
        for name, node in cut.items()
        if name in needed
    }
    _check_fed(body, what)
    return Graph(
        nodes=args | body,
        args=tuple(args),
        results=tuple(fed.get(ref, ref) for ref in results),
        targets=tuple(targets),
        producer=program.producer,
    )


def _cut_controls(nodes: Nodes, feeds: Collection[TensorRef]) -> Nodes:
    """Drops control edges from fed nodes that have no effect.

    A session drops those from fed placeholders, which could not run.
    """
    waited_for = {control for node in nodes.values() for control in node.control_inputs}
    fed = {ref.node for ref in feeds if ref.node in waited_for}
    cut = {name for name in fed if nodes[name].op in PLACEHOLDERS or not _acts(nodes, name)}
    return {name: query.not_after(node, cut) for name, node in nodes.items()}


def _acts(nodes: Nodes, name: str) -> bool:
    """Whether running the node, and what it needs, has an effect."""
    return any(op_facts.has_effect(nodes[n].op) for n in query.reachable(nodes, [name]))


def _check_fed(nodes: Nodes, what: str) -> None:
    for node in nodes.values():
        if node.op in PLACEHOLDERS:
            raise errors.ConversionError(
                f"{what} depends on a placeholder that it does not feed",
                node=node.name,
                remedy=f"TF1 cannot run {what} either: export the module without it.",
            )


def needing_placeholders(program: Program, feeds: Collection[TensorRef]) -> set[str]:
    """The names of all nodes that cannot run when only `feeds` are given."""
    nodes = _cut_controls(program.nodes, feeds)
    uses = Uses(_without_inputs(node, feeds) for node in nodes.values())
    unfed = [node.name for node in nodes.values() if node.op in PLACEHOLDERS]
    return uses.followers(unfed).union(unfed)


def _without_inputs(node: Node, refs: Collection[TensorRef]) -> Node:
    kept = tuple(ref for ref in node.inputs if ref not in refs)
    return node if kept == node.inputs else dataclasses.replace(node, inputs=kept)
