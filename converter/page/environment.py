"""Describes where a migration ran, and with which versions."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Sequence

from converter.page.document import ModuleFacts, Report


def describe_environment(report: Report) -> list[tuple[str, str]]:
    """Returns facts of the machine of the last run that tells, and the versions that converted.

    As pairs of a term and what it is, in the order of the page.
    """
    told = next((run.environment for run in reversed(report.runs) if run.environment), {})
    saved = [module for module in report.modules if module.folder]
    found = {
        "converter": _count_versions(module.converter for module in saved),
        "TensorFlow": _count_versions(module.tensorflow or "" for module in saved),
    }
    facts = {"converter": report.converter, **told}
    facts |= {name: text for name, text in found.items() if text}
    return [*facts.items(), *_describe_workers(report.modules)]


def _count_versions(versions: Iterable[str]) -> str:
    """Lists versions, the most frequent first: `0.2.0 (12 modules), 0.1.0 (3 modules)`."""
    counter = collections.Counter(version for version in versions if version)
    if len(counter) == 1:
        return next(iter(counter))
    return ", ".join(
        f"{version} ({count:,} module{'' if count == 1 else 's'})"
        for version, count in counter.most_common()
    )


def _describe_workers(modules: Sequence[ModuleFacts]) -> list[tuple[str, str]]:
    hosts = {module.worker.rpartition(":")[0] for module in modules} - {""}
    return [("machines that worked", f"{len(hosts):,}")] if len(hosts) > 1 else []
