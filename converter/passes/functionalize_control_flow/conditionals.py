"""Groups the members of a region into conditionals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from converter.passes.functionalize_control_flow.guards import Member


def find_components(
    ends: Sequence[Member],
    sources: Callable[[Member], Iterable[Member]],
    is_shared: Callable[[Member], bool] | None = None,
) -> list[list[Member]]:
    """Groups each end of a conditional with all members that lead to it.

    Args:
      ends: The members that end conditionals.
      sources: Returns the members inside of conditionals that a member needs.
      is_shared: Whether ends that need a member belong to one conditional. Without it, they
        always do; a member that is not shared may be part of several conditionals.

    Returns:
      The members of each conditional. No end is in two of them.
    """
    groups = _DisjointSets(ends)
    owners: dict[Member, Member] = {}
    members: dict[Member, dict[Member, None]] = {end: {} for end in ends}
    for end in ends:
        stack: list[Member] = [end]
        while stack:
            member = stack.pop()
            if member in members[end]:
                continue
            if is_shared is None or is_shared(member):
                groups.join(owners.setdefault(member, end), end)
            if is_shared is None and owners[member] != end:
                continue  # Its owner has the members that lead to it.
            members[end][member] = None
            stack += sources(member)
    return groups.merged(members)


class _DisjointSets:
    """Disjoint sets of ends, by union and find."""

    def __init__(self, ends: Iterable[Member]) -> None:
        self._parents = {end: end for end in ends}

    def join(self, one: Member, other: Member) -> None:
        """Unites the sets of two ends."""
        self._parents[self._root(other)] = self._root(one)

    def merged(self, parts: Mapping[Member, Iterable[Member]]) -> list[list[Member]]:
        """Returns for each set the parts of all its ends, without repetition."""
        found: dict[Member, dict[Member, None]] = {}
        for end, part in parts.items():
            found.setdefault(self._root(end), {}).update(dict.fromkeys(part))
        return [list(members) for members in found.values()]

    def _root(self, end: Member) -> Member:
        while self._parents[end] != end:
            self._parents[end] = self._parents[self._parents[end]]
            end = self._parents[end]
        return end
