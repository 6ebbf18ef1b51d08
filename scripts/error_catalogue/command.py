"""Lists all messages of errors in `docs/errors.md`, with their causes and remedies.

Reads the messages from the code, and brings `converter/catalogue.toml` up to date: adds new
messages, whose causes people then write into it, and carries those of reworded messages over.
Then it writes the page. Fails while a message lacks its cause or remedy.
"""

from __future__ import annotations

import argparse
import pathlib
from collections.abc import Sequence

from converter.catalogue import Message, read_messages
from error_catalogue.catalogue_file import format_messages, update_messages
from error_catalogue.page import format_page
from error_catalogue.raise_sites import find_raise_sites

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str] | None = None, root: pathlib.Path = ROOT) -> int:
    """Runs the command on the project in `root`."""
    parser = argparse.ArgumentParser("list_errors", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if it would")
    options = parser.parse_args(arguments)
    catalogue = root / "converter" / "catalogue.toml"
    known = read_messages(catalogue)
    messages = update_messages(known, find_raise_sites(root / "converter"))
    foreign = read_messages(root / "converter" / "foreign_messages.toml")
    files = {
        catalogue: format_messages(messages),
        root / "docs" / "errors.md": format_page(messages, foreign),
    }
    problems = [f"without cause or remedy: {m.text}" for m in messages if not m.is_complete]
    if options.check:
        problems += _changes(known, messages)
        problems += [
            f"out of date: {path.relative_to(root)}"
            for path, text in files.items()
            if not path.exists() or path.read_text() != text
        ]
    else:
        for path, text in files.items():
            path.write_text(text)
        print("\n".join(_changes(known, messages)))
    if problems:
        print(*problems, "Complete converter/catalogue.toml and run scripts/list_errors.", sep="\n")
    return 1 if problems else 0


def _changes(known: Sequence[Message], messages: Sequence[Message]) -> list[str]:
    before, after = ({(m.error, m.text) for m in some} for some in (known, messages))
    return [
        *(f"no longer in the code: {error}: {text}" for error, text in sorted(before - after)),
        *(f"new in the code: {error}: {text}" for error, text in sorted(after - before)),
    ]
