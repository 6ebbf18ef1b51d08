"""Tables in the style of all results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Imported where it is used, so that help and errors do not wait for it.
    from rich.table import Table


def make_table(*columns: str, title: str | None = None) -> Table:
    """Makes a table in the style of all results."""
    import rich.box
    from rich.table import Table

    table = Table(
        *columns,
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=rich.box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for column in table.columns:
        column.overflow = "fold"
    return table


def format_shape(shape: Sequence[int | None] | None) -> str:
    """Formats a static shape: `[?, 224, 224, 3]`."""
    if shape is None:
        return "of any rank"
    return "[" + ", ".join("?" if size is None else str(size) for size in shape) + "]"


def format_type(kind: str, dtype: str, shape: Sequence[int | None] | None) -> str:
    """Formats the type of an input or output: `float32 [?, 3]`, `sparse int64 [?, ?]`."""
    of_kind = "" if kind == "dense" else f"{kind} "
    return f"{of_kind}{dtype} {format_shape(shape)}"


def count_left(number: int, more: str = "") -> str:
    """Counts the rows that a table leaves out: `… 12 more: --all lists them`."""
    return f"… {number} more{more and f': {more}'}"
