"""Judges the ops of a SavedModel: what each could do, how bad that is, and what would run it."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any, Literal, TypeAlias

import msgspec

from converter.ir import op_facts
from converter.ir.graph import Node
from converter.safety.op_rules import RULED_OPS, find_danger
from converter.safety.op_table import Classification, Kind, classify
from converter.safety.path_origins import FILE_INPUTS, Origin, PathTracer, find_assets
from converter.safety.reach import Reached, Run, find_runs, is_evaluated_on_import
from converter.safety.serialized_graphs import SERIALIZED_GRAPH_OPS
from converter.safety.scopes import (
    Library,
    Scope,
    Unreadable,
    read_libraries,
)

Severity: TypeAlias = Literal["info", "low", "medium", "high"]
Occasion: TypeAlias = Literal["conversion", "load", "call", "training", "save"]
# From harmless to dangerous.
SEVERITIES: tuple[Severity, ...] = ("info", "low", "medium", "high")

_SEVERITIES: dict[Kind, Severity] = {
    Kind.READS_FILES: "high",
    Kind.WRITES_FILES: "high",
    Kind.NETWORK: "high",
    Kind.RUNS_CODE: "high",
    Kind.HOLDS_GRAPH: "medium",
    Kind.DENIAL_OF_SERVICE: "medium",
    Kind.INTERNAL: "medium",
    Kind.UNKNOWN: "medium",
}
_OCCASIONS: dict[Run, Occasion] = {
    Run.CONVERSION: "conversion",
    Run.LOAD: "load",
    Run.RESTORE: "load",
    Run.CALL: "call",
    Run.TRAINING: "training",
    Run.SAVE: "save",
}
_SAVER_OPS = frozenset(FILE_INPUTS) - {
    "InitializeTableFromTextFile",
    "InitializeTableFromTextFileV2",
    "ReadFile",
}
# A data set's serialized graph returns the data set by it.
_RETURN = "_Retval"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something in a SavedModel that is not plainly safe, or that looks like it.

    Attributes:
      severity: How bad it would be.
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
    judge = _Judge(libraries, {(place.scope, place.node) for place in unreadable})
    found = [*judge.judge_all(), *map(judge.judge_unreadable, unreadable)]
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


def sort_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sorts findings, the most severe first, otherwise as they are."""
    return tuple(sorted(findings, key=lambda found: -SEVERITIES.index(found.severity)))


class _Judge:
    """Judges the nodes of all graphs of a SavedModel."""

    def __init__(self, libraries: list[Library], unreadable: set[tuple[Scope, str]]) -> None:
        self._libraries = libraries
        self._unreadable = unreadable
        self._reached: Reached = find_runs(libraries)
        self._tracer = PathTracer(libraries)

    def judge_all(self) -> Iterator[Finding]:
        for scope in (scope for library in self._libraries for scope in library.scopes):
            suspects: dict[str, Classification | None] = {}
            for node in scope.node_list:
                if node.op not in suspects:
                    suspects[node.op] = _classify(scope, node.op)
                classification = suspects[node.op] or _find_danger(node)
                if classification is not None:
                    yield from self._judge(scope, node, classification)

    def judge_unreadable(self, unreadable: Unreadable) -> Finding:
        scope, name = unreadable.scope, unreadable.node
        severity: Severity = "high" if (scope, name) in self._reached else "low"
        op = scope.nodes[name].op
        runs = self._runs(scope, name)
        return _finding(scope, name, op, Kind.HOLDS_GRAPH, severity, unreadable.reason, runs)

    def _judge(
        self, scope: Scope, node: Any, classification: Classification
    ) -> Iterator[Finding]:
        runs = self._runs(scope, node.name)
        origins = (
            self._tracer.find_origins(scope, node) if node.op in FILE_INPUTS else frozenset()
        )
        if node.op in _SAVER_OPS and (note := _explain_saver(scope, node.name, origins, runs)):
            severity: Severity = "info"
            reason = note
        elif origins == {Origin.ASSET}:
            if classification.kind is Kind.OWN_ASSETS:
                return
            severity = "low"
            reason = f"{classification.reason}; the file is an asset of the model"
        elif node.op in SERIALIZED_GRAPH_OPS:
            if (scope, node.name) in self._unreadable:
                return
            severity = "medium" if runs else "low"
            reason = f"{classification.reason}; that graph's ops are judged, too"
        else:
            severity = _SEVERITIES.get(classification.kind, "high") if runs else "low"
            reason = classification.reason + _describe_origins(origins)
        yield _finding(scope, node.name, node.op, classification.kind, severity, reason, runs)

    def _runs(self, scope: Scope, name: str) -> frozenset[Run]:
        runs = self._reached.get((scope, name), frozenset())
        return runs | {Run.CONVERSION} if is_evaluated_on_import(scope, name) else runs


def _classify(scope: Scope, op: str) -> Classification | None:
    """Returns the class of an op that is not plainly safe; None for one that is, and calls."""
    classification = classify(op)
    if classification.kind in (Kind.PURE, Kind.STATE, Kind.HOLDS_GRAPH):
        return None
    if op == _RETURN and scope.library.holder is not None:
        return None
    if classification.kind is Kind.UNKNOWN and (
        scope.library.find_function(op) is not None or op == op_facts.GATHER_TREE
    ):
        return None  # A call of a function, or an op of tf.contrib that is composed of others.
    return classification


def _find_danger(node: Any) -> Classification | None:
    """Returns what makes a node unsafe whose op is safe in general, such as an attribute."""
    if node.op not in RULED_OPS or node.op in FILE_INPUTS:
        return None
    return find_danger(Node(node.name, node.op, attrs=node.attr), {})


def _explain_saver(
    scope: Scope, name: str, origins: frozenset[Origin], runs: frozenset[Run]
) -> str | None:
    """Explains an op of a saver that does no harm; None for any other."""
    if origins == {Origin.CHECKPOINT} and runs <= {Run.SAVE, Run.RESTORE}:
        return "belongs to the model's own saver: loaders choose the file"
    if not runs and origins <= {Origin.CHECKPOINT, Origin.LEFTOVER}:
        return "belongs to a saver that was left in the graph, and that nothing runs"
    if not runs and _only_initializes(scope, name):
        return "reads initial values of variables from another checkpoint, and nothing runs it"
    return None


def _only_initializes(scope: Scope, name: str) -> bool:
    """Whether what a node reads goes to initializers of variables, and nowhere else."""
    waiting, seen = [name], {name}
    while waiting:
        for op, user in ((user.op, user.name) for user in scope.users.get(waiting.pop(), ())):
            if op in ("Cast", "Identity", "IdentityN", "Reshape") and user not in seen:
                seen.add(user)
                waiting.append(user)
            elif user not in seen and op not in ("Assign", "AssignVariableOp"):
                return False
    return scope.nodes[name].op in ("RestoreV2", "Restore", "RestoreSlice")


def _describe_origins(origins: frozenset[Origin]) -> str:
    texts = sorted(origin.value for origin in origins)
    return f"; the file name is {' or '.join(texts)}" if texts else ""


def _judge_assets(meta_graph: Any) -> Iterator[Finding]:
    """Finds assets outside of `assets/`, which loaders read, and copy when they save again."""
    for name, file_name in find_assets(meta_graph):
        parts = pathlib.PurePosixPath(file_name.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts:
            yield Finding(
                severity="high",
                kind=Kind.READS_FILES.value,
                op="asset",
                reason=f"names the file {file_name!r}, which is not below assets/",
                graph=tuple(sorted(meta_graph.meta_info_def.tags)),
                node=name.partition(":")[0],
                runs=("load",),
            )


def _finding(
    scope: Scope,
    node: str,
    op: str,
    kind: Kind,
    severity: Severity,
    reason: str,
    runs: frozenset[Run],
) -> Finding:
    within: list[str] = []
    library = scope.library
    while library.holder is not None:
        within.insert(0, library.holder[1])
        library = library.holder[0].library
    return Finding(
        severity=severity,
        kind=kind.value,
        op=op,
        reason=reason,
        graph=tuple(sorted(library.meta_graph.meta_info_def.tags)),
        within=tuple(within),
        function=scope.function_name,
        node=node,
        runs=tuple(dict.fromkeys(_OCCASIONS[run] for run in Run if run in runs)),
    )
