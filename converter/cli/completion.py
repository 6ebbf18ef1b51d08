"""Prints the script by which a shell completes commands, flags, values and paths of `tf1hub`.

    tf1hub completion bash > ~/.local/share/bash-completion/completions/tf1hub
    tf1hub completion zsh > ~/.tf1hub.zsh    # and in ~/.zshrc: source ~/.tf1hub.zsh
    tf1hub completion fish > ~/.config/fish/completions/tf1hub.fish

The script has all words in it, so completing runs nothing; print it again after an upgrade.

Exit status: 0 printed; 2 wrong use.
"""

from __future__ import annotations

import argparse

from converter.cli import terminal
from converter.cli.completion_scripts import SCRIPTS, describe

NAME = "completion"
HELP = "print the script that completes words in a shell"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the subcommand."""
    parser.add_argument("shell", choices=tuple(SCRIPTS), help="the shell")


def run(arguments: argparse.Namespace) -> int:
    """Runs the subcommand."""
    from converter.cli.main import make_parser

    terminal.print_text(SCRIPTS[arguments.shell](describe(make_parser())).rstrip("\n"))
    return 0
