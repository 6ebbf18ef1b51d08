"""Findings: what is not plainly safe in a SavedModel, how bad it is, and what would run it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

import msgspec

Severity: TypeAlias = Literal["info", "low", "medium", "high"]
Occasion: TypeAlias = Literal["conversion", "load", "call", "training", "save"]
# From harmless to dangerous.
SEVERITIES: tuple[Severity, ...] = ("info", "low", "medium", "high")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something in a SavedModel that is not plainly safe, or that looks like it.

    Attributes:
      severity: How bad it would be; "info" if it does no harm.
      kind: The class of the op, as in the table of ops.
      op: The op type, or what else it is.
      reason: What it can do, and why it is judged as it is; completes "The op …".
      file: The file that holds it.
      graph: The tag set of its graph variant, sorted.
      within: The nodes that hold the graph in serialized form, from the outermost.
      function: Its function; None in a graph.
      node: The name of its node.
      runs: The occasions on which TensorFlow would run it; "conversion" if TensorFlow may run it
        while it imports the graph. Empty if nothing runs it.
    """

    severity: Severity
    kind: str
    op: str
    reason: str
    file: str = "saved_model.pb"
    graph: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    function: str | None = None
    node: str = ""
    runs: tuple[Occasion, ...] = ()


def sort_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sorts findings, the most severe first, otherwise as they are."""
    return tuple(sorted(findings, key=lambda found: -SEVERITIES.index(found.severity)))


def describe_place(finding: Finding) -> str:
    """Describes where a finding is: `{serve} > function f > node x`."""
    return " > ".join(list_places(finding))


def list_places(finding: Finding) -> tuple[str, ...]:
    """Describes the places that a finding is in, from the outermost."""
    parts = ["{" + ", ".join(finding.graph) + "}"] if finding.file == "saved_model.pb" else []
    parts += [f"graph in node {name}" for name in finding.within]
    if finding.function is not None:
        parts.append(f"function {finding.function}")
    return (*parts, f"node {finding.node}") if finding.node else tuple(parts)


def describe_runs(finding: Finding) -> str:
    """Describes what would run a finding: `runs at load, call`."""
    return f"runs at {', '.join(finding.runs)}" if finding.runs else "nothing runs it"
