"""Which units a conditional runs together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from converter.passes.raise_control_flow.guards import Unit


def find_components(
    ends: Sequence[Unit],
    inner_sources: Callable[[Unit], Iterable[Unit]],
    is_shared: Callable[[Unit], bool] | None = None,
) -> list[list[Unit]]:
    """Puts units into conditionals: each end with all units that lead to it.

    Args:
      ends: Where conditionals end.
      inner_sources: For a unit, those units of conditionals that it needs.
      is_shared: Whether the ends that need a unit belong together. All units are shared if it is
        not given; a unit that is not shared may be part of several conditionals.

    Returns:
      The units of each conditional. No end is in two of them.
    """
    groups = _Groups(ends)
    owners: dict[Unit, Unit] = {}
    units: dict[Unit, dict[Unit, None]] = {end: {} for end in ends}
    for end in ends:
        stack: list[Unit] = [end]
        while stack:
            unit = stack.pop()
            if unit in units[end]:
                continue
            if is_shared is None or is_shared(unit):
                groups.join(owners.setdefault(unit, end), end)
            if is_shared is None and owners[unit] != end:
                continue  # What leads to it is with its owner.
            units[end][unit] = None
            stack += inner_sources(unit)
    return groups.merged(units)


class _Groups:
    """Disjoint sets, by union and find."""

    def __init__(self, members: Iterable[Unit]) -> None:
        self._parents = {member: member for member in members}

    def join(self, one: Unit, other: Unit) -> None:
        """Puts the sets of two members together."""
        self._parents[self._root(other)] = self._root(one)

    def merged(self, parts: Mapping[Unit, Iterable[Unit]]) -> list[list[Unit]]:
        """The parts of all members of each set, together, each once."""
        found: dict[Unit, dict[Unit, None]] = {}
        for member, part in parts.items():
            found.setdefault(self._root(member), {}).update(dict.fromkeys(part))
        return [list(units) for units in found.values()]

    def _root(self, member: Unit) -> Unit:
        while self._parents[member] != member:
            self._parents[member] = self._parents[self._parents[member]]
            member = self._parents[member]
        return member
