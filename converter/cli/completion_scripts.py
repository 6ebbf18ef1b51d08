"""Scripts that complete the words of a command line, written from its parser.

They are static: to run Python at each press of the tabulator would take a quarter of a second.
"""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping

from converter.cli.parser import Parser

_PROGRAM = "tf1hub"


@dataclasses.dataclass(frozen=True, slots=True)
class Flag:
    """A flag.

    Attributes:
      names: Its names, such as `-q` and `--quiet`.
      help: What it does, in one line.
      takes_value: Whether a word follows that is its value.
      choices: The values that it takes; empty if any, such as a path.
    """

    names: tuple[str, ...]
    help: str
    takes_value: bool
    choices: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Command:
    """A command, or the program itself.

    Attributes:
      path: The words that lead to it: `("debug", "passes")`, or none for the program.
      commands: The commands that may follow, with what they do.
      choices: The values of its positional argument; empty if any, such as a path.
      flags: Its flags.
    """

    path: tuple[str, ...]
    commands: Mapping[str, str]
    choices: tuple[str, ...]
    flags: tuple[Flag, ...]


def describe(parser: Parser) -> tuple[Command, ...]:
    """Describes a program: itself, its commands, and `help`, before which a command may stand."""
    program, *commands = _walk(parser, ())
    helped = Command(("help",), program.commands, (), ())
    with_help = {**program.commands, "help": "describe a command"}
    return (dataclasses.replace(program, commands=with_help), *commands, helped)


def _walk(parser: Parser, path: tuple[str, ...]) -> Iterator[Command]:
    actions = [a for a in parser.visible_actions() if "--helpfull" not in a.option_strings]
    below = parser.commands()
    choices = [a.choices for a in actions if a.choices and not a.option_strings and not below]
    flags = (
        Flag(
            tuple(action.option_strings),
            (action.help or "").replace("%%", "%"),
            takes_value=action.nargs != 0,
            choices=tuple(action.choices or ()),
        )
        for action in actions
        if action.option_strings
    )
    yield Command(path, parser.command_helps(), tuple(choices[0]) if choices else (), tuple(flags))
    for name, command in below.items():
        yield from _walk(command, (*path, name))


# The script finds the command by the words before the cursor. If the last of them is a flag with a
# value, it offers its values, and else commands, values or flags. Where it offers nothing, the
# shell completes paths.
_BASH = """\
# Completes the words of {program} in bash: source this file.
_{program}() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}
    local place='' words='' flags='' i
    COMPREPLY=()
    # Bash takes --name=value for three words.
    [[ $previous == '=' ]] && previous=${{COMP_WORDS[COMP_CWORD-2]}}
    [[ $current == '=' ]] && current=''
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$place/${{COMP_WORDS[i]}}" in
            {places}) place="$place/${{COMP_WORDS[i]}}" ;;
        esac
    done
    case "$place" in
{commands}
    esac
    case "$place $previous" in
{values}
        *) [[ $current == -* ]] && words=$flags ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o bashdefault -o default -F _{program} {program}
"""


def write_bash(commands: Iterable[Command]) -> str:
    """Writes the script for bash."""
    commands = tuple(commands)
    return _BASH.format(
        program=_PROGRAM,
        places=" | ".join(_place(command) for command in commands if command.path),
        commands="\n".join(map(_offer_in_bash, commands)),
        values="\n".join(line for command in commands for line in _offer_values(command)),
    )


def _place(command: Command) -> str:
    return "".join(f"/{word}" for word in command.path)


def _offer_in_bash(command: Command) -> str:
    words = " ".join((*command.commands, *command.choices))
    flags = " ".join(name for flag in command.flags for name in flag.names)
    place = shlex.quote(_place(command))
    return f"        {place}) words={shlex.quote(words)} flags={shlex.quote(flags)} ;;"


def _offer_values(command: Command) -> Iterator[str]:
    """Yields a line for the flags of a command with the same values."""
    with_value = [flag for flag in command.flags if flag.takes_value]
    for choices in dict.fromkeys(flag.choices for flag in with_value):
        names = [name for flag in with_value if flag.choices == choices for name in flag.names]
        patterns = " | ".join(shlex.quote(f"{_place(command)} {name}") for name in names)
        yield f"        {patterns}) words={shlex.quote(' '.join(choices))} ;;"


def write_zsh(commands: Iterable[Command]) -> str:
    """Writes the script for zsh, which runs that of bash."""
    loads = "autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n"
    return loads + write_bash(commands).replace("in bash: source", "in zsh: source", 1)


def write_fish(commands: Iterable[Command]) -> str:
    """Writes the script for fish."""
    lines = [f"# Completes the words of {_PROGRAM} in fish."]
    for command in commands:
        condition = _condition(command)
        for name, text in command.commands.items():
            lines.append(f"{condition} -f -a {name} -d {shlex.quote(text)}")
        if command.choices:
            lines.append(f"{condition} -f -a {shlex.quote(' '.join(command.choices))}")
        lines += (f"{condition}{_format_in_fish(flag)}" for flag in command.flags)
    return "\n".join(lines) + "\n"


def _condition(command: Command) -> str:
    """The start of a line that holds behind the words of a command."""
    if not command.path:
        return f"complete -c {_PROGRAM} -n __fish_use_subcommand"
    seen = [f"__fish_seen_subcommand_from {word}" for word in command.path]
    seen += [f"not __fish_seen_subcommand_from {word}" for word in command.commands]
    return f"complete -c {_PROGRAM} -n {shlex.quote('; and '.join(seen))}"


def _format_in_fish(flag: Flag) -> str:
    names = "".join(
        f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}" for name in flag.names
    )
    value = " -r" if flag.takes_value else ""
    choices = f" -f -a {shlex.quote(' '.join(flag.choices))}" if flag.choices else ""
    return f"{names}{value}{choices} -d {shlex.quote(flag.help)}"


SCRIPTS: Mapping[str, Callable[[Iterable[Command]], str]] = {
    "bash": write_bash, "zsh": write_zsh, "fish": write_fish,
}  # fmt: skip
