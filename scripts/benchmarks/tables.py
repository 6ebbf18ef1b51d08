"""Results as tables: of text, so that a terminal and Markdown show the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks import archives, graphs, start, use, weights
from benchmarks.goals import Goal

NOTHING = "-"
_WIDTH_OF_FILES = 170


@dataclasses.dataclass(frozen=True)
class Table:
    """Columns of text; the first is aligned to the left, the others to the right.

    Attributes:
      title: What it shows, and in which unit.
      columns: The titles of the columns.
      rows: As many texts each.
      remarks: What is said below it.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    remarks: tuple[str, ...] = ()

    def to_markdown(self) -> str:
        """The table in Markdown."""
        rule = ["---", *("---:" for _ in self.columns[1:])]
        lines = [f"| {' | '.join(row)} |" for row in (self.columns, rule, *self.rows)]
        remarks = [f"- {remark}" for remark in self.remarks]
        return "\n".join([f"**{self.title}**", "", *lines, *([""] if remarks else []), *remarks])


def print_tables(tables: Sequence[Table]) -> None:
    """Prints tables on the terminal, or wide enough into a file."""
    import rich.console
    import rich.table

    console = rich.console.Console()
    if not console.is_terminal:
        console = rich.console.Console(width=_WIDTH_OF_FILES)
    for table in tables:
        shown = rich.table.Table(title=table.title)
        for index, column in enumerate(table.columns):
            shown.add_column(column, justify="right" if index else "left", no_wrap=not index)
        for row in table.rows:
            shown.add_row(*row)
        console.print(shown)
        for remark in table.remarks:
            console.print(remark, markup=False, highlight=False)


# The ladders.


def weights_table(judged: Sequence[weights.Judged]) -> Table:
    """Seconds of whole processes, and what goes with the weights."""
    names = (weights.CP, weights.CONVERTED, weights.LINKED, weights.PEER)
    return Table(
        "Weights: seconds of a process, and memory above that for the smallest module",
        (
            "weights",
            *names,
            f"{weights.CP}: CPU s",
            f"{weights.CONVERTED}: CPU s",
            *_goal_titles(judged),
            "MiB above smallest",
            f"{weights.PEER}: MiB above smallest",
        ),
        tuple(
            (
                format_mib(one.row.mib),
                *(_number(one.row.median(name), ".2f") for name in names),
                *(_number(one.row.cpu(n), ".2f") for n in (weights.CP, weights.CONVERTED)),
                *_goal_cells(judged, one.goals),
                _number(one.memory_above_smallest(weights.CONVERTED), ",.0f"),
                _number(one.memory_above_smallest(weights.PEER), ",.0f"),
            )
            for one in judged
        ),
        _remarks((f"{format_mib(one.row.mib)}, {{}}", one.row.errors) for one in judged),
    )


def archives_table(rows: Sequence[archives.Row]) -> Table:
    """Seconds of whole processes, and peak memory, beside unpacking by hand."""
    names = (archives.ARCHIVE, archives.BY_HAND)
    return Table(
        "Archives: seconds of processes, and memory above that of unpacking by hand",
        ("archive", "MiB", *names, *_goal_titles(rows)),
        tuple(
            (
                row.suffix,
                _number(row.archive_mib, ",.0f"),
                *(_number(row.median(name), ".2f") for name in names),
                *_goal_cells(rows, row.goals),
            )
            for row in rows
        ),
        _remarks((f"{row.suffix}, {{}}", row.errors) for row in rows),
    )


def graph_tables(rows: Sequence[graphs.Row]) -> list[Table]:
    """Seconds against the peer, and seconds by stage."""
    return [_graph_table(rows), _stage_table(rows)]


def _graph_table(rows: Sequence[graphs.Row]) -> Table:
    names = (graphs.CONVERTED, graphs.PEER)
    return Table(
        "Graphs: seconds from after the imports, and what the result is",
        (
            "graph",
            "variables",
            *names,
            *(f"{name}: CPU s" for name in names),
            *_goal_titles(rows),
            *(f"{name}: KiB of graph" for name in names),
            "load converted",
            "hub.load original",
        ),
        tuple(
            (
                _graph_name(row),
                f"{row.variables:,}",
                *(_number(row.seconds.get(name), ".2f") for name in names),
                *(_number(row.cpu_seconds.get(name), ".2f") for name in names),
                *_goal_cells(rows, row.goals),
                *(_number(row.graph_bytes.get(name), ",.0f", 1024) for name in names),
                *(_number(row.load_seconds.get(name), ".2f") for name in names),
            )
            for row in rows
        ),
        _remarks((f"{_graph_name(row)}, {{}}", row.errors) for row in rows),
    )


def _stage_table(rows: Sequence[graphs.Row]) -> Table:
    stages = tuple(rows[0].stages) if rows else ()
    return Table(
        "Graphs: where the seconds of a conversion go",
        ("graph", *stages),
        tuple(
            (_graph_name(row), *(_number(row.stages.get(stage), ".2f") for stage in stages))
            for row in rows
        ),
    )


def _graph_name(row: graphs.Row) -> str:
    return f"{row.nodes:,} nodes, {row.family}"


def use_table(rows: Sequence[use.Row]) -> Table:
    """Milliseconds of each side, and ratios to V1."""
    sides = (use.V1, use.CONVERTED, use.HUB)
    return Table(
        "Use: milliseconds of a forward pass and of a training step",
        (
            "model",
            *(f"forward: {side}" for side in sides),
            *(f"step: {side}" for side in sides),
            *_goal_titles(rows),
        ),
        tuple(
            (
                row.model,
                *(_number(row.forward.seconds.get(side), ",.1f", 1e-3) for side in sides),
                *(_number(row.step.seconds.get(side), ",.1f", 1e-3) for side in sides),
                *_goal_cells(rows, row.goals),
            )
            for row in rows
        ),
        (
            *(f"{row.model}: {row.error}" for row in rows if row.error),
            *_remarks((f"{row.model}, forward, {{}}", row.forward.errors) for row in rows),
            *_remarks((f"{row.model}, step, {{}}", row.step.errors) for row in rows),
        ),
    )


def start_table(rows: Sequence[start.Row]) -> Table:
    """Seconds of whole processes that end soon."""
    return Table(
        "Start: seconds of a process",
        ("case", "wall", "CPU", *_goal_titles(rows)),
        tuple(
            (
                row.case,
                *(_number(row.seconds.get(clock), ".2f") for clock in ("wall", "cpu")),
                *_goal_cells(rows, row.goals),
            )
            for row in rows
        ),
        tuple(f"{row.case}: {row.error}" for row in rows if row.error),
    )


# Cells.


def format_mib(mib: int) -> str:
    """A size: `100 MiB`, `4 GiB`."""
    return f"{mib // 1024} GiB" if mib and mib % 1024 == 0 else f"{mib} MiB"


def _number(value: float | None, form: str, unit: float = 1.0) -> str:
    return NOTHING if value is None else format(value / unit, form)


def _goals_of(rows: Sequence[Any]) -> list[Goal]:
    """The goals that the ladder has, whatever their values."""
    return max((row.goals for row in rows), key=len, default=[])


def _goal_titles(rows: Sequence[Any]) -> list[str]:
    """What each goal is of, and its limits, which may differ from row to row."""
    columns = zip(*(row.goals for row in rows if row.goals), strict=True)
    return [
        f"{column[0].what} ≤ {' or '.join(f'{n:g}' for n in sorted({g.limit for g in column}))}"
        for column in columns
    ]


def _goal_cells(rows: Sequence[Any], goals: Sequence[Goal]) -> list[str]:
    return [_goal_cell(goal) for goal in goals] or [NOTHING] * len(_goals_of(rows))


def _goal_cell(goal: Goal) -> str:
    if goal.value is None:
        return NOTHING
    form = ".0e" if 0.0 < abs(goal.value) < 0.005 else ",.2f"
    return f"{goal.value:{form}} {goal.mark}"


def _remarks(errors: Iterable[tuple[str, Mapping[str, str]]]) -> tuple[str, ...]:
    """`where`, with the contestant's name filled in, and the reason; equal reasons once."""
    found = {}
    for where, reasons in errors:
        for name, reason in reasons.items():
            found.setdefault((name, reason), where.format(name))
    return tuple(f"{where}: {reason}" for (_, reason), where in found.items())
