"""What pseudo-ops stand for: tables, and functions that come with gradients of their own.

Each is lowered once, before anything is traced: also those that only the filling of a table, a
loss or a gradient uses.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping

from converter import errors
from converter.compile.custom_gradients import CustomGradient, make_custom_gradient
from converter.compile.refusals import Refusals
from converter.compile.table_graphs import TableGraphs, make_table_graphs
from converter.ir.graph import CUSTOM_GRADIENT_OP, TABLE_OP, Program
from converter.ir.region import Region

Tags = frozenset[str]


@dataclasses.dataclass(frozen=True, slots=True)
class Definitions:
    """What the graphs of a module use, by tag set and name.

    Attributes:
      tables: The tables, by the node that makes them.
      gradients: The functions with gradients of their own, by the function's name.
    """

    tables: Mapping[tuple[Tags, str], TableGraphs]
    gradients: Mapping[tuple[Tags, str], CustomGradient]


@dataclasses.dataclass(frozen=True, slots=True)
class _Use:
    """A pseudo-op of a graph: its op and its key."""

    op: str
    key: str


class DefinitionsMaker:
    """Makes the definitions that graphs use, each when it is first required.

    Args:
      refusals: Where to note what cannot be made.
    """

    def __init__(self, refusals: Refusals) -> None:
        self._refusals = refusals
        self._tables: dict[tuple[Tags, str], TableGraphs] = {}
        self._gradients: dict[tuple[Tags, str], CustomGradient] = {}
        self._refused: dict[tuple[Tags, _Use], errors.ConversionError] = {}
        # What each needs to be there first, for the search of circles, and all that it uses.
        self._needs: dict[tuple[Tags, _Use], list[_Use]] = {}
        self._uses: dict[tuple[Tags, _Use], list[_Use]] = {}

    def finish(self) -> Definitions:
        """All definitions made."""
        return Definitions(self._tables, self._gradients)

    def require(self, region: Region, program: Program, part: str) -> None:
        """Makes all that `region` uses; what is refused is noted, too, for `part` of the module."""
        seen: dict[_Use, None] = {}
        waiting = list(_find_uses(region))
        while waiting:
            use = waiting.pop()
            if use in seen:
                continue
            seen[use] = None
            error = self._make(program, use)
            if error is not None:
                own = [f"table {use.key!r}"] if use.op == TABLE_OP else []
                self._refusals.add(error, part, *own)
            waiting.extend(self._uses.get((program.tags, use), ()))
        with self._refusals.collected(part):
            for use in seen:
                self._check_no_circle(program.tags, use, ())

    def _make(self, program: Program, use: _Use) -> errors.ConversionError | None:
        """Makes one definition, if it is not there; returns why it cannot be made."""
        owner = (program.tags, use)
        if owner not in self._uses and owner not in self._refused:
            try:
                _MAKERS[use.op](self, program, use)
            except errors.ConversionError as error:
                self._refused[owner] = error
        return self._refused.get(owner)

    def _make_table(self, program: Program, use: _Use) -> None:
        made = make_table_graphs(program, use.key)
        uses = [u for region in made.regions for u in _find_uses(region)]
        self._tables[program.tags, use.key] = made
        self._needs[program.tags, use] = self._uses[program.tags, use] = uses

    def _make_gradient(self, program: Program, use: _Use) -> None:
        made = make_custom_gradient(program, use.key)
        self._gradients[program.tags, use.key] = made
        # A gradient may call its own function, as that of the exponential does.
        needs = list(_find_uses(made.forward))
        self._needs[program.tags, use] = needs
        self._uses[program.tags, use] = [*needs, *_find_uses(made.backward)]

    def _check_no_circle(self, tags: Tags, use: _Use, users: tuple[_Use, ...]) -> None:
        if use in users:
            what = "is filled from" if use.op == TABLE_OP else "calls"
            kind = "table" if use.op == TABLE_OP else "function"
            raise errors.FormatError(f"{kind} {use.key!r} {what} itself")
        for needed in self._needs.get((tags, use), ()):
            self._check_no_circle(tags, needed, (*users, use))


_MAKERS: Mapping[str, Callable[[DefinitionsMaker, Program, _Use], None]] = {
    TABLE_OP: DefinitionsMaker._make_table,  # noqa: SLF001
    CUSTOM_GRADIENT_OP: DefinitionsMaker._make_gradient,  # noqa: SLF001
}


def _find_uses(region: Region) -> Iterator[_Use]:
    """The tables and functions with gradients that `region` uses."""
    for node in region.nodes():
        if node.op in _MAKERS:
            yield _Use(node.op, node.attrs["key"].s.decode())
