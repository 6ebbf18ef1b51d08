"""In which order the items of a region run."""

from __future__ import annotations

import dataclasses
import heapq
from collections.abc import Iterable, Iterator, Sequence

from converter import errors
from converter.ir.graph import TensorRef
from converter.passes.raise_control_flow.guards import Unit, label


class CycleError(errors.UnsupportedOpError):
    """A conditional needs what it gives."""


@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """What becomes an item: a node, a loop, or the units of a conditional.

    Attributes:
      root: One of its units, which names it.
      units: The units that run with it.
      needs: The roots of what it needs.
      position: Where it stands in the graph.
      predicate: For a conditional, what decides which side runs.
      is_plain: Whether it is a node that can be imported with others in one go.
      is_first: Whether the region's results need it.
    """

    root: Unit
    units: tuple[Unit, ...]
    needs: frozenset[Unit]
    position: int
    predicate: TensorRef | None
    is_plain: bool
    is_first: bool


def schedule(work: Iterable[Work]) -> Iterator[Sequence[Work]]:
    """Orders items, with as many plain nodes as possible next to each other.

    All that the results need comes before what only runs for its effect: a session runs update
    ops at any time beside the outputs; this way outputs are those of a call without updates.

    Yields:
      Groups that become one item: conditionals of one predicate that are ready at the same time.

    Raises:
      CycleError: if a conditional needs what it gives.
    """
    work = list(work)
    first = _needed_first(work)
    done: set[Unit] = set()
    yield from _Queue([part for part in work if part.root in first], done).drain()
    yield from _Queue([part for part in work if part.root not in first], done).drain()


def _needed_first(work: Sequence[Work]) -> set[Unit]:
    """The roots of what the results need, and of what that needs."""
    by_root = {part.root: part for part in work}
    first: set[Unit] = set()
    stack = [part.root for part in work if part.is_first]
    while stack:
        root = stack.pop()
        if root not in first:
            first.add(root)
            stack.extend(by_root[root].needs)
    return first


class _Queue:
    """Kahn's algorithm with two queues: all plain nodes that are ready, then all other items."""

    def __init__(self, work: Sequence[Work], done: set[Unit]) -> None:
        self._work = {part.root: part for part in work}
        self._waits_for = {part.root: set(part.needs - done) for part in work}
        self._users: dict[Unit, list[Unit]] = {}
        for root, needs in self._waits_for.items():
            for needed in needs:
                self._users.setdefault(needed, []).append(root)
        self._done = done
        self._plain: list[tuple[int, int, Work]] = []
        self._others: list[Work] = []
        self._left = len(work)
        for part in work:
            if not self._waits_for[part.root]:
                self._push(part)

    def drain(self) -> Iterator[Sequence[Work]]:
        while self._plain or self._others:
            while self._plain:
                part = heapq.heappop(self._plain)[-1]
                yield [part]
                self._finish([part])
            ready, self._others = sorted(self._others, key=lambda part: part.position), []
            for group in _by_predicate(ready):
                yield group
                self._finish(group)
        if self._left:
            stuck = min(
                (part for root, part in self._work.items() if root not in self._done),
                key=lambda part: part.position,
            )
            raise CycleError(
                "a conditional uses a value that depends on its own outputs",
                node=label(stuck.root),
            )

    def _push(self, part: Work) -> None:
        if part.is_plain:
            heapq.heappush(self._plain, (part.position, len(self._plain), part))
        else:
            self._others.append(part)

    def _finish(self, group: Iterable[Work]) -> None:
        for part in group:
            self._done.add(part.root)
            self._left -= 1
            for user in self._users.get(part.root, ()):
                self._waits_for[user].discard(part.root)
                if not self._waits_for[user]:
                    self._push(self._work[user])


def _by_predicate(ready: Sequence[Work]) -> list[list[Work]]:
    """Conditionals of one predicate together, all others by themselves."""
    groups: dict[object, list[Work]] = {}
    for part in ready:
        groups.setdefault(part.root if part.predicate is None else part.predicate, []).append(part)
    return list(groups.values())
