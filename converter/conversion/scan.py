"""Finds what a SavedModel could do to the machine that runs it: `converter.scan`."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Any

import msgspec

from converter import limits
from converter.conversion.sarif import make_sarif
from converter.display.shown import Shown
from converter.files.bounded_read import read_bounded
from converter.files.json_values import to_json_values
from converter.files.paths import Path, reading
from converter.files.source_files import list_files
from converter.formats.hub_module import is_tf2, read_saved_model
from converter.formats.module_directory import check_module_directory
from converter.safety import keras_layers
from converter.safety.findings import (
    SEVERITIES,
    Finding,
    Severity,
    sort_findings,
)
from converter.safety.judge import Inspection, inspect_saved_model
from converter.sources.registry import open_source
from converter.sources.source import ModuleSource, module_name

if TYPE_CHECKING:
    from converter.display.console import Console


class ScanReport(Shown, msgspec.Struct, frozen=True, kw_only=True):
    """What a SavedModel could do to the machine that runs it.

    Attributes:
      source: The name of its directory; for a handle, the path in that.
      format: "tf1_hub", "tf1_saved_model" or "tf2_saved_model".
      graphs: The number of its graph variants.
      nested_graphs: The number of graphs that others hold in serialized form.
      functions: The number of its functions.
      nodes: The number of all nodes of these.
      worst: The highest severity of a finding; None if there is none.
      findings: What is not plainly safe, the most severe first.
      notes: What looks unsafe and is not, with the reason; its severity is "info".

    Example:
      ```python
      report = converter.scan("saved_model")
      print(report.worst, report.count_findings())
      ```
    """

    source: str
    format: str
    graphs: int
    nested_graphs: int
    functions: int
    nodes: int
    worst: Severity | None
    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...]

    def _headline(self) -> str:
        counts = ", ".join(f"{n} {level}" for level, n in self.count_findings().items())
        return f"{self.source!r}, {self.format}, {counts or 'nothing found'}"

    def _show(self, console: Console) -> None:
        from converter.conversion.scan_table import print_report

        print_report(self, console)

    def reaches(self, level: Severity) -> bool:
        """Whether there is a finding of this severity, or of a higher one."""
        return self.worst is not None and SEVERITIES.index(self.worst) >= SEVERITIES.index(level)

    def count_findings(self) -> dict[Severity, int]:
        """Returns the number of findings of each severity that occurs, the highest first."""
        counts = collections.Counter(finding.severity for finding in self.findings)
        return {level: counts[level] for level in reversed(SEVERITIES) if counts[level]}

    def to_json(self) -> dict[str, Any]:
        """Converts the report to JSON values."""
        values: dict[str, Any] = to_json_values(self)
        return values

    def to_sarif(self, location: str = "") -> dict[str, Any]:
        """Converts the report to a SARIF 2.1.0 log, which code hosts show.

        Args:
          location: The URI of the model's directory, relative to the root of the repository if it
            is in one; "" if it is that root.
        """
        return make_sarif((*self.findings, *self.notes), location)


def scan(source: ModuleSource) -> ScanReport:
    """Finds what a TF1 Hub module, or any SavedModel, could do to the machine that runs it.

    Looks at every op of every graph, function, and graph within a graph, and at Lambda layers of
    Keras. Reads protos only; imports and runs nothing of the model.

    Args:
      source: The directory that holds `saved_model.pb`, an archive or handle of it, a
        `hub.ModuleSpec`, a `hub.Module`, or what `open_source` yields.

    Returns:
      The findings, the most severe first.

    Raises:
      UsageError: if it is another object, or nothing can be requested from a URL.
      PathNotFoundError: if there is nothing at `source`.
      FormatError: if there is no SavedModel, or it cannot be read or is too large.
      DownloadError: if it cannot be downloaded.
      UnsafeModuleError: if a link leads out of its directory, or an archive could do harm.
      DestinationError: if there is no space to download or unpack it.

    Example:
      ```python
      report = converter.scan("module")
      print(report)
      if report.reaches("medium"):
          worst = report.findings[0]
          print(worst.op, worst.reason, worst.runs)
      ```
    """
    with open_source(source, needs_values=False) as opened:
        return _scan(opened.directory, module_name(opened.directory, opened.origin))


def _scan(directory: Path, name: str) -> ScanReport:
    check_module_directory(directory)
    with reading(directory):
        list_files(directory)
        saved_model = read_saved_model(directory)
        metadata = _read_keras_metadata(directory)
        is_hub_module = (directory / "tfhub_module.pb").is_file()
    inspection = inspect_saved_model(saved_model)
    layers = [*keras_layers.find_in_objects(saved_model)]
    if metadata is not None:
        layers += keras_layers.find_in_metadata(metadata)
    plain_format = "tf2_saved_model" if is_tf2(saved_model) else "tf1_saved_model"
    return _make_report(name, "tf1_hub" if is_hub_module else plain_format, inspection, layers)


def _read_keras_metadata(directory: Path) -> bytes | None:
    path = directory / keras_layers.FILE_NAME
    if not path.is_file():
        return None
    return read_bounded(path, limits.MAX_KERAS_METADATA_BYTES, path.name)


def _make_report(
    name: str, format_name: str, inspection: Inspection, layers: list[Finding]
) -> ScanReport:
    findings = sort_findings((*inspection.findings, *layers))
    return ScanReport(
        source=name,
        format=format_name,
        graphs=inspection.graphs,
        nested_graphs=inspection.nested_graphs,
        functions=inspection.functions,
        nodes=inspection.nodes,
        worst=findings[0].severity if findings else None,
        findings=findings,
        notes=inspection.notes,
    )
