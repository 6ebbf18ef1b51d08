"""The parser of command lines."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

from absl.flags import argparse_flags

from converter.cli.loudness import add_loudness
from converter.printable import printable


class Parser(argparse_flags.ArgumentParser):
    """A parser that knows absl's flags, and whose errors are one printable line after the usage.

    Its `-v` takes no number, unlike absl's: it is `--verbose`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(conflict_handler="resolve", **options)
        add_loudness(self)

    def error(self, message: str) -> NoReturn:
        """See the base class."""
        super().error(printable(message))
        raise AssertionError("the parser has ended the process")

    def visible_actions(self) -> Iterator[argparse.Action]:
        """Yields the arguments that its help shows."""
        return (action for action in self._actions if action.help is not argparse.SUPPRESS)

    def commands(self) -> Mapping[str, Parser]:
        """Returns the parsers of its commands, by name; none if it has none."""
        return next((a.choices for a in self._actions if _has_commands(a)), {})

    def command_helps(self) -> Mapping[str, str]:
        """Returns what each of its commands does, in a few words."""
        action = next((a for a in self._actions if _has_commands(a)), None)
        listed = action._get_subactions() if action is not None else ()  # noqa: SLF001
        return {each.dest: each.help or "" for each in listed}

    def innermost(self, arguments: argparse.Namespace) -> Parser:
        """Returns the parser of the command, or of its topic, that the arguments name."""
        action = next((a for a in self._actions if _has_commands(a)), None)
        name = getattr(arguments, action.dest, None) if action is not None else None
        return self.commands()[name].innermost(arguments) if name is not None else self


def _has_commands(action: argparse.Action) -> bool:
    return isinstance(action, argparse._SubParsersAction)  # noqa: SLF001 - it has no other name


def parse_command(parser: Parser, words: Sequence[str]) -> argparse.Namespace:
    """Parses a command line that begins with a command.

    Without words, or with `help` before the command, it prints help and exits with status 0. Wrong
    use exits with status 2, after the usage of the command and with the name that is most alike.

    Args:
      parser: The parser of the whole line.
      words: The command line, without the program.
    """
    if not words or words[0] == "help":
        words = [*(word for word in words if word != "help"), "--help"]
    first = words[0]
    if not first.startswith("-") and first not in parser.commands():
        parser.error(f"there is no command {first!r}{_suggest(first, parser.commands())}")
    arguments, unknown = parser.parse_known_args(words)
    if unknown:
        command = parser.innermost(arguments)
        options = [name for action in command.visible_actions() for name in action.option_strings]
        suggestion = _suggest(unknown[0].partition("=")[0], options)
        command.error(f"unrecognized arguments: {' '.join(unknown)}{suggestion}")
    return arguments


def _suggest(name: str, names: Iterable[str]) -> str:
    by_word = {each.lstrip("-"): each for each in names}  # Dashes would make all flags alike.
    alike = difflib.get_close_matches(name.lstrip("-"), by_word, 1)
    return f"; did you mean {by_word[alike[0]]}?" if alike else ""
