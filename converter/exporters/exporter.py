"""The interface of an exporter, and the error that all of them raise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from converter.exporters.comparison import Run
from converter.exporters.obstacles import Obstacle
from converter.exporters.signature import ExportedSignature


class ExportFailedError(Exception):
    """A signature cannot be exported, or the exported file does not run.

    Args:
      reason: What the exporter says, in one line.
      obstacles: The ops in the way, as far as they are known.
    """

    def __init__(self, reason: str, obstacles: tuple[Obstacle, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.obstacles = obstacles


class Exporter(Protocol):
    """Writes and runs files of one format."""

    def export(self, signature: ExportedSignature) -> bytes:
        """Returns the content of the file.

        Raises:
          ExportFailedError: if the signature cannot be exported.
        """

    def load(self, content: bytes, signature: ExportedSignature) -> Run:
        """Loads a file into the runtime for its format, and returns a function that runs it.

        Raises:
          ExportFailedError: if the runtime does not take it; the function raises it, too.
        """

    def versions(self) -> Mapping[str, str]:
        """The packages that write and run the file, and their versions."""
