"""Writes the page over a migration: `converter.report`."""

from __future__ import annotations

import pathlib

from converter.files.paths import StrPath
from converter.migration.options import local_root
from converter.page.collect import Progress
from converter.page.write import ReportFiles, write_report


def report(
    destination_root: StrPath,
    output: StrPath | None = None,
    *,
    progress: Progress | None = None,
) -> ReportFiles:
    """Writes the page over a migration, and the same for programs.

    Each file is the old one or the new one at any time. The same journal, records and comparisons
    give the same bytes. A record or a comparison that is missing or damaged is said in the page.

    Args:
      destination_root: Where the migration leads.
      output: Where the page goes, a name that ends with `.html`; `report.html` in
        `destination_root` by default. The others go beside it, with `.json` and `.csv`.
      progress: Is told each step as it begins.

    Raises:
      UsageError: if no migration wrote to `destination_root`, it is no local path, or `output` has
        another ending.
      DestinationError: if the files cannot be written, if there are others in their places, or if
        the journal cannot be read.
    """
    return write_report(
        local_root(destination_root),
        None if output is None else pathlib.Path(output).absolute(),
        progress or (lambda _: None),
    )
