"""Rich's console, for texts that strangers wrote."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import rich.console
import rich.markup
from rich.segment import Segment

from converter.printable import printable, printable_lines


class Console(rich.console.Console):
    """A console that prints no text raw; its own styles and cursor movements remain.

    It takes names for what they are: no numbers in colors, no `:smile:`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, emoji=False, **options)

    def render(
        self,
        renderable: rich.console.RenderableType,
        options: rich.console.ConsoleOptions | None = None,
    ) -> Iterator[Segment]:
        """See the base class."""
        for segment in super().render(renderable, options):
            if segment.control or not segment.text:
                yield segment
            else:
                yield segment._replace(text=printable_lines(segment.text))


def escape(text: str) -> str:
    """Returns one line of text as markup that shows it as it is, but printable."""
    return rich.markup.escape(printable(text))
