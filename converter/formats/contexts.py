"""Contexts of control flow in a MetaGraph: what V1's gradients know of loops and conditionals."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Iterator
from typing import Any

from tensorflow.core.protobuf import control_flow_pb2

from converter import errors
from converter.ir.graph import Nodes


def find_loops_without_gradient(contexts: Iterable[Any], nodes: Nodes) -> Iterator[str]:
    """Yields the frames of loops that V1 does not differentiate.

    Args:
      contexts: `WhileContextDef` and `CondContextDef` messages (source: control_flow.proto), which
        may nest others.
      nodes: The nodes of the graph.

    Raises:
      FormatError: if a context is one of which V1 takes wrong gradients without an error.
    """
    remaining = list(contexts)
    while remaining:
        context = remaining.pop()
        _check_context(context)
        if isinstance(context, control_flow_pb2.CondContextDef):
            _check_branch(context, nodes)
        else:
            _check_exits(context, nodes)
            if not context.back_prop:
                yield context.context_name
        for nested in context.nested_contexts:
            which = nested.WhichOneof("ctxt")
            remaining += [getattr(nested, which)] if which else []


def _check_context(context: Any) -> None:
    """Checks that a context lists nothing twice: V1's gradients are wrong then, without an error.

    Raises:
      FormatError: if it does.
    """
    lists = [context.values_def.values]
    if isinstance(context, control_flow_pb2.WhileContextDef):
        lists += [context.loop_enter_names, context.loop_exit_names]
    for names in lists:
        for name, count in collections.Counter(names).items():
            if count > 1:
                raise errors.FormatError(
                    f"the context of a loop or conditional lists a tensor {count} times",
                    node=name.rpartition(":")[0] or name,
                )


def _check_exits(context: Any, nodes: Nodes) -> None:
    """Checks that each exit of a loop's context is one: V1 takes no gradient through others.

    Raises:
      FormatError: if it is not.
    """
    for name in context.loop_exit_names:
        node = nodes.get(name.partition(":")[0])
        if node is None or node.op not in ("Exit", "RefExit"):
            raise errors.FormatError(
                f"the context of a loop lists {name!r} as an exit, but no Exit node has that name",
                node=context.context_name,
            )


def _check_branch(context: Any, nodes: Nodes) -> None:
    """Checks that a context is of the branch that its pivot, an output of a Switch, belongs to.

    V1's gradients follow the context, and calls the Switch.

    Raises:
      FormatError: if it is not.
    """
    pivot = nodes.get(context.pivot_name.partition(":")[0])
    switch = pivot.inputs[0] if pivot is not None and pivot.inputs else None
    source = nodes.get(switch.node) if switch is not None else None
    if switch is None or source is None or source.op not in ("Switch", "RefSwitch"):
        return
    if switch.index != context.branch:
        raise errors.FormatError(
            f"the context of a conditional names branch {context.branch}, but its pivot is in"
            " branch"
            f" {switch.index}",
            node=context.pivot_name.partition(":")[0],
        )
