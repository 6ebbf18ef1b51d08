"""Staging where nothing renames a directory, as on an object store.

Files are moved one by one, `saved_model.pb` last: a directory without it is not a model. An old
version is moved aside first, and moved back if anything goes wrong, or by the next run's sweep.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from converter.files.paths import RemotePath
from converter.files.scratch import ASIDE, scratch_name
from converter.files.source_files import list_files

_GRAPH = "saved_model.pb"
# This file in the scratch folder says that all of the old version is aside, so that every file at
# the destination is new.
_IS_AWAY = "is_away"


@contextlib.contextmanager
def staged_remotely(destination: RemotePath) -> Iterator[RemotePath]:
    """A directory beside `destination` that takes its place when the block ends without error."""
    scratch = destination.with_name(scratch_name())
    staging = scratch / "new"
    staging.mkdir()
    try:
        yield staging
        if destination.exists():
            _move(destination, scratch / ASIDE / destination.name, graph_first=True)
            (scratch / _IS_AWAY).write_bytes(b"")
            destination.remove_tree()
        _move(staging, destination)
    finally:
        clear_remotely(scratch)


def clear_remotely(scratch: RemotePath) -> None:
    """Removes a scratch folder, and moves back an old version that nothing has replaced."""
    if not scratch.exists():
        return
    for old in (scratch / ASIDE).iterdir() if (scratch / ASIDE).is_dir() else ():
        place = scratch.with_name(old.name)
        if not (place / _GRAPH).exists():
            if (scratch / _IS_AWAY).exists() and place.exists():
                place.remove_tree()
            _move(old, place)
    scratch.remove_tree()


def _move(source: RemotePath, target: RemotePath, *, graph_first: bool = False) -> None:
    names = [path.relative_to(source).as_posix() for path in list_files(source)]
    target.mkdir()
    for name in sorted(names, key=lambda name: (name == _GRAPH) != graph_first):
        (target / name).parent.mkdir()
        (source / name).rename(target / name)
