"""Writes the report of a migration: `converter.report`."""

from __future__ import annotations

import pathlib
from collections.abc import Callable

from converter import errors
from converter.files.paths import StrPath
from converter.migration.collect.report import collect_report
from converter.migration.options import local_root
from converter.page.document import encode_report
from converter.page.write import ReportFiles, find_places, write_files

_PAGE = "report.html"


def report(
    destination_root: StrPath,
    output: StrPath | None = None,
    *,
    progress: Callable[[str], None] | None = None,
) -> ReportFiles:
    """Writes the report of a migration: a page, a table, and the document that they are made of.

    Each file is the old one or the new one at any time. The same journal, records and comparisons
    give the same bytes. The report names each record or comparison that is missing or damaged.

    Args:
      destination_root: The DST_ROOT of the migration, or a `report.json`, whose page and table are
        then made from it alone.
      output: Where the page goes, a name that ends with `.html`; by default `report.html` in
        `destination_root`, or beside `report.json`. The other files go beside it, with `.json` and
        `.csv`.
      progress: Is told each step as it begins.

    Returns:
      Where the files are, and the report in numbers.

    Raises:
      PathNotFoundError: if there is nothing at `destination_root`.
      UsageError: if no migration wrote to `destination_root`, if it is not a local path, if
        `report.json` is not valid, or if `output` has another suffix.
      DestinationError: if the files cannot be written, if others are in their places, or if the
        journal cannot be read.

    Example:
      ```python
      files = converter.report("saved_models")
      print(files.html, files.totals.equal)
      ```
    """
    source = local_root(destination_root)
    if not source.exists():
        raise errors.PathNotFoundError(
            f"{destination_root} does not exist",
            remedy="Name the DST_ROOT of a `tf1hub migrate` that has run.",
        )
    say = progress or (lambda _: None)
    if output is not None:
        page = pathlib.Path(output).absolute()
    else:
        page = source.with_suffix(".html") if source.is_file() else source / _PAGE
    places = find_places(page, source)
    document = _read(source) if source.is_file() else encode_report(collect_report(source, say))
    say("writing the page")
    return write_files(document, source, places)


def _read(path: pathlib.Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise errors.UsageError(
            f"{path} cannot be read: {error.strerror or error}", remedy="Check the permissions."
        ) from error
