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
from collections.abc import Iterable

from converter.spelling import in_python

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_FILES = ("catalogue.toml", "foreign_messages.toml")
_VARIABLE = re.compile(r"\{\w+\}")
_WORD = re.compile(r"[a-z_]{3,}")
_LEAST_LETTERS = 6  # A template with fewer than these of its own would match anything.
_LEAST_SHARE = 0.5  # Of the weight of a text's words, what a message that is like it has.
_MOST = 5


@dataclasses.dataclass(frozen=True, slots=True)
class Message:
    """A message that users meet.

    Attributes:
      error: The name of its class in `converter.errors`, or of the package that says it.
      text: Its template: `{braces}` stand for what varies.
      cause: Why it appears, in terms of TF1 or of what the user did; empty if nobody wrote it yet.
      remedy: What to do about it; empty if nobody wrote it yet.
    """

    error: str
    text: str
    cause: str = ""
    remedy: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether it has a cause and a remedy."""
        return bool(self.cause and self.remedy)


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
      The messages, the likeliest first, five at most: those whose templates the text has; else
      those that have the text; else those that have most of its words, rare words counting more.
      None if no message has half of them.

    Example:
      >>> converter.explain("No module named 'pkg_resources'")[0].remedy
      "`pip install 'setuptools<82'`, or `pip install 'tf1hub-converter[train]'`, which brings it."
    """
    wanted = " ".join(text.split())
    messages = _read_all()
    found = (
        _find_templates(wanted, messages)
        or [m for m in messages if len(wanted) > 2 and wanted.lower() in m.text.lower()]
        or _find_alike(wanted, messages)
    )
    return tuple(found[:_MOST])


@functools.cache
def _read_all() -> tuple[Message, ...]:
    folder = pathlib.Path(__file__).parent
    return tuple(message for name in _FILES for message in read_messages(folder / name))


def _find_templates(text: str, messages: Iterable[Message]) -> list[Message]:
    """The messages whose templates are in the text, those with more letters of their own first."""
    found = {}
    for message in messages:
        letters = count_letters(message.text)
        if letters >= _LEAST_LETTERS and _pattern(message.text).search(text):
            found[message] = letters
    most = max(found.values(), default=0)
    return sorted((m for m in found if found[m] * 2 > most), key=lambda m: -found[m])


def count_letters(template: str) -> int:
    """How many letters a template has besides what varies."""
    return sum(map(str.isalpha, _VARIABLE.sub("", template)))


def _pattern(template: str) -> re.Pattern[str]:
    """Matches what has a template, with options as either language spells them."""
    spellings = dict.fromkeys((template, in_python(template)))
    patterns = (
        ".+?".join(re.escape(part) for part in _VARIABLE.split(text.rstrip(".")))
        for text in spellings
    )
    return re.compile("|".join(patterns), re.IGNORECASE)


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
