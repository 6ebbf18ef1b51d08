"""The terminal, as all commands use it: progress and errors on stderr, results on stdout."""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from converter.cli.loudness import is_quiet
from converter.printable import printable, printable_json
from converter.processes import garbage_collection
from converter.processes.hidden_stderr import hidden_stderr

if TYPE_CHECKING:
    # Imported where it is used, so that help and errors do not wait for it.
    from converter.display.console import Console


def output_console() -> Console:
    """Returns the console for results.

    Where stdout is not a terminal, it is as wide as COLUMNS says, or 100 columns, and leaves out
    the blanks that end a line.
    """
    from converter.display.console import Console, WithoutTrailingBlanks

    if sys.stdout.isatty():
        return Console()
    width = None if os.environ.get("COLUMNS", "").isdigit() else 100
    # Consoles make texts printable themselves, so they write to the stream itself.
    stream = getattr(sys.stdout, "rich_proxied_file", sys.stdout)
    return Console(width=width, file=WithoutTrailingBlanks(stream))


def say_error(text: str) -> None:
    """Prints an error as one line on stderr."""
    print(f"tf1hub: error: {printable(text)}", file=sys.stderr)  # noqa: T201


def say_warning(text: str, *, even_if_quiet: bool = False) -> None:
    """Prints a warning as one line on stderr; with -q only if it says so."""
    if even_if_quiet or not is_quiet():
        print(f"tf1hub: warning: {printable(text)}", file=sys.stderr)  # noqa: T201


def say_step(text: str) -> None:
    """Prints a step as one line on stderr, and flushes it, unless -q is given."""
    if not is_quiet():
        print(f"tf1hub: {printable(text)}", file=sys.stderr, flush=True)  # noqa: T201


def print_json(values: Any) -> None:
    """Prints `values` as one JSON document on stdout."""
    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False)
    print(printable_json(text))  # noqa: T201


def print_text(text: str) -> None:
    """Prints lines on stdout, whatever their lengths are."""
    print(text)  # noqa: T201


def import_tensorflow() -> None:
    """Imports TensorFlow, and discards what it writes to stderr while it starts."""
    if "tensorflow" not in sys.modules:
        with hidden_stderr(), garbage_collection.importing():
            importlib.import_module("tensorflow")


def parse_tags(text: str) -> list[str]:
    """Parses a tag set of the command line: `gen,bs8`; the empty string is the empty set."""
    return [tag.strip() for tag in text.split(",") if tag.strip()]
