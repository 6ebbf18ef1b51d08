"""A console that makes HTML of what is printed, for notebooks."""

from __future__ import annotations

import html
import io
from collections.abc import Iterable
from typing import Any

from rich.style import Style
from rich.table import Column, Table
from rich.terminal_theme import DEFAULT_TERMINAL_THEME
from rich.text import Text

from converter.display.console import Console
from converter.printable import printable_lines

_BLOCK = "white-space: pre-wrap; margin: 0.2em 0"
_CELL = "vertical-align: top; overflow-wrap: break-word; white-space: "


class HtmlConsole(Console):
    """Takes texts and tables; nothing in them is markup of HTML."""

    def __init__(self, **options: Any) -> None:
        super().__init__(file=io.StringIO(), **options)
        self._parts: list[str] = []

    def print(
        self, *objects: Any, style: str | Style | None = None, markup: bool | None = None,
        **options: Any,
    ) -> None:  # fmt: skip
        """Adds a paragraph for a text, and a table for a table."""
        del options  # Of lines: a browser makes them.
        for item in objects:
            if isinstance(item, Table):
                self._parts.append(self._table(item))
            else:
                text = item if isinstance(item, Text) else self._text(str(item), markup=markup)
                self._parts.append(f'<div style="{_BLOCK}">{self._spans(text, style)}</div>')

    def to_html(self, before: str = "") -> str:
        """Returns some markup, and all that was printed, as one element."""
        return f'<div class="tf1hub">{before}{"".join(self._parts)}</div>'

    def _text(self, text: str, *, markup: bool | None = None) -> Text:
        return self.render_str(text, markup=markup, emoji=False, highlight=False)

    def _spans(self, text: Text, style: str | Style | None = None) -> str:
        base = self.get_style(style) if style else Style()
        spans = []
        for segment in text.render(self):
            css = (base + (segment.style or Style())).get_html_style(DEFAULT_TERMINAL_THEME)
            shown = html.escape(printable_lines(segment.text))
            spans.append(f'<span style="{html.escape(css)}">{shown}</span>' if css else shown)
        return "".join(spans)

    def _table(self, table: Table) -> str:
        title = self._cell_text(table.title or "").plain.strip()
        caption = f"<caption style='text-align: left'><b>{_escape(title)}</b></caption>"
        head = self._row("th", [(column, column.header) for column in table.columns])
        rows = zip(*(list(column.cells) for column in table.columns), strict=True)
        body = [self._row("td", zip(table.columns, row, strict=True)) for row in rows]
        return (
            f"<table>{caption if title else ''}<thead>{head}</thead>"
            f"<tbody>{''.join(body)}</tbody></table>"
        )

    def _row(self, tag: str, cells: Iterable[tuple[Column, Any]]) -> str:
        shown = (
            f'<{tag} style="text-align: {_side(column)}; {_CELL}{_wrapping(column)}">'
            f"{self._spans(self._cell_text(cell))}</{tag}>"
            for column, cell in cells
        )
        return f"<tr>{''.join(shown)}</tr>"

    def _cell_text(self, cell: Any) -> Text:
        return cell if isinstance(cell, Text) else self._text(str(cell))


def _wrapping(column: Column) -> str:
    return "pre" if column.no_wrap or column.justify == "right" else "pre-wrap"


def _side(column: Column) -> str:
    return "right" if column.justify == "right" else "left"


def _escape(text: str) -> str:
    return html.escape(printable_lines(text))
