"""Which of some nodes each node of a graph needs, found for all nodes at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from converter.ir import query
from converter.ir.graph import Nodes, TensorRef


class Needs:
    """The marked nodes that each node needs, itself included, over any number of edges.

    It answers many questions in the time of a few of `query.reachable`, which walks the graph for
    each.

    Args:
      nodes: The graph.
      marked: The names of some nodes.
      is_cut: Data edges that do not count.
    """

    def __init__(
        self,
        nodes: Nodes,
        marked: Iterable[str],
        is_cut: Callable[[TensorRef], bool] = lambda _: False,
    ) -> None:
        # A set of marked nodes is a number, with a bit for each.
        self._found = {name: 1 << bit for bit, name in enumerate(dict.fromkeys(marked))}
        self._bits = dict(self._found)
        order = query.topological_order(nodes) if self._found else []
        sources = {
            name: (*(r.node for r in nodes[name].inputs if not is_cut(r)),
                   *nodes[name].control_inputs)
            for name in order
        }  # fmt: skip
        changed = True
        while changed:  # Once more for each level of loops, along their back edges.
            changed = False
            for name, needed in sources.items():
                known = self._found.get(name, 0)
                found = known | self._of(needed)
                if found != known:
                    self._found[name] = found
                    changed = True

    def needs(self, name: str, marked: str) -> bool:
        """Whether node `name` needs the node `marked`, which is one of those marked."""
        return bool(self._found.get(name, 0) & self._bits[marked])

    def need_more(self, names: Iterable[str], others: Iterable[str]) -> bool:
        """Whether the nodes `names` need a marked node that `others` do not need."""
        return bool(self._of(names) & ~self._of(others))

    def needed_by_others(self) -> set[str]:
        """The marked nodes that other marked nodes need."""
        found = 0
        for name, bit in self._bits.items():
            found |= self._found[name] & ~bit
        return {name for name, bit in self._bits.items() if found & bit}

    def _of(self, names: Iterable[str]) -> int:
        found = 0
        for name in names:
            found |= self._found.get(name, 0)
        return found
