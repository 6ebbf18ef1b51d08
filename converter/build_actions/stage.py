"""Copies a module from what Bazel passes: files, a directory or an archive.

In a sandbox each file is a link to a place outside, which the converter rightly refuses to
follow.
"""

from __future__ import annotations

import contextlib
import pathlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence

from converter import errors
from converter.files.model_directory import MODEL_FILES
from converter.sources.registry import open_source
from converter.sources.source import Source

_GRAPHS = ("saved_model.pb", "saved_model.pbtxt")
_REMEDY = 'Name the files of one module: `glob(["my_module/**"])`.'


@contextlib.contextmanager
def staged_module(
    paths: Sequence[pathlib.Path], scratch: pathlib.Path | None = None
) -> Iterator[Source]:
    """Opens a private copy of a module, which is removed when the block ends.

    Its directory has the name of the original one, which is in the record of a conversion.

    Args:
      paths: The module's files; or its directory alone, or its archive alone.
      scratch: The folder for the copy, instead of the one for temporary files.

    Raises:
      FormatError: if they are not one module.
    """
    if len(paths) == 1 and paths[0].name not in MODEL_FILES and not paths[0].is_dir():
        with open_source(paths[0], destination=scratch and scratch / "module") as source:
            yield source
        return
    with tempfile.TemporaryDirectory(prefix=".tf1hub_module_", dir=scratch) as folder:
        directory = _stage(paths, pathlib.Path(folder))
        yield Source(directory, directory.name, is_private=True)


def _stage(paths: Sequence[pathlib.Path], place: pathlib.Path) -> pathlib.Path:
    if len(paths) == 1 and paths[0].is_dir():
        return _copy(paths[0], [path for path in paths[0].rglob("*") if path.is_file()], place)
    return _copy(_find_root(paths), paths, place)


def _copy(root: pathlib.Path, paths: Sequence[pathlib.Path], place: pathlib.Path) -> pathlib.Path:
    # Resolved, the name would be that of the directory in some cache.
    module = place / root.absolute().name
    module.mkdir()
    for path in paths:
        target = module / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return module


def _find_root(paths: Sequence[pathlib.Path]) -> pathlib.Path:
    """Finds the directory of the module with these files."""
    graphs = [path for path in paths if path.name in _GRAPHS]
    if not graphs:
        raise errors.FormatError(
            f"`module` has {len(paths)} files, of which none is saved_model.pb", remedy=_REMEDY
        )
    # The assets of a module may contain another module.
    root = min(graphs, key=lambda path: len(path.parts)).parent
    for path in paths:
        if not path.is_relative_to(root):
            raise errors.FormatError(
                f"`module` has {path.as_posix()!r}, which is not below its {root.as_posix()!r}",
                remedy=_REMEDY,
            )
    return root
