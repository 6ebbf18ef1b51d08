"""The messages that users meet, with their causes and remedies.

`catalogue.toml` has every message of this package's errors, and `foreign_messages.toml` those of
TensorFlow, tensorflow_hub and Keras that TF1 modules lead to.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import math
import pathlib
import re
import sys
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING

from converter.display.shown import Shown
from converter.spelling import in_python

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from converter.display.console import Console

_FILES = ("catalogue.toml", "foreign_messages.toml")
_VARIABLE = re.compile(r"\{\w+\}")
_WORD = re.compile(r"[a-z_]{3,}")
_LEAST_LETTERS = 6  # A template with fewer than these of its own would match anything.
_LEAST_SHARE = 0.5  # Of the weight of a text's words, what a message that is like it has.
_MOST = 5
_INDENT = "    "


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class Message(Shown):
    """A message that users meet.

    Attributes:
      error: The name of its class in `converter.errors`, or of the package that says it.
      text: Its template: `{braces}` stand for what varies.
      cause: Why it appears, in terms of TF1 or of what the user did; empty if nobody wrote it yet.
      remedy: What to do about it; empty if nobody wrote it yet.

    Example:
      ```python
      (message,) = converter.explain("No module named 'pkg_resources'")
      assert message.is_complete
      ```
    """

    error: str
    text: str
    cause: str = ""
    remedy: str = ""

    def _headline(self) -> str:
        return f"{self.error}: {self.text}"

    def _show(self, console: Console) -> None:
        print_messages((self,), console)

    @property
    def is_complete(self) -> bool:
        """Whether it has a cause and a remedy."""
        return bool(self.cause and self.remedy)


class Explanation(Shown, tuple[Message, ...]):
    """The messages that explain a text, the likeliest first."""

    __slots__ = ()

    def _headline(self) -> str:
        return "; ".join(f"{message.error}: {message.text}" for message in self) or "none"

    def _show(self, console: Console) -> None:
        if self:
            print_messages(self, console)
        else:
            console.print("No message is like this text.")


def print_messages(messages: Iterable[Message], console: Console) -> None:
    """Prints messages, each with its cause and its remedy."""
    blocks = [
        "\n".join(
            [
                f"{message.error}: {message.text}",
                *_wrap(message.cause, console.width),
                *_wrap(f"Remedy: {message.remedy}", console.width),
            ]
        )
        for message in messages
    ]
    console.print("\n\n".join(blocks), soft_wrap=True, markup=False)


def _wrap(text: str, width: int) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )


def read_messages(path: pathlib.Path) -> list[Message]:
    """Reads a file of messages; gives none if there is no file."""
    if not path.exists():
        return []
    return [Message(**entry) for entry in tomllib.loads(path.read_text("utf-8"))["message"]]


def explain(text: str) -> tuple[Message, ...]:
    """Finds the messages that a text has, or that are most like it.

    Args:
      text: What was printed, with or without what stood around it; or some words of it.

    Returns:
      The messages, a tuple that prints itself, the likeliest first, five at most: those whose
      templates the text has; else those that have the text; else those that have most of its words,
      rare words counting more. It is empty if no message has half of them.

    Raises:
      TypeError: if `text` is not a string.

    Example:
      ```python
      found = converter.explain("No module named 'pkg_resources'")
      print(found)  # Each message with its cause and remedy.
      print(found[0].remedy)
      ```
    """
    wanted = " ".join(text.split())
    messages = _read_all()
    found = (
        _find_templates(wanted, messages)
        or [m for m in messages if len(wanted) > 2 and wanted.lower() in m.text.lower()]
        or _find_alike(wanted, messages)
    )
    return Explanation(found[:_MOST])


@functools.cache
def _read_all() -> tuple[Message, ...]:
    folder = pathlib.Path(__file__).parent
    return tuple(message for name in _FILES for message in read_messages(folder / name))


def _find_templates(text: str, messages: Iterable[Message]) -> list[Message]:
    """The messages whose templates are in the text, those with more letters of their own first."""
    found, text = {}, text.lower()
    for message in messages:
        letters = count_letters(message.text)
        # Options as either language spells them.
        spellings = dict.fromkeys((message.text, in_python(message.text)))
        if letters >= _LEAST_LETTERS and any(_has(text, template) for template in spellings):
            found[message] = letters
    most = max(found.values(), default=0)
    return sorted((m for m in found if found[m] * 2 > most), key=lambda m: -found[m])


def find_remedy(errors: Iterable[str], text: str) -> str:
    """The remedy for a message of this package's errors; empty if the catalogue has none for it.

    Args:
      errors: The name of the error's class, and of those above it.
      text: The whole message.
    """
    made_from = [
        message
        for error in errors
        for message in _remedies().get(error, ())
        if _is_made_from(text, message.text)
    ]
    return max(made_from, key=lambda m: count_letters(m.text)).remedy if made_from else ""


@functools.cache
def _remedies() -> dict[str, list[Message]]:
    """The messages whose remedies are the same for whatever varies, by the class of the error."""
    by_error = collections.defaultdict(list)
    for message in _read_all():
        if count_letters(message.text) >= _LEAST_LETTERS and not _VARIABLE.search(message.remedy):
            by_error[message.error].append(message)
    return dict(by_error)


def _is_made_from(text: str, template: str) -> bool:
    """Whether a text is a template with something in each place that varies.

    Takes time in proportion to the text, as a regular expression would not: strangers choose what
    stands in these places.
    """
    first, *rest = _VARIABLE.split(template)
    if not rest:
        return text == first
    *middle, last = rest
    at = len(first)
    for part in middle:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return text.startswith(first) and text.endswith(last) and len(text) - len(last) >= at


def count_letters(template: str) -> int:
    """How many letters a template has besides what varies."""
    return sum(map(str.isalpha, _VARIABLE.sub("", template)))


def _has(text: str, template: str) -> bool:
    """Whether a text in lower case has a template, with something in each place that varies.

    Each part is taken where it first follows the one before, so the time is in proportion to the
    text.
    """
    first, *rest = _VARIABLE.split(template.lower().rstrip("."))
    start = text.find(first)
    end = start + len(first)
    for part in rest:
        if start < 0:
            return False
        start = text.find(part, end + 1)
        end = start + len(part)
    return start >= 0


def _find_alike(text: str, messages: tuple[Message, ...]) -> list[Message]:
    """The messages that have most of the words of the text, weighted by how rare they are."""
    words = [_words(message) for message in messages]
    frequency = collections.Counter(word for some in words for word in some)
    weights = {
        word: math.log(len(messages) / max(1, frequency[word]))
        for word in set(_WORD.findall(text.lower()))
    }
    total = sum(weights.values())
    scores = [sum(weights.get(word, 0) for word in some) for some in words]
    order = sorted(range(len(messages)), key=lambda index: -scores[index])
    return [messages[index] for index in order if scores[index] >= _LEAST_SHARE * total > 0]


def _words(message: Message) -> set[str]:
    return set(_WORD.findall(_VARIABLE.sub("", f"{message.error} {message.text}").lower()))
