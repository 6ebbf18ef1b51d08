"""An N² chart as SVG: boxes down a diagonal, and a corner line for each import.

A line leaves the importing box on its left, turns up at the column of the imported box, and ends
below that in an arrowhead. Lines of one row, and of one column, run together; a dot marks each
turn. An import against the order leaves on the right and turns down, in red.
"""

from __future__ import annotations

import collections
from collections.abc import Collection, Iterator, Sequence

BOX_WIDTH, BOX_HEIGHT = 124, 30
STEP_X, STEP_Y = 76, 46
MARGIN = 16
HEAD = 6  # Length of an arrowhead.

STYLE = """\
.background { fill: #ffffff }
.box { fill: #e8f0fe; stroke: #3b6fb6 }
.name { fill: #14264a; font: 600 14px ui-monospace, Menlo, Consolas, monospace }
.name, .head { text-anchor: middle }
.note { fill: #57606a; font: 14px system-ui, "Segoe UI", Helvetica, Arial, sans-serif }
.line { fill: none; stroke: #94a3b8; stroke-width: 1.5 }
.dot, .head { fill: #3b6fb6 }
.up.line { stroke: #d1242f; stroke-width: 2 }
.up.dot, .up.head { fill: #d1242f }
@media (prefers-color-scheme: dark) {
  .background { fill: #0d1117 }
  .box { fill: #172a46; stroke: #6ea8fe }
  .name { fill: #e6edf3 }
  .note { fill: #9198a1 }
  .line { stroke: #5b6675 }
  .dot, .head { fill: #6ea8fe }
  .up.line { stroke: #ff7b72 }
  .up.dot, .up.head { fill: #ff7b72 }
}
"""

NOTES = (
    "Each folder imports only from folders above it here.",
    "A dot: the folder in its row imports the one in its column.",
    "All may import errors, tf_private and version.",
)


def draw(rooms: Sequence[str], imports: Collection[tuple[str, str]]) -> str:
    """Draws the picture.

    Args:
      rooms: Names, in the order of the diagonal.
      imports: Pairs of the importing and the imported room.
    """
    width = 2 * MARGIN + BOX_WIDTH + STEP_X * (len(rooms) - 1)
    height = 2 * MARGIN + BOX_HEIGHT + STEP_Y * (len(rooms) - 1)
    order = {room: index for index, room in enumerate(rooms)}
    pairs = sorted((order[importer], order[imported]) for importer, imported in imports)
    title = "The folders of converter and the imports between them"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        f"<title>{title}</title>",
        f"<style>\n{STYLE}</style>",
        f'<rect class="background" width="{width}" height="{height}" rx="8"/>',
        *_lines(pairs),
        *sorted({_head(importer, imported) for importer, imported in pairs}),
        *(_dot(rooms, importer, imported) for importer, imported in pairs),
        *(_box(index, room) for index, room in enumerate(rooms)),
        *(
            f'<text class="note" x="{width - MARGIN}" y="{MARGIN + 18 + 22 * index}"'
            f' text-anchor="end">{note}</text>'
            for index, note in enumerate(NOTES)
        ),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _center(index: int) -> tuple[int, int]:
    return (
        MARGIN + BOX_WIDTH // 2 + STEP_X * index,
        MARGIN + BOX_HEIGHT // 2 + STEP_Y * index,
    )


def _side(importer: int, imported: int) -> int:
    """1 for a line to the left and up, as it should be; -1 for one to the right and down."""
    return 1 if imported < importer else -1


def _class(kind: str, importer: int, imported: int) -> str:
    return kind if imported < importer else f"up {kind}"


def _lines(pairs: Sequence[tuple[int, int]]) -> Iterator[str]:
    """The part of each row and each column that any import needs, each drawn once."""
    rows, columns = collections.defaultdict(list), collections.defaultdict(list)
    for importer, imported in pairs:
        side = _side(importer, imported)
        rows[importer, side].append(imported)
        columns[imported, side].append(importer)
    for (importer, side), ends in rows.items():
        end = min(ends) if side > 0 else max(ends)
        x, y = _center(importer)
        name = _class("line", importer, end)
        yield f'<path class="{name}" d="M{x - side * BOX_WIDTH // 2} {y}H{_center(end)[0]}"/>'
    for (imported, side), starts in columns.items():
        start = max(starts) if side > 0 else min(starts)
        x, y = _center(imported)
        name, tip = _class("line", start, imported), y + side * (BOX_HEIGHT // 2 + HEAD)
        yield f'<path class="{name}" d="M{x} {_center(start)[1]}V{tip}"/>'


def _head(importer: int, imported: int) -> str:
    column, y = _center(imported)
    side = _side(importer, imported)
    tip = y + side * (BOX_HEIGHT // 2 + 1)
    name = _class("head", importer, imported)
    return f'<path class="{name}" d="M{column} {tip}l{HEAD - 1} {side * HEAD}h{2 - 2 * HEAD}z"/>'


def _dot(rooms: Sequence[str], importer: int, imported: int) -> str:
    column, row = _center(imported)[0], _center(importer)[1]
    title = f"<title>{rooms[importer]} imports {rooms[imported]}</title>"
    name = _class("dot", importer, imported)
    return f'<circle class="{name}" cx="{column}" cy="{row}" r="4">{title}</circle>'


def _box(index: int, room: str) -> str:
    x, y = _center(index)
    return (
        f'<rect class="box" x="{x - BOX_WIDTH // 2}" y="{y - BOX_HEIGHT // 2}"'
        f' width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6"/>'
        f'<text class="name" x="{x}" y="{y + 5}">{room}</text>'
    )
