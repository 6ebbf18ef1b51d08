"""Renders the page as one HTML file that holds style, scripts and data, and loads nothing.

A content security policy with the digests of its one style and its one script keeps everything
else from running, whatever a module's name or an error's text may be.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
import json
from collections.abc import Callable
from typing import Any

import jinja2
import markupsafe

from converter.files.json_values import to_json_values
from converter.page import formatting
from converter.page.charts import (
    duration_bars,
    history_columns,
    outcome_segments,
    segments_of,
)
from converter.page.document import Group, Module, Report
from converter.page.environment import describe_environment
from converter.page.folders import Folder, group_by_folder
from converter.page.headline import describe_totals
from converter.page.links import Links
from converter.page.outcome_labels import LABELS, MEANINGS
from converter.printable import printable, printable_lines

_WEB = importlib.resources.files("converter.page") / "web"
_SCRIPTS = (
    "text.js",
    "pictures.js",
    "parts.js",
    "copying.js",
    "comparison.js",
    "signatures.js",
    "module.js",
    "table.js",
    "page.js",
)
_MOST_CAUSES = 50  # Of a group.
_MOST_FOLDERS = 40
_MOST_LINKS = 8
_PLAIN_LINKS = Links()
_MOST_RUNS = 20


def _as_lines(text: str) -> markupsafe.Markup:
    """Text whose newlines stay, for a `<pre>`."""
    return markupsafe.escape(printable_lines(text))


_FILTERS: dict[str, Callable[..., Any]] = {
    "bytes": formatting.format_bytes,
    "number": formatting.format_number,
    "seconds": formatting.format_seconds,
    "lines": _as_lines,
    "time": formatting.format_time,
    "day": formatting.format_day,
    "error": formatting.format_error,
}
# The columns of the table; `web/page.js` names them by these.
_COLUMNS = (
    "path", "outcome", "seconds", "source_bytes", "destination_bytes", "variables", "tensors",
    "bit_equal", "verdict", "worst_rel", "warnings", "cause", "at", "length",
)  # fmt: skip


def to_html(report: Report, links: Links = _PLAIN_LINKS) -> bytes:
    """Renders the page, with links to other files."""
    style, script = _read("page.css"), _script()
    template = _environment().from_string(_read("page.html.j2"))
    return template.render(
        policy=_policy(style, script),
        style=markupsafe.Markup(style),
        script=markupsafe.Markup(script),
        data=_for_script(_data(report, links)),
        details=markupsafe.Markup("\n").join(map(_packed, report.modules)),
        report=report,
        totals=report.totals,
        links=links,
        headline=describe_totals(report.totals),
        groups=[_describe_group(group, report) for group in report.groups],
        folders=_choose_folders(report),
        environment=describe_environment(report),
        segments=outcome_segments(report.totals),
        labels=LABELS,
        meanings=MEANINGS,
        most_links=_MOST_LINKS,
        runs=list(reversed(report.runs[-_MOST_RUNS:])),
        columns=history_columns(report.runs[-_MOST_RUNS:]),
        segments_of=segments_of,
        as_of=max((run.started + run.seconds for run in report.runs), default=0.0),
    ).encode()


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        autoescape=True,
        finalize=_finalize,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(_FILTERS)
    return environment


def _finalize(value: Any) -> Any:
    """Makes texts printable, of which only those of this package are markup."""
    is_text = isinstance(value, str) and not isinstance(value, markupsafe.Markup)
    return printable(value) if is_text else value


def _read(name: str) -> str:
    return (_WEB / name).read_text(encoding="utf-8")


def _script() -> str:
    """Joins the scripts, and keeps their names from being global."""
    parts = "\n".join(_read(name) for name in _SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}}})();\n'


def _policy(style: str, script: str) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_digest(script)}'",
            f"style-src '{_digest(style)}'",
            "img-src data:",  # The empty icon, for which a browser asks the server otherwise.
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
        )
    )


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _for_script(data: Any) -> markupsafe.Markup:
    """Encodes JSON for a `<script>`: nothing in it can end the element, or begin a comment."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return markupsafe.Markup(text)


def _packed(module: Module) -> str:
    return base64.b64encode(module.details).decode()


def _slug(title: str) -> str:
    """The name of a group in addresses: `damaged-on-disk`."""
    return title.replace(" ", "-")


def _describe_group(group: Group, report: Report) -> dict[str, Any]:
    return {
        "slug": _slug(group.title),
        "title": group.title,
        "modules": group.modules,
        "retry": group.retry,
        "causes": [(place, report.causes[place]) for place in group.causes[:_MOST_CAUSES]],
        "more": len(group.causes) - _MOST_CAUSES,
    }


def _choose_folders(report: Report) -> dict[str, Any]:
    """The folders with the most modules that are not converted, in the order of their paths."""
    folders = group_by_folder(report.modules)
    urgent = sorted(folders, key=lambda folder: (folder.converted - folder.modules, folder.path))
    chosen: list[Folder] = sorted(urgent[:_MOST_FOLDERS], key=lambda folder: folder.path)
    return {"shown": chosen, "all": len(folders)}


def _data(report: Report, links: Links) -> dict[str, Any]:
    causes = {path: at for at, cause in enumerate(report.causes) for path in cause.paths}
    rows, at = [], 0
    for module in report.modules:
        length = len(_packed(module))
        rows.append([*_row(module), causes.get(module.path), at, length])
        at += length + 1
    return {
        "columns": _COLUMNS,
        "rows": rows,
        "labels": LABELS,
        "causes": [{"kind": cause.kind, "shape": cause.shape} for cause in report.causes],
        "groups": [
            {"slug": _slug(group.title), "title": group.title, "causes": group.causes}
            for group in report.groups
        ],
        "models": links.models,
        "durations": duration_bars(report.totals),
        "histogram": report.totals.histogram,
    }


def _row(module: Module) -> list[Any]:
    parity = module.parity
    return [
        module.path,
        module.outcome,
        module.seconds if module.attempts else None,
        module.source_bytes,
        module.destination_bytes,
        module.variable_count,
        parity and parity.tensors,
        parity and parity.bit_equal,
        parity and parity.verdict,
        parity and to_json_values(parity.worst_rel),
        len(module.warnings),
    ]
