"""Writes the report's files, each beside its place and then renamed."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from converter import errors
from converter.display.shown import Shown
from converter.files.scratch import clear, scratch_folder, sweep
from converter.page.csv_table import to_csv
from converter.page.document import Totals, decode_report
from converter.page.earlier_versions import update_report
from converter.page.headline import describe_totals
from converter.page.html import to_html
from converter.page.links import Places, find_links
from converter.printable import printable

if TYPE_CHECKING:
    from converter.display.console import Console

# The beginning of each file; a file that begins otherwise is somebody else's.
_BEGINNINGS = {
    ".html": b"<!doctype html>\n<!-- tf1hub report -->",
    ".json": b'{\n "report_version":',
    ".csv": b'"path","outcome","error_kind"',
}


class ReportFiles(Shown, msgspec.Struct, frozen=True, kw_only=True):
    """The files that `converter.report` wrote.

    Attributes:
      html: The page.
      json: The document that it is rendered from.
      csv: A line for each module.
      totals: The report in numbers.

    Example:
      ```python
      files = converter.report("saved_models")
      print(files.csv, files.totals.counts)
      ```
    """

    html: str
    json: str
    csv: str
    totals: Totals

    def _headline(self) -> str:
        return f"{self.html!r}, {self.totals.legacy:,} modules, {self.totals.equal:,} equal"

    def _show(self, console: Console) -> None:
        print_files(self, console)

    def to_json(self) -> dict[str, Any]:
        """The paths, and how many modules have which outcome, as JSON values."""
        paths = {"html": self.html, "json": self.json, "csv": self.csv}
        return {**paths, "counts": self.totals.counts}


def print_files(files: ReportFiles, console: Console) -> None:
    """Prints where the files are, and the report in a few numbers."""
    console.print(f"Written to {printable(files.html)}", soft_wrap=True, markup=False)
    for line in (
        describe_totals(files.totals),
        f"for programs: {files.json} and {files.csv}",
    ):
        console.print(f"  {printable(line)}", soft_wrap=True, markup=False)


def find_places(page: pathlib.Path, source: pathlib.Path) -> Places:
    """Returns where the files go, whose names differ only in their suffixes.

    Args:
      page: Where the page goes.
      source: What the report is made from; if it is one of the files, it stays as it is.

    Raises:
      UsageError: if `page` does not end with `.html`.
      DestinationError: if a file that is not part of a report is in one of the places.
    """
    if page.suffix != ".html":
        raise errors.UsageError(
            f"{page} does not end with .html",
            remedy="Name the page FILE.html; the other files go beside it.",
        )
    places = {suffix: page.with_suffix(suffix) for suffix in _BEGINNINGS}
    for suffix, place in places.items():
        if place != source:
            _check_replaceable(place, _BEGINNINGS[suffix])
    return places


def write_files(document: bytes, source: pathlib.Path, places: Places) -> ReportFiles:
    """Renders the page and the CSV file from a `report.json`, and writes all three.

    Args:
      document: The bytes of `report.json`.
      source: What it was made from, or its own path.
      places: Where they go; see `find_places`.

    Raises:
      UsageError: if `document` is not a report.
      DestinationError: if the files cannot be written.
    """
    report = update_report(decode_report(document, str(source)))
    page = to_html(report, find_links(places, report.destination_root))
    contents = {".csv": to_csv(report), ".json": document, ".html": page}
    _write(
        {
            places[suffix]: content
            for suffix, content in contents.items()
            if places[suffix] != source
        }
    )
    return ReportFiles(
        html=str(places[".html"]),
        json=str(places[".json"]),
        csv=str(places[".csv"]),
        totals=report.totals,
    )


def _check_replaceable(place: pathlib.Path, beginning: bytes) -> None:
    """Checks that a file may be written: none is there, or one of a report.

    Raises:
      DestinationError: if another one is.
    """
    if not os.path.lexists(place):
        return
    try:
        with place.open("rb") as file:
            is_report = file.read(len(beginning)) == beginning
    except OSError as error:
        raise errors.unsuitable(place, error, "Choose another place with --output.") from error
    if not is_report:
        raise errors.UnsuitableDestinationError(
            f"{place} exists and is not a report, so it is not replaced",
            remedy="Move it away, or choose another place with --output.",
        )


def _write(contents: Mapping[pathlib.Path, bytes]) -> None:
    """Writes files, in order; each is the old one or the new one at any time.

    Raises:
      DestinationError: if they cannot be written; none of them has changed then, unless the
        filesystem failed while they were renamed.
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
        raise errors.unsuitable(parent, error, remedy) from error


def _write_through(path: pathlib.Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
