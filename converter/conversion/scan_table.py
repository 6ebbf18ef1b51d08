"""Prints the report of a scan as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from converter.display.console import Console, escape
from converter.display.tables import count_left, make_table
from converter.quantities import count
from converter.safety.findings import Finding, list_places

if TYPE_CHECKING:
    from converter.conversion.scan import ScanReport

_MANY = 30  # Rows of a table; further ones are only counted.
_STYLES = {"high": "bold red", "medium": "yellow", "low": "", "info": "dim"}


def print_report(
    report: ScanReport, console: Console, *, list_all: bool = False, more: str = ""
) -> None:
    """Prints a report.

    Args:
      report: The report.
      console: Where to print it.
      list_all: Whether to list all findings, and the notes.
      more: What lists them, for the line that counts those left out.
    """
    if report.findings:
        limit = None if list_all else _MANY
        print_findings(report.findings, console, limit, more=more)
    if list_all and report.notes:
        print_findings(report.notes, console, None)
    parts = [count(report.graphs, "graph"), count(report.functions, "function")]
    if report.nested_graphs:
        parts.insert(1, count(report.nested_graphs, "nested graph"))
    nodes = count(report.nodes, "node")
    console.print(f"Looked at {nodes} of {', '.join(parts[:-1])} and {parts[-1]}.")
    if report.notes:
        console.print(f"{_explain_notes(report)}{more and f'; {more}'}.", soft_wrap=True)
    counts = ", ".join(f"{n} {level}" for level, n in report.count_findings().items())
    total = count(len(report.findings), "finding")
    console.print(f"{total}: {counts}." if counts else "Nothing found.")


def print_findings(
    findings: Sequence[Finding],
    console: Console,
    limit: int | None,
    title: str | None = None,
    more: str = "",
) -> None:
    """Prints findings as a table of at most `limit` rows."""
    table = make_table("severity", "op", "where", "runs at", "what", title=title)
    for finding in findings[:limit]:
        table.add_row(
            Text(finding.severity, style=_STYLES[finding.severity]),
            escape(finding.op),
            "\n".join(map(escape, list_places(finding))),
            ", ".join(finding.runs) or "never",
            escape(f"{finding.kind}: {finding.reason}"),
        )
    if limit is not None and len(findings) > limit:
        table.add_row("", count_left(len(findings) - limit, more), "", "", "")
    console.print(table)


def _explain_notes(report: ScanReport) -> str:
    number = len(report.notes)
    verb = "reads or writes" if number == 1 else "read or write"
    return f"{count(number, 'op')} of savers {verb} nothing but checkpoints"
