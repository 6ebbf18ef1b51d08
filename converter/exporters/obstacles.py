"""The ops of a signature that a format does not have, and the error that names them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from typing import Any

from converter import errors

# Where the nodes of the module lie in the graphs that exporters see.
_SCOPE = re.compile(r"^(?:(?:.*/)?tf1(?:_\d+)?/|(?:(?:Stateful)?PartitionedCall/(?:call/)?)+)")
# No file of another format holds tables, or variables that calls change.
_STATE = re.compile(
    r"LookupTable\w*|Assign\w*Variable\w*|Resource(?:Scatter|Sparse|StridedSlice|Apply)\w*"
)
_MOST_OPS, _MOST_NODES = 8, 3


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Obstacle:
    """An op that cannot be exported, and a node that is one."""

    op: str
    node: str


def find_state_ops(graph_def: Any) -> list[Obstacle]:
    """The ops of a GraphDef and its functions that use tables or change variables."""
    bodies = (graph_def.node, *(function.node_def for function in graph_def.library.function))
    return [Obstacle(n.op, n.name) for body in bodies for n in body if _STATE.fullmatch(n.op)]


def name_of_module(node: str) -> str:
    """The name that a node has in the module, as far as its name in an exported graph tells."""
    return _SCOPE.sub("", node.partition("@")[0])


def refuse(
    signature: str, title: str, obstacles: Iterable[Obstacle], *, open_sizes: bool
) -> errors.UnsupportedOpError:
    """Returns the error that names the ops that an exporter cannot write.

    Args:
      signature: The signature.
      title: The format.
      obstacles: The ops in the way; there is at least one.
      open_sizes: Whether inputs have sizes that could be fixed, which removes some obstacles.
    """
    return errors.UnsupportedOpError(
        f"signature {signature!r} cannot be exported to {title} because of"
        f" {'; '.join(_describe(obstacles))}",
        remedy=advise(open_sizes=open_sizes),
    )


def refuse_state(
    signature: str, title: str, obstacles: Iterable[Obstacle]
) -> errors.UnsupportedOpError:
    """Returns the error that names the ops that use what an exported file does not have."""
    return errors.UnsupportedOpError(
        f"signature {signature!r} cannot be exported to {title}, whose files have no tables and"
        f" keep no variables from call to call, because of {'; '.join(_describe(obstacles))}",
        remedy=advise(open_sizes=False),
    )


def advise(*, open_sizes: bool) -> str:
    """What to do where a signature cannot be exported."""
    fix = "Fix the sizes of its inputs with --shape, or" if open_sizes else "Serve the module, or"
    return f"{fix} export another signature (--signature)."


def _describe(obstacles: Iterable[Obstacle]) -> Iterator[str]:
    nodes: dict[str, dict[str, None]] = {}
    for each in obstacles:
        nodes.setdefault(each.op, {})[name_of_module(each.node)] = None
    for op in sorted(nodes)[:_MOST_OPS]:
        names = [name for name in nodes[op] if name]
        more = [f"and {len(names) - _MOST_NODES} more"] if len(names) > _MOST_NODES else []
        listed = ", ".join([*map(repr, names[:_MOST_NODES]), *more])
        yield f"{op} (at {listed})" if listed else op
    if len(nodes) > _MOST_OPS:
        yield f"and {len(nodes) - _MOST_OPS} other ops"
