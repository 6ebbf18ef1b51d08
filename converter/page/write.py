"""Writes the page and its data for programs, each beside its place and then renamed."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Mapping
from typing import Any

from converter import errors
from converter.files.scratch import clear, scratch_folder, sweep
from converter.page.collect import Progress, collect
from converter.page.html import to_html
from converter.page.tables import to_report_csv, to_report_json
from converter.page.totals import Totals, add_up

FILENAME = "report.html"
# How each of the files begins; what begins otherwise was written by somebody else.
_BEGINNINGS = {
    ".html": b"<!doctype html>\n<!-- tf1hub report -->",
    ".json": b'{\n "report_version":',
    ".csv": b'"path","outcome","error_kind"',
}


@dataclasses.dataclass(frozen=True, slots=True)
class ReportFiles:
    """What `converter.report` wrote.

    Attributes:
      html: The page.
      json: The same for programs.
      csv: A line for each module.
      totals: What it says in sum.
    """

    html: str
    json: str
    csv: str
    totals: Totals

    def to_json(self) -> dict[str, Any]:
        """The paths, and how many modules have which outcome, as JSON values."""
        return {
            "html": self.html,
            "json": self.json,
            "csv": self.csv,
            "counts": self.totals.counts,
        }


def write_report(
    destination_root: pathlib.Path, output: pathlib.Path | None, progress: Progress
) -> ReportFiles:
    """Writes the report over a migration.

    Args:
      destination_root: Where the migration leads.
      output: Where the page goes, a name that ends with `.html`; in DST_ROOT by default. The
        other two files have the same name but for the ending.
      progress: Is told each step as it begins.

    Raises:
      UsageError: if no migration wrote to `destination_root`, or `output` has another ending.
      DestinationError: if the files cannot be written, or others are in their places, or the
        journal cannot be read.
    """
    page = destination_root / FILENAME if output is None else output
    if page.suffix != ".html":
        raise errors.UsageError(
            f"{page} does not end with .html", remedy="Name the page FILE.html; data go beside it."
        )
    places = {suffix: page.with_suffix(suffix) for suffix in _BEGINNINGS}
    for suffix, place in places.items():
        _check_replaceable(place, _BEGINNINGS[suffix])
    migration = collect(destination_root, progress)
    progress("writing the page")
    totals = add_up([module.facts for module in migration.modules])
    contents = {
        ".csv": to_report_csv(migration),
        ".json": to_report_json(migration, totals),
        ".html": to_html(migration, totals),
    }
    _write({places[suffix]: content for suffix, content in contents.items()})
    return ReportFiles(
        html=str(places[".html"]),
        json=str(places[".json"]),
        csv=str(places[".csv"]),
        totals=totals,
    )


def _check_replaceable(place: pathlib.Path, beginning: bytes) -> None:
    """Checks that nothing is at `place` but a report.

    Raises:
      DestinationError: if something else is.
    """
    if not os.path.lexists(place):
        return
    try:
        with place.open("rb") as file:
            is_report = file.read(len(beginning)) == beginning
    except OSError as error:
        raise errors.unwritable(place, error, "Choose another place with --output.") from error
    if not is_report:
        raise errors.DestinationError(
            f"{place} exists, and is no report, so it is not replaced",
            remedy="Move it away, or choose another place with --output.",
        )


def _write(contents: Mapping[pathlib.Path, bytes]) -> None:
    """Writes files, in order; each is the old one or the new one at any time.

    Raises:
      DestinationError: if that is not possible; then none of them has changed, unless the
        filesystem fails while names are exchanged.
    """
    parent = next(iter(contents)).parent
    try:
        sweep(parent, clear)
        with scratch_folder(parent) as scratch:
            for place, content in contents.items():
                _write_through(scratch / place.name, content)
            for place in contents:
                (scratch / place.name).replace(place)
    except OSError as error:
        remedy = "Check the permissions and the free space, or choose another place with --output."
        raise errors.unwritable(parent, error, remedy) from error


def _write_through(path: pathlib.Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
