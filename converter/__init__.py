"""Converts TF1 Hub modules into reusable, trainable TF2 SavedModels, and proves them equal.

    import converter

    summary = converter.inspect("module")
    findings = converter.scan("module").findings
    conversion = converter.convert("module", "saved_model", verify=True)
    report = converter.verify("module", "saved_model")
    module = converter.load("module")
    text = converter.card("saved_model")
    record = converter.export_model("saved_model", "model.onnx", to="onnx")
    migration = converter.migrate("modules", "saved_models")
    files = converter.report("saved_models")
    causes = converter.explain("No module named 'pkg_resources'")

Each name is imported when it is first used: `import converter` does not import TensorFlow.
"""

from __future__ import annotations

import sys

from converter.processes.python_process import drop_working_directory

if sys.argv[:1] == ["-m"]:
    # Python is looking for `python -m converter`, and would search the working directory for
    # everything that is imported from here on.
    drop_working_directory()

# isort: split

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from converter.catalogue import Message, explain
    from converter.conversion.card import card
    from converter.conversion.conversion import Conversion
    from converter.conversion.convert import convert
    from converter.conversion.inspect import ModuleSummary, inspect
    from converter.conversion.load import load
    from converter.conversion.options import ConversionOptions
    from converter.conversion.scan import ScanReport, scan
    from converter.conversion.verify import verify
    from converter.errors import (
        ConversionError,
        DestinationError,
        DownloadError,
        FormatError,
        InternalError,
        OutOfMemoryError,
        ParityError,
        PathNotFoundError,
        UnsafeModuleError,
        UnsuitableDestinationError,
        UnsupportedOpError,
        UsageError,
        WeightsError,
    )
    from converter.export.record import Record
    from converter.exporters.export_model import export_model
    from converter.exporters.record import ExportRecord
    from converter.migration.migrate import migrate
    from converter.migration.options import MigrationArguments
    from converter.migration.report import MigrationReport
    from converter.migration.watcher import Watcher
    from converter.migration.write_report import report
    from converter.page.write import ReportFiles
    from converter.parity.report import ParityReport
    from converter.sources.registry import open_source
    from converter.sources.source import Source
    from converter.version import __version__

__all__ = [
    "Conversion",
    "ConversionError",
    "ConversionOptions",
    "DestinationError",
    "DownloadError",
    "ExportRecord",
    "FormatError",
    "InternalError",
    "Message",
    "MigrationArguments",
    "MigrationReport",
    "ModuleSummary",
    "OutOfMemoryError",
    "ParityError",
    "ParityReport",
    "PathNotFoundError",
    "Record",
    "ReportFiles",
    "ScanReport",
    "Source",
    "UnsafeModuleError",
    "UnsuitableDestinationError",
    "UnsupportedOpError",
    "UsageError",
    "Watcher",
    "WeightsError",
    "__version__",
    "card",
    "convert",
    "explain",
    "export_model",
    "inspect",
    "load",
    "migrate",
    "open_source",
    "report",
    "scan",
    "verify",
]

_MODULES = {
    "Conversion": "converter.conversion.conversion",
    "ConversionError": "converter.errors",
    "ConversionOptions": "converter.conversion.options",
    "DestinationError": "converter.errors",
    "DownloadError": "converter.errors",
    "ExportRecord": "converter.exporters.record",
    "FormatError": "converter.errors",
    "InternalError": "converter.errors",
    "Message": "converter.catalogue",
    "MigrationArguments": "converter.migration.options",
    "MigrationReport": "converter.migration.report",
    "ModuleSummary": "converter.conversion.inspect",
    "OutOfMemoryError": "converter.errors",
    "ParityError": "converter.errors",
    "ParityReport": "converter.parity.report",
    "PathNotFoundError": "converter.errors",
    "Record": "converter.export.record",
    "ReportFiles": "converter.page.write",
    "ScanReport": "converter.conversion.scan",
    "Source": "converter.sources.source",
    "UnsafeModuleError": "converter.errors",
    "UnsuitableDestinationError": "converter.errors",
    "UnsupportedOpError": "converter.errors",
    "UsageError": "converter.errors",
    "Watcher": "converter.migration.watcher",
    "WeightsError": "converter.errors",
    "__version__": "converter.version",
    "card": "converter.conversion.card",
    "convert": "converter.conversion.convert",
    "explain": "converter.catalogue",
    "export_model": "converter.exporters.export_model",
    "inspect": "converter.conversion.inspect",
    "load": "converter.conversion.load",
    "migrate": "converter.migration.migrate",
    "open_source": "converter.sources.registry",
    "report": "converter.migration.write_report",
    "scan": "converter.conversion.scan",
    "verify": "converter.conversion.verify",
}

if not TYPE_CHECKING:  # A type checker would take every name for one of the package.

    def __getattr__(name: str) -> Any:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(_MODULES[name]), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
