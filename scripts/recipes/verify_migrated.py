"""Verifies a migrated tree again: each SavedModel is compared with its original, by running both.

    scripts/verify_migrated /mnt/saved_models
    scripts/verify_migrated /mnt/saved_models --source-root /mnt/modules --workers 8 --json

Useful after an upgrade of TensorFlow, or for a copy of the tree. It verifies the modules that are
converted according to the journal of the migration, each in a worker process that may crash or
hang. A run that was stopped is resumed by the next: a module that was equal is not verified again
unless it has changed. It prints a table, or with --json one JSON document.

Exit status: 0 if all are equal, 1 if not, 2 for wrong use.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

import converter
from converter.cli import terminal
from converter.conversion.options import ConversionOptions
from converter.display.tables import make_table
from converter.files.json_values import to_json_values
from converter.files.snapshot import take_snapshot
from converter.migration.candidates import target_of
from converter.migration.engines import Finished, Limits
from converter.migration.engines.local import LocalEngine
from converter.migration.job import Job
from converter.migration.journal import STATE_FOLDER, read_journal
from converter.migration.outcomes import (
    Converted,
    Outcome,
    Unsuccessful,
    UpToDate,
)

_JOB = "recipes.verify_job:verify_job"
# Workers import it from here.
_SCRIPTS = str(pathlib.Path(__file__).resolve().parents[1])


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit status."""
    arguments = _parse_arguments(argv)
    try:
        jobs = _find_jobs(arguments)
        if not jobs:
            raise converter.UsageError(
                f"the journal of {arguments.destination_root} names no SavedModel",
                remedy="Point to the DST_ROOT of a migration.",
            )
        outcomes = _verify_all(jobs, arguments)
    except converter.ConversionError as error:
        print(f"verify_migrated: error: {error}", file=sys.stderr)
        return 2 if isinstance(error, converter.UsageError) else 1
    except KeyboardInterrupt:
        print("verify_migrated: stopped. Run it again to resume it.", file=sys.stderr)
        return 1
    if arguments.json:
        terminal.print_json({"modules": [to_json_values(outcome) for outcome in outcomes]})
    else:
        _print(outcomes)
    return 0 if all(isinstance(outcome, UpToDate) for outcome in outcomes) else 1


def _find_jobs(arguments: argparse.Namespace) -> list[Job]:
    """Makes a job for each module that was converted; the trees may have been moved since."""
    root: pathlib.Path = arguments.destination_root
    jobs = []
    for outcome in read_journal(root).outcomes:
        if isinstance(outcome, Converted | UpToDate):
            source = outcome.source
            if arguments.source_root is not None:
                source = str(arguments.source_root / outcome.path)
            jobs.append(
                Job(
                    path=outcome.path,
                    source=source,
                    destination=str(root / target_of(outcome.path)),
                    # It writes nothing.
                    staging="",
                    parity_report="",
                    options=ConversionOptions(import_ops=arguments.import_ops),
                )
            )
    return jobs


def _verify_all(jobs: Sequence[Job], arguments: argparse.Namespace) -> list[Outcome]:
    known = {} if arguments.again else _read_state(arguments.state)
    keys = {job.path: _key(job) for job in jobs}
    outcomes = {path: known[key] for path, key in keys.items() if key in known}
    todo = [job for job in jobs if job.path not in outcomes]
    with _open_state(arguments.state) as state:
        for done, outcome in enumerate(_run(todo, arguments), start=1):
            outcomes[outcome.path] = outcome
            _write_state(state, keys[outcome.path], outcome)
            terminal.say_step(f"[{done}/{len(todo)}] {outcome.path}: {_describe(outcome)}")
    return [outcomes[path] for path in sorted(outcomes)]


def _run(jobs: Sequence[Job], arguments: argparse.Namespace) -> Iterator[Outcome]:
    paths = [_SCRIPTS, *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    limits = Limits(timeout_secs=arguments.timeout_secs)
    engine = LocalEngine(max(1, min(arguments.workers, len(jobs))), limits)
    with contextlib.closing(engine.run(jobs, _JOB, lambda: False)) as events:
        for event in events:
            if isinstance(event, Finished) and event.outcome is not None:
                yield event.outcome


def _key(job: Job) -> str:
    """Identifies what a comparison was of; one with the same key need not be repeated."""
    places = map(pathlib.Path, (job.source, job.destination))
    digests = [take_snapshot(place).stat_digest for place in places]
    return json.dumps([job.path, *digests, converter.__version__, *job.options.import_ops])


def _read_state(file: pathlib.Path) -> dict[str, Outcome]:
    """Reads the comparisons that found equality, by key; ignores incomplete lines."""
    found: dict[str, Outcome] = {}
    with contextlib.suppress(FileNotFoundError):
        for line in file.read_bytes().splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError):
                values: Mapping[str, Any] = json.loads(line)
                outcome = msgspec.convert(values["outcome"], Outcome)
                if isinstance(outcome, UpToDate):
                    found[values["key"]] = outcome
    return found


def _open_state(file: pathlib.Path) -> Any:
    try:
        return file.open("a")
    except OSError as error:
        raise converter.DestinationError(
            f"{file} cannot be written: {error.strerror or error}",
            remedy="Name another file with --state.",
        ) from error


def _write_state(state: Any, key: str, outcome: Outcome) -> None:
    # The first newline ends a line that a killed process left incomplete.
    state.write("\n" + json.dumps({"key": key, "outcome": to_json_values(outcome)}) + "\n")
    state.flush()
    os.fsync(state.fileno())


def _describe(outcome: Outcome) -> str:
    if isinstance(outcome, UpToDate):
        return "equal"
    return outcome.error.text if isinstance(outcome, Unsuccessful) else type(outcome).__name__


def _print(outcomes: Sequence[Outcome]) -> None:
    table = make_table("module", "tensors", "bit-equal", "worst abs", "worst rel", "")
    for outcome in outcomes:
        if isinstance(outcome, UpToDate) and outcome.parity is not None:
            parity = outcome.parity
            numbers = [str(parity.tensors), str(parity.bit_equal)]
            numbers += [f"{parity.worst_abs:.2g}", f"{parity.worst_rel:.2g}"]
        else:
            numbers = [""] * 4
        table.add_row(_plain(outcome.path), *numbers, _plain(_describe(outcome)))
    console = terminal.output_console()
    console.print(table)
    equal = sum(isinstance(outcome, UpToDate) for outcome in outcomes)
    console.print(f"{equal} of {len(outcomes)} are equal to their originals.", markup=False)


def _plain(text: str) -> Any:
    from rich.text import Text

    return Text(text)


def _parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="verify_migrated",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("destination_root", metavar="DST_ROOT", type=_absolute, help="tree that was migrated")
    add("--source-root", type=_absolute, metavar="DIR",
        help="where the originals are now (default: where they were)")  # fmt: skip
    add("--workers", type=int, default=os.cpu_count() or 1, metavar="N",
        help="how many to verify at a time (default: as many as there are processors)")  # fmt: skip
    add("--timeout-secs", type=float, default=3600.0, metavar="S",
        help="how long one may take (default: 3600)")  # fmt: skip
    add("--import-ops", action="append", default=[], metavar="PACKAGE",
        help="import PACKAGE first, which registers custom ops; may be repeated")  # fmt: skip
    add("--state", type=_absolute, metavar="FILE",
        help="file for what was equal (default: DST_ROOT/.tf1hub/verified.jsonl)")  # fmt: skip
    add("--again", action="store_true", help="also verify what was equal before")
    add("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args(argv)
    if arguments.state is None:
        arguments.state = arguments.destination_root / STATE_FOLDER / "verified.jsonl"
    return arguments


def _absolute(text: str) -> pathlib.Path:
    return pathlib.Path(text).absolute()
