"""Collects the report of a migration from its journal, its records and its comparisons."""

from __future__ import annotations

import pathlib
from collections.abc import Callable

from converter import errors
from converter.migration.collect.causes import group_by_cause
from converter.migration.collect.journal_facts import describe_run
from converter.migration.collect.module import ModuleReader
from converter.migration.collect.packed import budget_bytes
from converter.migration.collect.retry import write_retry
from converter.migration.collect.totals import add_up
from converter.migration.collect.untrusted import harmless
from converter.migration.journal import DamagedLine, journal_path, read_journal
from converter.page.document import REPORT_VERSION, Report
from converter.page.groups import group_causes
from converter.version import __version__

Progress = Callable[[str], None]
_PROGRESS_EVERY = 500
_MOST_DAMAGED_LINES = 10


def collect_report(destination_root: pathlib.Path, progress: Progress) -> Report:
    """Collects the report of the migration to `destination_root`.

    Raises:
      UsageError: if no migration wrote there.
      DestinationError: if its journal cannot be read, or a later version wrote it.
    """
    if not journal_path(destination_root).exists():
        raise errors.UsageError(
            f"{destination_root} has no journal of a migration",
            remedy="Name the DST_ROOT of a `tf1hub migrate` that has run.",
        )
    history = read_journal(destination_root)
    paths = sorted({*history.entries, *history.unfinished})
    reader = ModuleReader(history, destination_root, budget_bytes(len(paths)))
    modules = []
    for number, path in enumerate(paths):
        if number % _PROGRESS_EVERY == 0:
            progress(f"reading the files of module {number + 1:,} of {len(paths):,}")
        modules.append(reader.read(path))
    causes = group_by_cause(modules)
    root = harmless(str(destination_root))
    own_paths = dict(zip((module.path for module in modules), paths, strict=True))
    return Report(
        report_version=REPORT_VERSION,
        converter=__version__,
        destination_root=root,
        problems=_describe_damage(history.damaged_lines),
        totals=add_up(modules),
        runs=[describe_run(run) for run in history.runs],
        causes=causes,
        modules=modules,
        groups=group_causes(
            causes,
            lambda shown: write_retry(history, [own_paths[path] for path in shown], root),
        ),
    )


def _describe_damage(lines: tuple[DamagedLine, ...]) -> list[str]:
    problems = [
        f"Line {line.number} of the journal is damaged, and its event is lost: {line.problem}."
        for line in lines[:_MOST_DAMAGED_LINES]
    ]
    if len(lines) > _MOST_DAMAGED_LINES:
        problems.append(f"{len(lines) - _MOST_DAMAGED_LINES:,} more lines are damaged.")
    return problems
