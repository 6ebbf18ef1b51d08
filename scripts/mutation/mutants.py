"""Finds the faults that can be put into a file, and puts one in."""

from __future__ import annotations

import ast
import collections
import dataclasses
import itertools
import operator
import pathlib
import random
from collections.abc import Iterator, Sequence

from mutation.operators import OPERATORS

# What changes nothing, or nothing but the text of an error.
_LEFT_ALONE = (ast.JoinedStr, ast.Import, ast.ImportFrom, ast.arguments, ast.Global)
_FIELDS_LEFT_ALONE = {"annotation", "returns", "decorator_list", "bases", "exc", "msg"}


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One fault in one file.

    Attributes:
      path: The file.
      number: Of all faults in the file, which one.
      line: Where it is.
      what: Its kind.
      before: The code without it.
      after: The code with it.
    """

    path: pathlib.Path
    number: int
    line: int
    what: str
    before: str
    after: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line} [{self.number}]"
        return f"{place} {self.what}\n    - {self.before}\n    + {self.after}"


def find_mutants(path: pathlib.Path) -> list[Mutant]:
    """All faults that can be put into a file."""
    return [
        Mutant(path, number, fault.line, fault.what, *fault.show())
        for number, fault in enumerate(_faults(ast.parse(path.read_bytes())))
    ]


def mutate(path: pathlib.Path, number: int) -> ast.Module:
    """The syntax tree of a file with one of its faults."""
    tree = ast.parse(path.read_bytes())
    next(itertools.islice(_faults(tree), number, None)).put_in()
    return ast.fix_missing_locations(tree)


def sample(paths: Sequence[pathlib.Path], count: int, seed: int) -> list[Mutant]:
    """Draws faults: of each file as many as its share of all lines, on as many lines as can be."""
    chance = random.Random(seed)
    found = {path: _spread(find_mutants(path), chance) for path in sorted(paths)}
    lines = {path: len(path.read_bytes().splitlines()) for path in found}
    drawn: list[Mutant] = []
    left, lines_left = count, sum(lines.values())
    for path, mutants in found.items():
        share = round(left * lines[path] / lines_left)
        drawn += mutants[:share]
        left, lines_left = left - len(mutants[:share]), lines_left - lines[path]
    return drawn


def _spread(mutants: Sequence[Mutant], chance: random.Random) -> list[Mutant]:
    """In random order, one of each line before the second of any."""
    mutants = chance.sample(mutants, len(mutants))
    seen: collections.Counter[int] = collections.Counter()
    ranks = []
    for mutant in mutants:
        ranks.append(seen[mutant.line])
        seen[mutant.line] += 1
    return [m for _, m in sorted(zip(ranks, mutants, strict=True), key=operator.itemgetter(0))]


@dataclasses.dataclass(frozen=True)
class _Fault:
    parent: ast.AST
    field: str
    place: int | None
    node: ast.AST
    other: ast.AST
    what: str

    @property
    def line(self) -> int:
        # A comprehension has no line of its own.
        return getattr(self.node, "lineno", 0) or getattr(self.parent, "lineno", 0)

    def put_in(self) -> None:
        ast.copy_location(self.other, self.node)
        if self.place is None:
            setattr(self.parent, self.field, self.other)
        else:
            getattr(self.parent, self.field)[self.place] = self.other

    def show(self) -> tuple[str, str]:
        """The old and the new code, in a line each."""
        one, other = ast.unparse(self.node), ast.unparse(self.other)
        return " ".join(one.split())[:160], " ".join(other.split())[:160]


def _faults(tree: ast.Module) -> Iterator[_Fault]:
    for parent, field, place, node in _slots(tree):
        for find in OPERATORS:
            for other, what in find(node):
                yield _Fault(parent, field, place, node, other, what)


def _slots(parent: ast.AST) -> Iterator[tuple[ast.AST, str, int | None, ast.AST]]:
    """Every node that may be exchanged, by its parent, the field there and the place in it."""
    for field, value in ast.iter_fields(parent):
        if field in _FIELDS_LEFT_ALONE:
            continue
        for place, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(node, ast.AST) and not isinstance(node, _LEFT_ALONE):
                yield parent, field, place, node
                if not _is_text(node):
                    yield from _slots(node)


def _is_text(node: ast.AST) -> bool:
    """A docstring, which is a statement."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
