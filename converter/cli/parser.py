"""The parser of command lines."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NoReturn

from absl.flags import argparse_flags

from converter.printable import printable

_OPTION = re.compile(r"(?<![\w-])--[a-z][\w-]*")


class Parser(argparse_flags.ArgumentParser):
    """A parser that knows absl's flags, and whose errors are one printable line after the usage."""

    def error(self, message: str) -> NoReturn:
        """See the base class."""
        super().error(printable(message))
        raise AssertionError("the parser has ended the process")


def parse_command(
    parser: Parser, commands: Mapping[str, argparse.ArgumentParser], words: Sequence[str]
) -> argparse.Namespace:
    """Parses a command line that begins with a command.

    Without words, or with `help` before the command, it prints help and exits with status 0. Wrong
    use exits with status 2, after the usage of the command and with the name that is most alike.

    Args:
      parser: The parser of the whole line.
      commands: The parser of each command.
      words: The command line, without the program.
    """
    if not words or words[0] == "help":
        words = [*words[1:], "--help"]
    first = words[0]
    if not first.startswith("-") and first not in commands:
        parser.error(f"there is no command {first!r}{_suggest(first, commands)}")
    arguments, unknown = parser.parse_known_args(words)
    if unknown:
        command = commands[arguments.command]
        options = _OPTION.findall(command.format_help())
        suggestion = _suggest(unknown[0].partition("=")[0], options)
        command.error(f"unrecognized arguments: {' '.join(unknown)}{suggestion}")
    return arguments


def _suggest(name: str, names: Iterable[str]) -> str:
    alike = difflib.get_close_matches(name, list(names), 1)
    return f"; did you mean {alike[0]}?" if alike else ""
