"""Finds what a model could do to the machine that runs it.

Reads a TF1 Hub module, or any SavedModel of TF1 or TF2, and lists every op that is not plainly
safe: ops that run code, read or write files, use the network, exhaust the machine, or that this
version does not know. It looks into functions, graphs within graphs and parts that nothing runs,
and finds Lambda layers of Keras. It runs nothing of the model.

Each finding has a severity, and the occasions on which TensorFlow would run it: at conversion
(TensorFlow may run ops with constant inputs when it imports a graph; tf1hub refuses them first), at
load, at a call, at training, when the model is saved, or never; such parts are of low severity.

Exit status: 0 nothing at the level of --fail-on or above it; 1 a finding, or no model that can be
read; 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import urllib.parse
from typing import Any

from converter import errors
from converter.cli import early_checks, terminal
from converter.cli.limits import add_limits
from converter.cli.source_argument import add_source, opened_source
from converter.files.paths import RemotePath, as_path
from converter.sources.handles import is_handle, public_address

NAME = "scan"
HELP = "find what a model could do to the machine that runs it"

_LEVELS = ("none", "low", "medium", "high")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the subcommand."""
    add_source(parser, "model")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--all", action="store_true", help="list all findings, and the notes")
    parser.add_argument("--sarif", metavar="FILE", help="write the findings as SARIF 2.1.0")
    parser.add_argument(
        "--fail-on",
        choices=_LEVELS,
        default="high",
        metavar="LEVEL",
        help="the lowest severity for exit status 1: low, medium or high (the default); none"
        " for no finding at all",
    )
    add_limits(parser)
    parser.set_defaults(check=_check)


def _check(arguments: argparse.Namespace) -> None:
    early_checks.check_module(arguments.source)
    early_checks.check_new_file(arguments.sarif)


def run(arguments: argparse.Namespace) -> int:
    """Runs the subcommand."""
    terminal.import_tensorflow()
    from converter.conversion.scan import scan
    from converter.conversion.scan_table import print_report

    with opened_source(arguments.source) as source:
        report = scan(source)
    if arguments.sarif is not None:
        _write_sarif(pathlib.Path(arguments.sarif), report.to_sarif(_location(arguments.source)))
    if arguments.json:
        terminal.print_json(report.to_json())
    else:
        console = terminal.output_console()
        print_report(report, console, list_all=arguments.all, more="--all lists them")
    return int(arguments.fail_on != "none" and report.reaches(arguments.fail_on))


def _location(source: str) -> str:
    """Returns the URI of a directory, relative to the working directory if it is below that."""
    if is_handle(source):
        return public_address(source)
    place = as_path(source)
    if isinstance(place, RemotePath):
        return str(place)
    place, here = place.resolve(), pathlib.Path.cwd().resolve()
    if place == here:
        return ""
    if place.is_relative_to(here):
        return urllib.parse.quote(os.fsencode(place.relative_to(here).as_posix()))
    return place.as_uri()


def _write_sarif(path: pathlib.Path, log: dict[str, Any]) -> None:
    try:
        # Escapes keep lone surrogates, which come of bytes that are not UTF-8, out of the file.
        path.write_text(json.dumps(log, indent=1) + "\n", encoding="ascii")
    except OSError as error:
        raise errors.unsuitable(path, error) from error
