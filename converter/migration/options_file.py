"""Reads options by path pattern from a JSON or TOML file, for modules that need their own.

    ["bert/*"]
    call_signature = "tokens"

    ["gan/*/big"]
    tags = ["bs8", "gen"]
    verify = true

A pattern matches a module's relative path as one of `--include` does; `*` matches slashes. If
several rules match, the last one that sets an option decides; an option that none sets is that of
the whole migration. File paths are relative to the options file.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import json
import os
import pathlib
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from converter import errors
from converter.conversion.options import ConversionOptions, Kind, describe_options

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_REMEDY = 'Write, as TOML for example: ["bert/*"] and below it call_signature = "tokens".'


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """Options for the modules whose relative path matches `pattern`."""

    pattern: str
    options: Mapping[str, Any]

    def matches(self, path: str) -> bool:
        """Whether the rule applies to the module at a path."""
        return fnmatch.fnmatchcase(path, self.pattern)


def read_rules(
    source: str | os.PathLike[str] | Mapping[str, Mapping[str, Any]],
) -> tuple[Rule, ...]:
    """Reads rules from a file or a mapping.

    Raises:
      UsageError: if the file cannot be read, or has an unknown option or a wrong value.
    """
    if isinstance(source, Mapping):
        return _check_rules(source, "options", pathlib.Path())
    path = pathlib.Path(source)
    return _check_rules(_parse(path), str(path), path.parent)


def apply_rules(rules: Iterable[Rule], path: str, options: ConversionOptions) -> ConversionOptions:
    """Returns the options of the module at a path."""
    for rule in rules:
        if rule.matches(path):
            options = options.updated(rule.options)
    return options


def check_matched(rules: Iterable[Rule], paths: Sequence[str]) -> None:
    """Checks that each rule applies to a module.

    Raises:
      UsageError: if one does not.
    """
    for rule in rules:
        if not any(map(rule.matches, paths)):
            raise errors.UsageError(
                f"no module matches {rule.pattern!r}, for which there are options",
                remedy="Patterns are matched with whole paths relative to SRC_ROOT; * matches"
                " slashes.",
            )


def _check_rules(values: Any, where: str, folder: pathlib.Path) -> tuple[Rule, ...]:
    if not isinstance(values, Mapping):
        raise errors.UsageError(
            f"{where}: expected a table from patterns of paths to options", remedy=_REMEDY
        )
    rules = []
    for pattern, options in values.items():
        if not isinstance(options, Mapping):
            raise errors.UsageError(
                f"{where}: {pattern!r} is {options!r}, expected a table of options", remedy=_REMEDY
            )
        try:
            ConversionOptions().updated(options)
        except errors.UsageError as error:
            raise errors.UsageError(
                f"{where}, at {pattern!r}: {error.message}", remedy=error.remedy
            ) from error
        rules.append(Rule(pattern, _with_absolute_paths(options, folder.absolute())))
    return tuple(rules)


def _with_absolute_paths(options: Mapping[str, Any], folder: pathlib.Path) -> dict[str, Any]:
    """Makes paths absolute, since a worker may be anywhere."""
    paths = {about.name for about in describe_options() if about.kind is Kind.PATH}
    return {
        name: str(folder / value) if name in paths and value is not None else value
        for name, value in options.items()
    }


def _parse(path: pathlib.Path) -> Any:
    parsers: Mapping[str, Callable[[str], Any]] = {".json": _parse_json, ".toml": tomllib.loads}
    if path.suffix not in parsers:
        raise errors.UsageError(
            f"{path} ends with neither .toml nor .json",
            remedy="Name it FILE.toml or FILE.json, as its format is.",
        )
    try:
        return parsers[path.suffix](path.read_text(encoding="utf-8"))
    except OSError as error:
        raise errors.UsageError(
            f"{path} cannot be read: {error.strerror or error}", remedy="Check the path."
        ) from error
    except (ValueError, RecursionError) as error:  # Of UTF-8, JSON and TOML alike.
        raise errors.UsageError(
            f"{path} is not valid {path.suffix[1:].upper()}: {errors.first_line(error)}",
            remedy=_REMEDY,
        ) from error


def _parse_json(text: str) -> Any:
    def without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            raise ValueError(f"{next(n for n in names if names.count(n) > 1)!r} is there twice")
        return found

    return json.loads(text, object_pairs_hook=without_repetition)
