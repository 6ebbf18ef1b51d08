"""Brings reports of earlier versions into the form of this one."""

from __future__ import annotations

import collections

import msgspec

from converter.page.document import REPORT_VERSION, SAVED, Module, Report
from converter.page.groups import group_causes


def update_report(report: Report) -> Report:
    """Returns a report in the form of this version.

    Version 1 called a SavedModel that was not compared in full `converted` or `up_to_date`, and had
    no groups. Without its journal there are no commands for them.
    """
    if report.report_version == REPORT_VERSION:
        return report
    modules = [_update_module(module) for module in report.modules]
    counts = collections.Counter(module.outcome for module in modules)
    names = {*report.totals.counts, *counts}
    totals = msgspec.structs.replace(report.totals, counts={n: counts[n] for n in names})
    return msgspec.structs.replace(
        report,
        report_version=REPORT_VERSION,
        modules=modules,
        totals=totals,
        groups=group_causes(report.causes),
    )


def _update_module(module: Module) -> Module:
    is_open = module.parity is not None and module.parity.verdict == "not compared"
    if not is_open or module.outcome not in SAVED:
        return module
    return msgspec.structs.replace(module, outcome="not_compared")
