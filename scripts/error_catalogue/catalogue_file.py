"""`converter/catalogue.toml`: the cause and the remedy of each message, written by people."""

from __future__ import annotations

import dataclasses
import difflib
import json
from collections.abc import Iterable, Sequence

from converter.catalogue import Message
from error_catalogue.raise_sites import RaiseSite

_HEADER = """\
# The messages of all errors, with their causes and remedies. People write the causes, and those
# remedies that the code does not give; `scripts/list_errors` keeps all else as the code has it.
"""
_SAME_MESSAGE = 0.6  # How alike two texts are, at least, of which one became the other.


def format_messages(messages: Iterable[Message]) -> str:
    """The contents of the file."""
    # A JSON string is a TOML string, but for characters that no message has.
    entries = (
        "".join(
            f"{key} = {json.dumps(value, ensure_ascii=False)}\n"
            for key, value in dataclasses.asdict(message).items()
        )
        for message in messages
    )
    return _HEADER + "".join(f"\n[[message]]\n{entry}" for entry in entries)


def update_messages(known: Sequence[Message], sites: Iterable[RaiseSite]) -> list[Message]:
    """The messages of the code, in order, with the causes and remedies that are known.

    A message that was reworded keeps its cause, if it is like only one that is gone. The code's
    own remedy comes before the one in the file.
    """
    remedies: dict[tuple[str, str], str] = {}
    for site in sites:
        key = (site.error, site.text)
        remedies[key] = remedies.get(key) or site.remedy or ""
    by_key = {(message.error, message.text): message for message in known}
    gone = [message for key, message in by_key.items() if key not in remedies]
    updated = []
    for (error, text), remedy in sorted(remedies.items()):
        old = by_key.get((error, text)) or _find_reworded(error, text, gone) or Message(error, text)
        updated.append(Message(error, text, old.cause, remedy or old.remedy))
    return updated


def _find_reworded(error: str, text: str, gone: Sequence[Message]) -> Message | None:
    """The message that became `text`, among those that the code no longer has."""
    alike = difflib.get_close_matches(
        text, [message.text for message in gone if message.error == error], 1, _SAME_MESSAGE
    )
    return next((m for m in gone if alike == [m.text] and m.error == error), None)
