"""Fits the remedy of an error to the command that prints it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from converter.cli.parser import Parser
from converter.spelling import find_flags


def fit(text: str, parser: Parser, arguments: argparse.Namespace) -> str:
    """Says of each flag in a message that the command lacks which commands have it.

    Args:
      text: The message.
      parser: The parser of the whole command line.
      arguments: The arguments of the command.
    """
    own = _flags(parser.innermost(arguments))
    others = {name: _flags(command) for name, command in parser.commands().items()}
    notes = []
    for flag in find_flags(text):
        owners = [f"`tf1hub {name}`" for name, flags in others.items() if flag in flags]
        if flag not in own and owners:
            notes.append(f"{flag} is a flag of {_join(owners)}.")
    return " ".join([text, *notes])


def _flags(parser: Parser) -> set[str]:
    return {name for action in _actions(parser) for name in action.option_strings}


def _actions(parser: Parser) -> Iterator[argparse.Action]:
    yield from parser.visible_actions()
    for below in parser.commands().values():
        yield from _actions(below)


def _join(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
