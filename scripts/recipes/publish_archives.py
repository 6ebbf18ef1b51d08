"""Packs each SavedModel of a migrated tree as a .tar.gz, with a list of checksums.

    scripts/publish_archives /mnt/saved_models /mnt/archives
    cd /mnt/archives && sha256sum --check SHA256SUMS

The root of ARCHIVES/<path>.tar.gz is the SavedModel, as `hub.load` and TF Hub expect. The same
SavedModel gives the same bytes: names are sorted, and times, owners and permissions are constant.
Only what has changed since the last time is packed; an archive appears complete or not at all, and
SHA256SUMS lists only archives that exist. A SavedModel that was removed from the tree is removed
from the list, and with --prune its archive is removed, too.

Exit status: 0 all well, 1 if an archive cannot be written, 2 for wrong use.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import pathlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from converter.export.record import FILENAME, FOLDER
from converter.files.pack import pack
from converter.files.replacing import replacing
from converter.files.snapshot import take_snapshot
from converter.migration.journal import STATE_FOLDER

SUMS, STATE = "SHA256SUMS", "archives.json"
_BLOCK_BYTES = 1 << 20


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit status."""
    arguments = _parse_arguments(argv)
    root, archives = arguments.destination_root, arguments.archives
    if not root.is_dir():
        return _fail(f"{root} is not a directory", 2)
    if archives.resolve().is_relative_to(root.resolve()):
        return _fail(f"{archives} is inside {root}", 2)
    models = list(find_models(root))
    if not models:
        return _fail(f"{root} has no SavedModel that the converter wrote", 2)
    try:
        archives.mkdir(parents=True, exist_ok=True)
        packed, removed = _publish(root, archives, models, prune=arguments.prune)
    except OSError as error:
        return _fail(f"{archives} cannot be written: {error.strerror or error}", 1)
    print(f"{packed} packed, {len(models) - packed} as they were, {removed} removed: {archives}")
    return 0


def _fail(text: str, status: int) -> int:
    print(f"publish_archives: error: {text}", file=sys.stderr)
    return status


def find_models(root: pathlib.Path) -> Iterator[str]:
    """Finds all SavedModels that the converter wrote; yields their relative paths, sorted."""
    for folder, folders, _ in os.walk(root):
        folders.sort()
        place = pathlib.Path(folder)
        if (place / "saved_model.pb").is_file() and (place / FOLDER / FILENAME).is_file():
            folders.clear()
            yield place.relative_to(root).as_posix()
        elif place == root:
            folders[:] = [name for name in folders if name != STATE_FOLDER]


def _publish(
    root: pathlib.Path, archives: pathlib.Path, models: Sequence[str], *, prune: bool
) -> tuple[int, int]:
    """Returns how many archives were packed, and how many removed."""
    state = _read_state(archives)
    packed = removed = 0
    for path in models:
        name = f"{path}.tar.gz"
        stat_digest = take_snapshot(root / path).stat_digest
        archive = archives / name
        known = state.get(name)
        if known and known["signature"] == stat_digest and _size(archive) == known["bytes"]:
            continue
        checksum = _pack(root / path, archive)
        if take_snapshot(root / path).stat_digest != stat_digest:
            stat_digest = ""  # It was replaced in the meantime: the next run packs it again.
        state[name] = {"signature": stat_digest, "sha256": checksum, "bytes": _size(archive)}
        packed += 1
        shown = name.encode(errors="backslashreplace").decode()
        print(f"packed {shown}", file=sys.stderr, flush=True)
        _write(archives, state)
    for name in set(state) - {f"{path}.tar.gz" for path in models}:
        del state[name]
        if prune and (archives / name).exists():
            (archives / name).unlink()
            removed += 1
    _write(archives, state)
    return packed, removed


def _pack(model: pathlib.Path, archive: pathlib.Path) -> str:
    """Writes an archive, and returns its SHA-256."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with replacing(archive) as file:
        pack(model, pathlib.Path(file.name), folders=True)
        file.seek(0)
        total = hashlib.sha256()
        while block := file.read(_BLOCK_BYTES):
            total.update(block)
    return total.hexdigest()


def _size(path: pathlib.Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _read_state(archives: pathlib.Path) -> dict[str, dict[str, Any]]:
    try:
        values: dict[str, dict[str, Any]] = json.loads((archives / STATE).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return values


def _write(archives: pathlib.Path, state: Mapping[str, Mapping[str, Any]]) -> None:
    ordered = dict(sorted(state.items()))
    lines = b"".join(_line(name, archive["sha256"]) for name, archive in ordered.items())
    with replacing(archives / SUMS) as file:
        file.write(lines)
    with replacing(archives / STATE) as file:
        file.write(json.dumps(ordered, indent=1).encode() + b"\n")


def _line(name: str, checksum: str) -> bytes:
    """Formats a line of SHA256SUMS as `sha256sum` does: a backslash marks escaped names."""
    odd = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return os.fsencode(f"{chr(92) if odd != name else ''}{checksum}  {odd}\n")


def _parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="publish_archives",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("destination_root", metavar="DST_ROOT", type=_absolute, help="tree that was migrated")
    add("archives", metavar="ARCHIVES", type=_absolute, help="folder for the archives")
    add("--prune", action="store_true", help="remove archives whose SavedModels are gone")
    return parser.parse_args(argv)


def _absolute(text: str) -> pathlib.Path:
    return pathlib.Path(text).absolute()
