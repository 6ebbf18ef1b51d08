"""Results that people read: `str` and `print`, a notebook's view, and a short `repr`."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from converter.printable import printable

if TYPE_CHECKING:
    # Imported where it is used: a result may never be shown.
    from converter.display.console import Console

_WIDTH = 100  # Columns, where neither COLUMNS nor a terminal says.
Show: TypeAlias = "Callable[[Console], None]"


class Shown:
    """A result that prints itself to a console; its text and its HTML follow from that."""

    __slots__ = ()

    def _show(self, console: Console) -> None:
        """Prints the result as commands do."""
        raise NotImplementedError

    def _headline(self) -> str:
        """The result in a few words, for `repr`."""
        raise NotImplementedError

    def __str__(self) -> str:
        return to_text(self._show)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {printable(self._headline())}>"

    def _repr_html_(self) -> str:
        return to_html(self._show)


def to_text(show: Show) -> str:
    """Returns what is printed as text without colors, as wide as COLUMNS or the terminal says."""
    from converter.display.console import Console, WithoutTrailingBlanks

    stream = io.StringIO()
    width = shutil.get_terminal_size((_WIDTH, 1)).columns
    console = Console(file=WithoutTrailingBlanks(stream), width=width, no_color=True,
                      force_terminal=False)  # fmt: skip
    show(console)
    return stream.getvalue().rstrip("\n")


def to_html(show: Show, before: str = "") -> str:
    """Returns what is printed as HTML.

    Args:
      show: Prints it.
      before: Markup in front of it.
    """
    from converter.display.html_console import HtmlConsole

    console = HtmlConsole(width=_WIDTH)
    show(console)
    return console.to_html(before)
