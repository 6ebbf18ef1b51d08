"""The tables that graphs use, and the library functions that come with a gradient.

Graphs refer to both by pseudo-ops. Those that only a table, a loss or a gradient uses are compiled
as well.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from converter import errors
from converter.compile.custom_gradients import CustomGradient, compile_custom_gradient
from converter.compile.lowering import Lowering
from converter.compile.refusals import Refusals
from converter.compile.tables import TableGraphs, compile_table
from converter.compile.variants import Tags
from converter.ir import attributes
from converter.ir.graph import CUSTOM_GRADIENT_OP, TABLE_OP, Program
from converter.ir.region import Region


@dataclasses.dataclass(frozen=True, slots=True)
class Definitions:
    """The definitions that the graphs of a module use, by tag set and name.

    Attributes:
      tables: The tables, by the node that creates them.
      gradients: The functions that come with a gradient, by the function's name.
    """

    tables: Mapping[tuple[Tags, str], TableGraphs]
    gradients: Mapping[tuple[Tags, str], CustomGradient]


@dataclasses.dataclass(frozen=True, slots=True)
class _Use:
    """A pseudo-op of a graph of a variant: its op and its key."""

    tags: Tags
    op: str
    key: str


@dataclasses.dataclass(frozen=True, slots=True)
class _Dependencies:
    """The definitions that a definition uses.

    Attributes:
      all: All of them.
      first: Those that must exist before it, so that there may be no circle.
    """

    all: tuple[_Use, ...]
    first: tuple[_Use, ...]


class DefinitionCompiler:
    """Compiles the definitions that graphs use, each when it is first required.

    Args:
      lowering: Runs the passes.
      refusals: Collects the errors.
    """

    def __init__(self, lowering: Lowering, refusals: Refusals) -> None:
        self._lowering = lowering
        self._refusals = refusals
        self._tables: dict[tuple[Tags, str], TableGraphs] = {}
        self._gradients: dict[tuple[Tags, str], CustomGradient] = {}
        self._compiled: dict[_Use, _Dependencies | errors.ConversionError] = {}

    @property
    def definitions(self) -> Definitions:
        """All definitions compiled so far."""
        return Definitions(self._tables, self._gradients)

    def require(self, region: Region, program: Program, part: str) -> None:
        """Compiles all definitions that `region` uses, directly or not.

        Args:
          region: A graph after all passes.
          program: The graph variant that it comes from.
          part: The part of the module that is refused if one of them is.
        """
        seen: dict[_Use, None] = {}
        waiting = list(_find_uses(region, program))
        while waiting:
            use = waiting.pop()
            if use in seen:
                continue
            seen[use] = None
            found = self._get(use, program)
            if isinstance(found, errors.ConversionError):
                table = [f"table {use.key!r}"] if use.op == TABLE_OP else []
                self._refusals.add(found, part, *table)
            else:
                waiting.extend(found.all)
        with self._refusals.collected(part):
            for use in seen:
                self._check_no_circle(use, ())

    def _get(self, use: _Use, program: Program) -> _Dependencies | errors.ConversionError:
        if use not in self._compiled:
            try:
                self._compiled[use] = self._compile(use, program)
            except errors.ConversionError as error:
                self._compiled[use] = error
        return self._compiled[use]

    def _compile(self, use: _Use, program: Program) -> _Dependencies:
        if use.op == TABLE_OP:
            table = compile_table(program, use.key, self._lowering)
            self._tables[use.tags, use.key] = table
            uses = tuple(u for region in table.regions for u in _find_uses(region, program))
            return _Dependencies(all=uses, first=uses)
        function = compile_custom_gradient(program, use.key, self._lowering)
        self._gradients[use.tags, use.key] = function
        # A gradient may call its own function, as that of the exponential does.
        first = tuple(_find_uses(function.forward, program))
        return _Dependencies(all=(*first, *_find_uses(function.backward, program)), first=first)

    def _check_no_circle(self, use: _Use, users: tuple[_Use, ...]) -> None:
        if use in users:
            what = "is filled from" if use.op == TABLE_OP else "calls"
            kind = "table" if use.op == TABLE_OP else "function"
            raise errors.FormatError(f"{kind} {use.key!r} {what} itself")
        found = self._compiled.get(use)
        if isinstance(found, _Dependencies):
            for needed in found.first:
                self._check_no_circle(needed, (*users, use))


def _find_uses(region: Region, program: Program) -> Iterator[_Use]:
    """The tables and the functions with gradients that `region` uses."""
    for node in region.nodes():
        if node.op in (TABLE_OP, CUSTOM_GRADIENT_OP):
            yield _Use(program.tags, node.op, attributes.get_key(node))
