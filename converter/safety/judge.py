"""Judges every op of a SavedModel."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterator
from typing import Any

from converter.ir import op_facts
from converter.ir.graph import Node
from converter.safety.findings import Finding, Occasion, Severity, sort_findings
from converter.safety.op_rules import RULED_OPS, find_danger
from converter.safety.op_table import Classification, Kind, classify
from converter.safety.path_origins import FILE_INPUTS, Origin, PathTracer, find_assets
from converter.safety.reach import Run, find_evaluated_on_import, find_runs
from converter.safety.savers import explain_saver
from converter.safety.scopes import Library, Scope, Unreadable, read_libraries
from converter.safety.serialized_graphs import SERIALIZED_GRAPH_OPS

_SAFE = frozenset({Kind.PURE, Kind.STATE, Kind.HOLDS_GRAPH})
_MEDIUM = frozenset({Kind.DENIAL_OF_SERVICE, Kind.INTERNAL, Kind.UNKNOWN})
_OCCASIONS: dict[Run, Occasion] = {
    Run.CONVERSION: "conversion",
    Run.LOAD: "load",
    Run.RESTORE: "load",
    Run.CALL: "call",
    Run.TRAINING: "training",
    Run.SAVE: "save",
}
# The serialized graph of a data set returns the data set by this op.
_RETURN = "_Retval"


@dataclasses.dataclass(frozen=True)
class Inspection:
    """What a SavedModel holds.

    Attributes:
      findings: What is not plainly safe, the most severe first.
      notes: What looks like it and is not, of severity "info".
      graphs: The number of its graph variants.
      nested_graphs: The number of graphs in serialized form inside of others.
      functions: The number of its functions.
      nodes: The number of its nodes, those of functions and nested graphs included.
    """

    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    graphs: int
    nested_graphs: int
    functions: int
    nodes: int


def inspect_saved_model(saved_model: Any) -> Inspection:
    """Judges every op of a SavedModel; imports and runs nothing.

    Args:
      saved_model: The message of `saved_model.pb`.
    """
    libraries, unreadable = read_libraries(saved_model)
    found = [*_Judge(libraries, unreadable).judge_all()]
    for meta_graph in saved_model.meta_graphs:
        found += _judge_assets(meta_graph)
    scopes = [scope for library in libraries for scope in library.scopes]
    graphs = len(saved_model.meta_graphs)
    return Inspection(
        findings=sort_findings(f for f in found if f.severity != "info"),
        notes=tuple(f for f in found if f.severity == "info"),
        graphs=graphs,
        nested_graphs=len(libraries) - graphs,
        functions=len(scopes) - len(libraries),
        nodes=sum(len(scope.node_list) for scope in scopes),
    )


class _Judge:
    """Judges the nodes of all graphs of a SavedModel."""

    def __init__(self, libraries: list[Library], unreadable: list[Unreadable]) -> None:
        self._libraries = libraries
        self._unreadable = {(place.scope, place.node): place.reason for place in unreadable}
        self._reached = find_runs(libraries)
        self._tracer = PathTracer(libraries)
        self._evaluated: dict[Scope, frozenset[str]] = {}

    def judge_all(self) -> Iterator[Finding]:
        for scope in (scope for library in self._libraries for scope in library.scopes):
            classes: dict[str, Classification | None] = {}
            for node in scope.node_list:
                if node.op not in classes:
                    classes[node.op] = _classify(scope, node.op)
                classification = classes[node.op] or _find_danger(node)
                if classification is not None:
                    yield from self._judge(scope, node, classification)

    def _judge(self, scope: Scope, node: Any, classification: Classification) -> Iterator[Finding]:
        runs = self._reached.get((scope, node.name), frozenset())
        if scope not in self._evaluated:  # Most have nothing to judge.
            self._evaluated[scope] = find_evaluated_on_import(scope)
        if node.name in self._evaluated[scope]:
            runs |= {Run.CONVERSION}
        if node.op in FILE_INPUTS:
            judgment = self._judge_file_op(scope, node, classification, runs)
        elif node.op in SERIALIZED_GRAPH_OPS:
            judgment = self._judge_graph(scope, node, classification)
        else:
            judgment = _severity(classification.kind), classification.reason
        if judgment is None:
            return
        severity, reason = judgment
        if not runs and severity != "info":
            severity = "low"
        yield _make_finding(scope, node, classification.kind, severity, reason, runs)

    def _judge_file_op(
        self, scope: Scope, node: Any, classification: Classification, runs: frozenset[Run]
    ) -> tuple[Severity, str] | None:
        """Judges an op by the origins of the file names that it takes; None if it is safe."""
        origins = self._tracer.find_origins(scope, node)
        explanation = explain_saver(scope, node.name, origins, runs)
        if explanation is not None:
            return "info", explanation
        if origins == {Origin.ASSET} and classification.kind is Kind.OWN_ASSETS:
            return None
        texts = " or ".join(sorted(origin.value for origin in origins))
        severity: Severity = "high"
        if origins == {Origin.ASSET} and classification.kind is Kind.READS_FILES:
            severity = "low"
        return severity, f"{classification.reason}; the file name is {texts}"

    def _judge_graph(
        self, scope: Scope, node: Any, classification: Classification
    ) -> tuple[Severity, str]:
        reason = self._unreadable.get((scope, node.name))
        if reason is not None:
            return "high", reason
        return "medium", f"{classification.reason}; that graph's ops are judged, too"


def _classify(scope: Scope, op: str) -> Classification | None:
    """Returns the class of an op; None if it is plainly safe, or the name of a function."""
    classification = classify(op)
    if classification.kind in _SAFE or op == op_facts.GATHER_TREE:
        return None
    if op == _RETURN and scope.library.holder is not None:
        return None
    if classification.kind is Kind.UNKNOWN and scope.library.find_function(op) is not None:
        return None
    return classification


def _find_danger(node: Any) -> Classification | None:
    """Returns what makes a node unsafe whose op is safe in general, such as an attribute."""
    if node.op not in RULED_OPS or node.op in FILE_INPUTS:
        return None
    return find_danger(Node(node.name, node.op, attrs=node.attr), {})


def _severity(kind: Kind) -> Severity:
    return "medium" if kind in _MEDIUM else "high"


def _judge_assets(meta_graph: Any) -> Iterator[Finding]:
    """Finds assets outside of `assets/`, which loaders read, and copy when they save again."""
    for name, file_name in find_assets(meta_graph):
        path = pathlib.PurePosixPath(file_name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts:
            yield Finding(
                severity="high",
                kind=Kind.READS_FILES.value,
                op="asset",
                reason=f"names the file {file_name!r}, which is not below assets/",
                graph=tuple(sorted(meta_graph.meta_info_def.tags)),
                node=name.partition(":")[0],
                runs=("load",),
            )


def _make_finding(
    scope: Scope, node: Any, kind: Kind, severity: Severity, reason: str, runs: frozenset[Run]
) -> Finding:
    within: list[str] = []
    library = scope.library
    while library.holder is not None:
        within.insert(0, library.holder[1])
        library = library.holder[0].library
    return Finding(
        severity=severity,
        kind=kind.value,
        op=node.op,
        reason=reason,
        graph=tuple(sorted(library.meta_graph.meta_info_def.tags)),
        within=tuple(within),
        function=scope.function_name,
        node=node.name,
        runs=tuple(dict.fromkeys(_OCCASIONS[run] for run in Run if run in runs)),
    )
