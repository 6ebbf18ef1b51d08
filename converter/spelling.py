"""Spells the options that messages name: as flags on the command line, as arguments in Python.

Messages are written with flags. The command line prints them so; everywhere else, where an error is
an exception that Python shows, `--call-signature tokens` becomes `call_signature='tokens'`.
"""

from __future__ import annotations

import contextlib
import contextvars
import re
from collections.abc import Iterator

_is_command_line = contextvars.ContextVar("is_command_line", default=False)
# Flags without a value, and those that may be repeated; any other has one value.
_SWITCHES = frozenset({"card", "dry-run", "fail-fast", "hardlink", "overwrite", "retry-failed",
                       "training", "verify"})  # fmt: skip
_LISTS = frozenset({"allow-op", "exclude", "import-ops", "include"})
_TAGS = frozenset({"tags", "training-tags"})
_OTHERS = frozenset({
    "atol", "call-signature", "compress", "engine", "from-list", "inputs", "memory-limit-gib",
    "no-conventions", "options", "output", "rtol", "scheduler", "shape", "signature", "tags",
    "timeout-secs", "trainable", "training-tags", "workers",
})  # fmt: skip
ARGUMENTS = _SWITCHES | _LISTS | _OTHERS
_RENAMED = {"shape": "shapes"}
_IN_PYTHON = re.compile(r" \(in Python: (?P<python>[^()]*)\)")
_COMMAND = re.compile(r"(`(?:dask|pip|tf1hub) [^`]*`)")  # A command to type has its own flags.
_FLAG = re.compile(r"(?<![\w'\"/=-])--(?P<name>[a-z]+(?:-[a-z]+)*)\b")
# What is a value behind a flag, and no word of the sentence.
_WITH_VALUE = re.compile(
    _FLAG.pattern
    + r"(?: (?P<value>'[^']*'|tcp://[\w:]+|[A-Z]\w*(?:=[\d,?]+|\.npz)?|[a-z]+_\w+|dask"
    r"|(?<=tags )(?!and\b|or\b|if\b|with\b)[\w,]+))?"
    r"(?P<python> \(in Python: (?P<said>[^()]*)\))?"
)


@contextlib.contextmanager
def of_the_command_line() -> Iterator[None]:
    """Spells options as flags, until the block ends."""
    token = _is_command_line.set(True)
    try:
        yield
    finally:
        _is_command_line.reset(token)


def spell(text: str) -> str:
    """Spells the options in a message for whoever reads it."""
    if _is_command_line.get():
        return _IN_PYTHON.sub("", text)
    return in_python(text)


def in_python(text: str) -> str:
    """Spells the options in a message as arguments of Python."""
    if "--" not in text:
        return text
    parts = _COMMAND.split(text)  # Every other one is a command.
    parts[::2] = [_IN_PYTHON.sub("", _WITH_VALUE.sub(_as_argument, part)) for part in parts[::2]]
    return "".join(parts)


def find_flags(text: str) -> tuple[str, ...]:
    """Finds the flags that a message names, each once; not those of commands to type."""
    found = (match["name"] for part in _COMMAND.split(text)[::2] for match in _FLAG.finditer(part))
    return tuple(dict.fromkeys(f"--{name}" for name in found))


def _as_argument(match: re.Match[str]) -> str:
    name, value = match["name"], match["value"]
    if name not in ARGUMENTS:
        return match[0]
    if match["python"] and match["said"]:
        return match["said"]
    argument = _RENAMED.get(name, name).replace("-", "_")
    if name.startswith("no-"):
        return f"{argument.removeprefix('no_')}=False" + _behind(value)
    if name in _SWITCHES:
        return f"{argument}=True" + _behind(value)
    if value is None:
        return f"`{argument}`"
    if name in _TAGS:
        return f"{argument}={[tag for tag in value.strip(chr(39)).split(',') if tag]}"
    quoted = value if value.startswith("'") else repr(value)
    return f"{argument}=[{quoted}]" if name in _LISTS else f"{argument}={quoted}"


def _behind(value: str | None) -> str:
    return "" if value is None else f" {value}"
