"""What every format reader returns."""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
from collections.abc import Mapping

from converter import errors
from converter.formats.checkpoint import Checkpoint
from converter.ir.graph import Program


@dataclasses.dataclass(frozen=True, slots=True)
class LegacyModule:
    """A TF1 module on disk.

    Attributes:
      directory: Where its files lie.
      format: The name of the format it was read as.
      variants: Its graph variants by tag set.
      checkpoint: The index of its weights; no tensor is read before it is asked for.
    """

    directory: pathlib.Path
    format: str
    variants: Mapping[frozenset[str], Program]
    checkpoint: Checkpoint

    def asset_path(self, filename: str) -> pathlib.Path:
        """Returns where an asset lies.

        Raises:
          UnsafeModuleError: if `filename` leads out of the module's `assets` directory.
          FormatError: if there is no such file.
        """
        assets = self.directory / "assets"
        path = assets / filename
        if not path.resolve().is_relative_to(assets.resolve()):
            raise errors.UnsafeModuleError(
                f"asset {filename!r} lies outside of the module's assets directory",
                remedy="Do not use this module unless you know who made it, and why.",
            )
        if not path.is_file():
            raise errors.FormatError(
                f"asset {filename!r} is missing", remedy="Copy the module again, with assets/."
            )
        return path


def list_files(directory: pathlib.Path) -> list[pathlib.Path]:
    """Lists all files below `directory`, sorted by their relative paths.

    Raises:
      UnsafeModuleError: if a symbolic link leads out of the directory.
    """
    root = directory.resolve()
    files = sorted(
        (path for path in directory.rglob("*") if path.is_symlink() or not path.is_dir()),
        key=lambda path: path.relative_to(directory).as_posix(),
    )
    for path in files:
        if not _resolve(path).is_relative_to(root):
            raise errors.UnsafeModuleError(
                f"{path.relative_to(directory).as_posix()!r} is a link to a place outside of the"
                " module",
                remedy="Copy the module with its links resolved, if you trust it.",
            )
    return [path for path in files if path.is_file()]


def _resolve(path: pathlib.Path) -> pathlib.Path:
    try:
        return path.resolve()
    except RuntimeError as error:  # Python 3.12 and earlier, for a link that leads to itself.
        raise errors.FormatError(f"{path.name!r} is a link that leads to itself") from error


def digest(directory: pathlib.Path) -> str:
    """SHA-256 over the names and contents of all files below `directory`, as hex digits.

    The path of the directory itself does not count: a copy has the same digest.
    """
    total = hashlib.sha256()
    for path in list_files(directory):
        with path.open("rb") as file:
            content = _file_digest(file)
        total.update(f"{path.relative_to(directory).as_posix()}\0{content}\n".encode())
    return total.hexdigest()


def _file_digest(file: object) -> str:
    state = hashlib.sha256()
    while block := file.read(1 << 20):  # type: ignore[attr-defined]
        state.update(block)
    return state.hexdigest()
