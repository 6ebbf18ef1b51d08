"""Migrates a tree each night, and keeps logs and reports. For cron, or a systemd timer.

    scripts/migrate_nightly /mnt/modules /mnt/saved_models --logs /var/log/tf1hub
    scripts/migrate_nightly … --require MANIFEST -- --verify --workers 8

The arguments after `--` go to `tf1hub migrate`. Mount a bucket (with gcsfuse, for instance) instead
of copying it, and pass --require with the name of a file in it: if the bucket is not mounted, an
empty directory in its place would look like a tree without modules.

Each run writes TIME.log (the messages of `tf1hub migrate`), TIME.run.json (its result), and the
report of the whole tree, TIME.html, with TIME.json and TIME.csv. It prints one line. After a
SIGTERM it finishes the modules that are being converted; the next night converts the rest.

Exit status: that of `tf1hub migrate` (0 all well, 1 something is not converted, 2 wrong use); also
1 if nothing was found; 3 if the run of another night has not ended.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

_ROOT = pathlib.Path(__file__).resolve().parents[2]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit status."""
    arguments = _parse_arguments(argv)
    missing = [name for name in arguments.require if not (arguments.source_root / name).exists()]
    if missing:
        return _fail(f"{arguments.source_root / missing[0]} is missing: is the tree mounted?", 1)
    try:
        arguments.logs.mkdir(parents=True, exist_ok=True)
        with _alone(arguments.logs / "lock") as is_alone:
            if not is_alone:
                return _fail(f"another run still writes to {arguments.logs}", 3)
            return _run(arguments)
    except OSError as error:
        return _fail(f"{arguments.logs} cannot be written: {error.strerror or error}", 1)


def _fail(text: str, status: int) -> int:
    print(f"migrate_nightly: error: {text}", file=sys.stderr)
    return status


@contextlib.contextmanager
def _alone(lock: pathlib.Path) -> Iterator[bool]:
    """Takes the lock, and yields whether that worked; it is released when the process ends."""
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _run(arguments: argparse.Namespace) -> int:
    stamp = time.strftime("%Y-%m-%dT%H-%M-%SZ", time.gmtime())
    log, page = (arguments.logs / f"{stamp}.{end}" for end in ("log", "html"))
    with log.open("w") as messages, (arguments.logs / f"{stamp}.run.json").open("w+") as output:
        status = _migrate(arguments, output, messages)
        found = _read(output)
        is_written = found is None or found["dry_run"] or _write_page(arguments, page, messages)
    _prune(arguments.logs, arguments.keep)
    if found is None:
        last = (log.read_text().splitlines() or ["it said nothing"])[-1]
        return _fail(f"{last} (see {log})", status or 1)
    print(f"{stamp}: {_summarize(found)} ({page if page.exists() else log})", flush=True)
    if not found["outcomes"] and not found["not_run"]:
        return _fail(f"nothing was found in {arguments.source_root}: is it mounted?", 1)
    return status if is_written else _fail(f"{page} was not written (see {log})", status or 1)


def _migrate(arguments: argparse.Namespace, output: Any, messages: Any) -> int:
    process = subprocess.Popen(
        [
            sys.executable, "-m", "converter", "migrate",
            str(arguments.source_root), str(arguments.destination_root), "--json",
            "--no-report", *arguments.options,
        ],
        stdin=subprocess.DEVNULL, stdout=output, stderr=messages, cwd=_ROOT,
    )  # fmt: skip
    before = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        while True:
            # The terminal's Ctrl-C reaches the migration, too, which ends when it is ready.
            with contextlib.suppress(KeyboardInterrupt):
                return process.wait()
    finally:
        signal.signal(signal.SIGTERM, before)


def _write_page(arguments: argparse.Namespace, page: pathlib.Path, messages: Any) -> bool:
    command = [
        sys.executable, "-m", "converter", "report", str(arguments.destination_root),
        "--output", str(page),
    ]  # fmt: skip
    done = subprocess.run(command, stdout=messages, stderr=messages, cwd=_ROOT, check=False)
    return done.returncode == 0


def _read(output: Any) -> dict[str, Any] | None:
    """Reads the result of a migration; None if it did not print one."""
    output.seek(0)
    try:
        values: dict[str, Any] = json.load(output)
    except ValueError:
        return None
    return values


def _summarize(report: dict[str, Any]) -> str:
    counts = [f"{n} {name.replace('_', ' ')}" for name, n in report["counts"].items() if n]
    if report["not_run"]:
        counts.append(f"{len(report['not_run'])} not run")
    return ", ".join(counts) or "nothing found"


def _prune(logs: pathlib.Path, keep: int) -> None:
    """Removes the files of all runs except the last ones; their names sort by time."""
    stamps = sorted({path.stem for path in logs.glob("*T*Z.log")})
    for stamp in stamps[:-keep]:
        for path in logs.glob(f"{stamp}.*"):
            path.unlink()


def _parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="migrate_nightly",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("source_root", metavar="SRC_ROOT", type=_absolute, help="tree of TF1 Hub modules")
    add("destination_root", metavar="DST_ROOT", type=_absolute, help="tree of SavedModels")
    add("--logs", type=_absolute, required=True, metavar="DIR", help="where logs and reports go")
    add("--keep", type=_count, default=30, metavar="N",
        help="how many runs to keep (default: 30)")  # fmt: skip
    add("--require", action="append", default=[], metavar="NAME",
        help="a file that must be in SRC_ROOT; may be repeated")  # fmt: skip
    own, options = _split(sys.argv[1:] if argv is None else argv)
    arguments = parser.parse_args(own)
    arguments.options = options
    return arguments


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Splits the arguments at `--`."""
    words = list(argv)
    if "--" not in words:
        return words, []
    return words[: words.index("--")], words[words.index("--") + 1 :]


def _absolute(text: str) -> pathlib.Path:
    return pathlib.Path(text).absolute()


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a positive number, found {text!r}")
    return int(text)
