"""The page as one HTML file: style, scripts and data are in it, and nothing is loaded.

A content security policy with the digests of its one style and its one script keeps everything
else from running, whatever a module's name or an error's text may be.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
import json
from typing import Any

import jinja2
import markupsafe

from converter.page import wording
from converter.page.charts import duration_bars, outcome_segments
from converter.page.collect import Migration
from converter.page.meanings import LABELS, MEANINGS
from converter.page.totals import Totals
from converter.page.untrusted import Json, to_json
from converter.version import __version__

_WEB = importlib.resources.files("converter.page") / "web"
_SCRIPTS = (
    "text.js",
    "pictures.js",
    "parts.js",
    "comparison.js",
    "module.js",
    "table.js",
    "page.js",
)
_MOST_CAUSES = 50
_MOST_LINKS = 8
_MOST_RUNS = 20
_FILTERS = {
    "bytes": wording.format_bytes,
    "number": wording.format_number,
    "seconds": wording.format_seconds,
    "time": wording.format_time,
    "error": wording.format_error,
}
# What the table shows, sorts and searches; `web/page.js` names the columns by these.
_COLUMNS = (
    "path", "outcome", "seconds", "source_bytes", "destination_bytes", "variables", "tensors",
    "bit_equal", "verdict", "worst_rel", "warnings", "cause", "at", "length",
)  # fmt: skip


def to_html(migration: Migration, totals: Totals) -> bytes:
    """The page."""
    style, script = _read("page.css"), _script()
    template = _environment().from_string(_read("page.html.j2"))
    return template.render(
        policy=_policy(style, script),
        style=markupsafe.Markup(style),
        script=markupsafe.Markup(script),
        data=_for_script(_data(migration, totals)),
        details="\n".join(module.packed for module in migration.modules),
        migration=migration,
        totals=totals,
        segments=outcome_segments(totals),
        labels=LABELS,
        meanings=MEANINGS,
        most_causes=_MOST_CAUSES,
        most_links=_MOST_LINKS,
        runs=list(reversed(migration.runs[-_MOST_RUNS:])),
        as_of=max((run["started"] + run["seconds"] for run in migration.runs), default=0.0),
        converter=__version__,
    ).encode()


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(_FILTERS)
    return environment


def _read(name: str) -> str:
    return (_WEB / name).read_text(encoding="utf-8")


def _script() -> str:
    """The scripts as one, in which their names are their own."""
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
    """JSON that stands in a `<script>`: nothing in it can end the element, or begin a comment."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return markupsafe.Markup(text)


def _data(migration: Migration, totals: Totals) -> Json:
    causes = {path: at for at, cause in enumerate(migration.causes) for path in cause.paths}
    rows, at = [], 0
    for module in migration.modules:
        rows.append(_row(module.facts, causes.get(module.facts["path"]), at, len(module.packed)))
        at += len(module.packed) + 1
    return {
        "columns": _COLUMNS,
        "rows": rows,
        "labels": LABELS,
        "causes": [{"kind": cause.kind, "shape": cause.shape} for cause in migration.causes],
        "durations": duration_bars(totals),
        "histogram": totals.histogram,
    }


def _row(facts: Json, cause: int | None, at: int, length: int) -> list[Any]:
    parity = facts["parity"] or {}
    worst = parity.get("worst_rel")
    return [
        facts["path"],
        facts["outcome"],
        facts["seconds"] if facts["attempts"] else None,
        facts["source_bytes"],
        facts["destination_bytes"],
        facts["variable_count"],
        parity.get("tensors"),
        parity.get("bit_equal"),
        parity.get("verdict"),
        None if worst is None else to_json(float(worst)),
        len(facts["warnings"]),
        cause,
        at,
        length,
    ]
