"""Makes text of strangers harmless where people read it: terminals, logs, pages, spreadsheets.

Names of nodes, signatures, files and tags may hold anything. A terminal obeys control characters;
bidirectional controls show text in another order than it has; and invisible characters make two
names look the same.
"""

from __future__ import annotations

import re

# A table of our own: `str.isprintable` differs between versions of Python.
_UNPRINTABLE = (
    "\x00-\x1f\x7f-\x9f"  # C0 and C1.
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # Invisible.
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # Zero width, line separators, bidirectional.
    "\ufe00-\ufe0f\ufeff\ufff0-\ufffb\ufffe\uffff"  # Variation selectors, and what is no character.
    "\ud800-\udfff"  # Lone surrogates: Python has them for bytes that are not UTF-8.
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # Invisible.
)
_ONE_LINE = re.compile(f"[{_UNPRINTABLE}]")
_LINES = re.compile(f"(?![\t\n])[{_UNPRINTABLE}]")
_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def printable(text: str) -> str:
    """Returns one line of text, with an escape for each unprintable character."""
    return text if text.isascii() and text.isprintable() else _ONE_LINE.sub(_escape, text)


def printable_lines(text: str) -> str:
    """Returns text of several lines as `printable` does, but keeps newlines and tabs."""
    return _LINES.sub(_escape, text)


def printable_json(document: str) -> str:
    """Returns the same JSON document, with escapes for unprintable characters in its strings."""
    return _LINES.sub(_escape_json, document)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x100:
        return _SHORT.get(found[0]) or f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _escape_json(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", errors="surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
