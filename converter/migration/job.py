"""What a worker has to know to run one job."""

from __future__ import annotations

from typing import Any

import msgspec

from converter.conversion.options import ConversionOptions
from converter.version import __version__


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A module to convert; all paths are absolute, since a worker may be anywhere.

    Attributes:
      path: The module's place in the tree.
      source: Where it lies.
      destination: Where its SavedModel goes.
      staging: Where it is staged, on the filesystem of the destination: a path that is of this job
        alone, to whose name each attempt adds.
      parity_report: Where the comparison in full goes.
      options: How to convert it.
      converter: The version of the converter that made the job.
      attempt: Counts from 1.
    """

    path: str
    source: str
    destination: str
    staging: str
    parity_report: str
    options: ConversionOptions = msgspec.field(default_factory=ConversionOptions)
    converter: str = __version__
    attempt: int = 1

    def again(self) -> Job:
        """The same job for another attempt."""
        return msgspec.structs.replace(self, attempt=self.attempt + 1)

    def module_fields(self) -> dict[str, Any]:
        """The fields of an outcome that say which module it belongs to."""
        return {"path": self.path, "source": self.source, "destination": self.destination}
