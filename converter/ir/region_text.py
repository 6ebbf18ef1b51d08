"""Regions as text.

    args n, flag
    zero = Const[dtype=int32, value=int32(0)]()
    one = Const[dtype=int32, value=int32(1)]()
    loop counting(i=zero []) -> last, at most n, parallel 1:
      while:
        more = Less[T=int32](i, n)
        return more
      do:
        next = Add[T=int32](i, one)
        return next
    branch flag -> y:
      then:
        return n
      else:
        return last
    return y

Nodes and `return` are as in `text.py`, and inner regions are indented. `args` are those of the
whole computation. A loop is named after its V1 frame; in parentheses stand its carried values,
which are the args of both its regions, with their initial values and shapes. The names after the
arrow are those of the outputs, `_` for a carried value that nothing uses after the loop. More
clauses follow where they hold: `at most` a number or the value of a tensor (`7:0` if that is
named `7`), `parallel` iterations other than 10, `no gradient`, and `^` before what to wait for.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Sequence

from converter.ir.graph import Node, TensorRef
from converter.ir.region import Branch, Carried, Item, Loop, Region
from converter.ir.shape_text import format_shape, parse_shape
from converter.ir.text import format_node, format_ref, parse_node, split

_TITLES: dict[type, tuple[str, str]] = {Loop: ("while", "do"), Branch: ("then", "else")}
_PARALLEL = 10  # TensorFlow's default.
_PLAIN_NAME = re.compile(r"[\w.\-/>]+", re.ASCII)

_LOOP = re.compile(r'loop (?P<name>"(?:\\.|[^"\\])*"|[^\s("]+)\((?P<carried>.*)\)(?P<rest>.*):')
_BRANCH = re.compile(r"branch (?P<predicate>[^\s,]+)(?P<rest>.*):")
_CARRIED = re.compile(r"(?P<name>[^=\s]+)=(?P<initial>\S+) (?P<shape>\[[^\]]*\])(?:, |$)")


def format_region(region: Region, *, abbreviate: bool = False) -> str:
    """Prints a region so that `parse_region` reads it back, unless large values are abbreviated."""
    args = [f"args {', '.join(region.args)}"] if region.args else []
    return "\n".join([*args, *_format_lines(region, abbreviate)]) + "\n"


def _format_lines(region: Region, abbreviate: bool) -> Iterator[str]:
    for item in region.items:
        if isinstance(item, Node):
            yield format_node(item, abbreviate=abbreviate)
            continue
        yield _format_loop(item) if isinstance(item, Loop) else _format_branch(item)
        for title, inner in zip(_TITLES[type(item)], item.regions, strict=True):
            yield f"  {title}:"
            yield from (f"    {line}" for line in _format_lines(inner, abbreviate))
    if region.results:
        yield "return " + ", ".join(map(format_ref, region.results))


def _format_branch(branch: Branch) -> str:
    arrow = f" -> {', '.join(map(format_ref, branch.outputs))}" if branch.outputs else ""
    return f"branch {format_ref(branch.predicate)}{arrow}{_format_waits(branch)}:"


def _format_loop(loop: Loop) -> str:
    name = loop.name if _PLAIN_NAME.fullmatch(loop.name) else json.dumps(loop.name)
    carried = ", ".join(
        f"{value.name}={format_ref(value.initial)} {format_shape(value.shape)}"
        for value in loop.carried
    )
    outputs = ["_" if value.output is None else format_ref(value.output) for value in loop.carried]
    while outputs and outputs[-1] == "_":
        outputs.pop()
    arrow = f" -> {', '.join(outputs)}" if outputs else ""
    limit, parallel = loop.maximum_iterations, loop.parallel_iterations
    clauses = [
        "" if limit is None else f", at most {_format_limit(limit)}",
        "" if parallel == _PARALLEL else f", parallel {parallel}",
        "" if loop.has_gradient else ", no gradient",
        _format_waits(loop),
    ]
    return f"loop {name}({carried}){arrow}{''.join(clauses)}:"


def _format_limit(limit: TensorRef | int) -> str:
    """A tensor whose name could be taken for a number stands with the number of its output."""
    if isinstance(limit, TensorRef) and not limit.node.isdecimal():
        return format_ref(limit)
    return str(limit)


def _format_waits(item: Loop | Branch) -> str:
    return "".join(f", ^{name}" for name in item.control_inputs)


def parse_region(text: str) -> Region:
    """Reads what `format_region` prints. Blank lines and `#` comments are ignored.

    Raises:
      ValueError: if a line is not in the form above, or stands where it cannot.
    """
    lines = [line.rstrip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.lstrip().startswith("#")]
    margin = min((_indent(line) for line in lines), default=0)
    return _Parser([line[margin:] for line in lines]).parse()


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


class _Parser:
    """Reads lines one after the other; each region is as deep as its lines are indented."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._next = 0

    def parse(self) -> Region:
        args: tuple[str, ...] = ()
        if self._lines and self._lines[0].startswith("args "):
            args = tuple(split(self._lines[0].removeprefix("args ")))
            self._next = 1
        region = self._parse_block(0, args)
        if self._next < len(self._lines):
            raise ValueError(f"unexpected line {self._lines[self._next]!r}")
        return region

    def _parse_block(self, indent: int, args: tuple[str, ...] = ()) -> Region:
        items: list[Item] = []
        while self._next < len(self._lines) and _indent(self._lines[self._next]) == indent:
            line = self._lines[self._next].strip()
            self._next += 1
            if line.startswith("return "):
                results = tuple(map(TensorRef.parse, split(line.removeprefix("return "))))
                return Region(args, tuple(items), results)
            if line.startswith("loop ") and line.endswith(":"):
                items.append(self._parse_loop(line, indent))
            elif line.startswith("branch ") and line.endswith(":"):
                items.append(self._parse_branch(line, indent))
            else:
                items.append(parse_node(line))
        return Region(args, tuple(items), ())

    def _parse_inner(self, title: str, indent: int, args: tuple[str, ...] = ()) -> Region:
        if self._next == len(self._lines) or self._lines[self._next] != f"{' ' * indent}{title}:":
            raise ValueError(f"expected '{title}:' after line {self._lines[self._next - 1]!r}")
        self._next += 1
        return self._parse_block(indent + 2, args)

    def _parse_loop(self, line: str, indent: int) -> Loop:
        match = _LOOP.fullmatch(line)
        if match is None:
            raise ValueError(
                f"expected 'loop name(value=initial [shape]) -> output:', found {line!r}"
            )
        outputs, clauses = _split_rest(match["rest"])
        carried = _parse_carried(match["carried"], outputs)
        names = tuple(value.name for value in carried)
        loop = Loop(
            name=json.loads(match["name"]) if match["name"].startswith('"') else match["name"],
            carried=carried,
            predicate=self._parse_inner("while", indent + 2, names),
            body=self._parse_inner("do", indent + 2, names),
        )
        for clause in clauses:
            loop = _with_clause(loop, clause)
        return loop

    def _parse_branch(self, line: str, indent: int) -> Branch:
        match = _BRANCH.fullmatch(line)
        if match is None:
            raise ValueError(f"expected 'branch predicate -> output:', found {line!r}")
        outputs, clauses = _split_rest(match["rest"])
        return Branch(
            predicate=TensorRef.parse(match["predicate"]),
            then=self._parse_inner("then", indent + 2),
            otherwise=self._parse_inner("else", indent + 2),
            outputs=tuple(map(TensorRef.parse, outputs)),
            control_inputs=tuple(name.removeprefix("^") for name in clauses),
        )


def _split_rest(text: str) -> tuple[list[str], list[str]]:
    """The names of outputs, and the clauses after them, which no name looks like."""
    parts = split(text.removeprefix(" -> "))
    clauses = [part for part in parts if " " in part or part.startswith("^")]
    return [part for part in parts if part not in clauses], clauses


def _parse_carried(text: str, outputs: Sequence[str]) -> tuple[Carried, ...]:
    names = [None if name == "_" else TensorRef.parse(name) for name in outputs]
    carried: list[Carried] = []
    position = 0
    while position < len(text):
        match = _CARRIED.match(text, position)
        if match is None:
            raise ValueError(f"expected 'value=initial [shape]', found {text[position:]!r}")
        output = names[len(carried)] if len(carried) < len(names) else None
        initial, shape = TensorRef.parse(match["initial"]), parse_shape(match["shape"])
        carried.append(Carried(match["name"], initial, shape, output))
        position = match.end()
    if len(names) > len(carried):
        raise ValueError(f"a loop with {len(names)} outputs that carries {len(carried)} values")
    return tuple(carried)


def _with_clause(loop: Loop, clause: str) -> Loop:
    if clause == "no gradient":
        return dataclasses.replace(loop, has_gradient=False)
    if clause.startswith("^"):
        return dataclasses.replace(loop, control_inputs=(*loop.control_inputs, clause[1:]))
    word, _, value = clause.rpartition(" ")
    if word == "parallel":
        return dataclasses.replace(loop, parallel_iterations=int(value))
    if word != "at most":
        raise ValueError(f"a loop has no clause {clause!r}")
    limit = int(value) if re.fullmatch(r"-?\d+", value) else TensorRef.parse(value)
    return dataclasses.replace(loop, maximum_iterations=limit)
