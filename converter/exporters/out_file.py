"""The exported file and the record beside it, each of which appears complete or not at all."""

from __future__ import annotations

import dataclasses
import pathlib

from converter import errors
from converter.files.destination import check_file_place
from converter.files.paths import RemotePath, StrPath, as_path
from converter.files.replacing import replacing


@dataclasses.dataclass(frozen=True, slots=True)
class OutFile:
    """Where an exported file goes.

    Attributes:
      path: Its path.
    """

    path: pathlib.Path

    @classmethod
    def at(cls, out: StrPath, model: StrPath, *, overwrite: bool) -> OutFile:
        """Checks a place before any work. Needs no TensorFlow for local paths.

        Args:
          out: Where the file goes.
          model: What is exported.
          overwrite: Whether to replace a file that is there.

        Raises:
          UsageError: if it is not a local path.
          UnsuitableDestinationError: if there is one that may not be replaced, or it lies in the
            model.
          DestinationError: if it cannot be written.
        """
        path, source = as_path(out), as_path(model)
        if isinstance(path, RemotePath):
            raise errors.UsageError(
                f"{path} is not a local path, where exported files are written",
                remedy="Export to a local file, and copy that.",
            )
        if not isinstance(source, RemotePath) and path.resolve().is_relative_to(source.resolve()):
            raise errors.UnsuitableDestinationError(
                f"{path} lies in the model {source}", remedy="Choose a place outside of it."
            )
        check_file_place(path)
        file = cls(path)
        for destination in (file.path, file.record_path):
            if destination.exists() and not overwrite:
                raise errors.UnsuitableDestinationError(
                    f"{destination} exists already", remedy="Pass --overwrite to replace it."
                )
        check_file_place(file.record_path)
        return file

    @property
    def record_path(self) -> pathlib.Path:
        """Where the record goes."""
        return self.path.with_name(f"{self.path.name}.json")

    def write(self, content: bytes, record: str) -> None:
        """Writes both, the record first: it has the digest of the file that it belongs to.

        Raises:
          DestinationError: if one cannot be written.
        """
        for path, data in ((self.record_path, record.encode()), (self.path, content)):
            try:
                with replacing(path) as file:
                    file.write(data)
            except OSError as error:
                raise errors.unwritable(path, error) from error
