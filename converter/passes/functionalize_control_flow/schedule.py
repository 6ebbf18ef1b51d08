"""Orders the items of a region."""

from __future__ import annotations

import dataclasses
import heapq
from collections.abc import Iterable, Iterator, Sequence

from converter import errors
from converter.ir.graph import TensorRef
from converter.passes.functionalize_control_flow.guards import Member, label


class CycleError(errors.UnsupportedOpError):
    """A conditional needs one of its own outputs."""


@dataclasses.dataclass(frozen=True, slots=True)
class PlannedItem:
    """An item to build: a node, a loop, or the members of a conditional.

    Attributes:
      root: One of its members, which names it.
      members: The members that run with it.
      depends_on: The roots of the items that must run before it.
      position: Its place in the graph.
      predicate: For a conditional, the tensor that decides which side runs.
      is_plain: Whether it is a node that can be imported with others in one go.
      feeds_results: Whether the region's results need it.
    """

    root: Member
    members: tuple[Member, ...]
    depends_on: frozenset[Member]
    position: int
    predicate: TensorRef | None
    is_plain: bool
    feeds_results: bool


def schedule(items: Iterable[PlannedItem]) -> Iterator[Sequence[PlannedItem]]:
    """Orders items, with as many plain nodes as possible next to each other.

    Items that the results need come before those that only run for their effect. A session runs
    update ops at any time beside the outputs; in this order, outputs are those of a call without
    updates.

    Yields:
      Groups that become one item: conditionals of one predicate that are ready at the same time.

    Raises:
      CycleError: if a conditional needs one of its own outputs.
    """
    items = list(items)
    early = _needed_by_results(items)
    done: set[Member] = set()
    yield from _ReadyQueue([item for item in items if item.root in early], done).drain()
    yield from _ReadyQueue([item for item in items if item.root not in early], done).drain()


def _needed_by_results(items: Sequence[PlannedItem]) -> set[Member]:
    """The roots of the items that the results need, directly or not."""
    by_root = {item.root: item for item in items}
    needed: set[Member] = set()
    stack = [item.root for item in items if item.feeds_results]
    while stack:
        root = stack.pop()
        if root not in needed:
            needed.add(root)
            stack.extend(by_root[root].depends_on)
    return needed


class _ReadyQueue:
    """Kahn's algorithm with two queues: all plain nodes that are ready, then all other items."""

    def __init__(self, items: Sequence[PlannedItem], done: set[Member]) -> None:
        self._items = {item.root: item for item in items}
        self._blockers = {item.root: set(item.depends_on - done) for item in items}
        self._users: dict[Member, list[Member]] = {}
        for root, blockers in self._blockers.items():
            for blocker in blockers:
                self._users.setdefault(blocker, []).append(root)
        self._done = done
        self._plain: list[tuple[int, int, PlannedItem]] = []
        self._others: list[PlannedItem] = []
        self._left = len(items)
        for item in items:
            if not self._blockers[item.root]:
                self._push(item)

    def drain(self) -> Iterator[Sequence[PlannedItem]]:
        while self._plain or self._others:
            while self._plain:
                item = heapq.heappop(self._plain)[-1]
                yield [item]
                self._finish([item])
            ready, self._others = sorted(self._others, key=lambda item: item.position), []
            for group in _by_predicate(ready):
                yield group
                self._finish(group)
        if self._left:
            stuck = min(
                (item for root, item in self._items.items() if root not in self._done),
                key=lambda item: item.position,
            )
            raise CycleError(
                "a conditional uses a value that depends on its own outputs",
                node=label(stuck.root),
            )

    def _push(self, item: PlannedItem) -> None:
        if item.is_plain:
            heapq.heappush(self._plain, (item.position, len(self._plain), item))
        else:
            self._others.append(item)

    def _finish(self, group: Iterable[PlannedItem]) -> None:
        for item in group:
            self._done.add(item.root)
            self._left -= 1
            for user in self._users.get(item.root, ()):
                self._blockers[user].discard(item.root)
                if not self._blockers[user]:
                    self._push(self._items[user])


def _by_predicate(ready: Sequence[PlannedItem]) -> list[list[PlannedItem]]:
    """Groups conditionals that share a predicate; every other item is a group by itself."""
    groups: dict[object, list[PlannedItem]] = {}
    for item in ready:
        groups.setdefault(item.root if item.predicate is None else item.predicate, []).append(item)
    return list(groups.values())
