"""Writes the report of a migration: `converter.report`."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable

from converter import errors
from converter.migration.collect.report import collect_report
from converter.migration.options import local_root
from converter.page.document import encode_report
from converter.page.write import ReportFiles, find_places, write_files

_PAGE = "report.html"


def write_report(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str] | None,
    progress: Callable[[str], None],
) -> ReportFiles:
    """Writes the report of a migration; see `converter.report`, which describes the arguments."""
    source = local_root(source)
    if source.suffix == ".json" and source.is_file():
        page = source.with_suffix(".html")
    else:
        page = source / _PAGE
    page = page if output is None else pathlib.Path(output).absolute()
    places = find_places(page, source)
    if source.is_file():
        document = _read(source)
    else:
        document = encode_report(collect_report(source, progress))
    progress("writing the page")
    return write_files(document, source, places)


def _read(path: pathlib.Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise errors.UsageError(
            f"{path} cannot be read: {error.strerror or error}", remedy="Check the permissions."
        ) from error
