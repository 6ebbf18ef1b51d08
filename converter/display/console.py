"""Rich's console, for texts that strangers wrote."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any, TextIO

import rich.console
import rich.markup
from rich.segment import Segment

from converter.printable import printable, printable_lines

_TRAILING_BLANKS = re.compile(r" +$", re.MULTILINE)


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


class WithoutTrailingBlanks(io.TextIOBase):
    """A stream that leaves out the blanks that end a line, with which tables are padded."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the stream, by which tables choose their lines."""
        return self._stream.encoding

    def write(self, text: str) -> int:
        """See the base class."""
        self._stream.write(_TRAILING_BLANKS.sub("", text))
        return len(text)

    def flush(self) -> None:
        """See the base class."""
        self._stream.flush()


def escape(text: str) -> str:
    """Returns one line of text as markup that shows it as it is, but printable."""
    return rich.markup.escape(printable(text))
