"""A job: the data that a worker needs to convert one module."""

from __future__ import annotations

from typing import Any

import msgspec

from converter.conversion.options import ConversionOptions
from converter.migration.output_digests import OutputDigests
from converter.version import __version__


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A module to convert. All paths are absolute, since a worker may be anywhere.

    Attributes:
      path: The module's path in the tree.
      source: Where its files are.
      destination: Where its SavedModel goes.
      staging: A path on the destination's filesystem that only this job uses, and that each attempt
        extends.
      parity_report: Where the whole comparison goes.
      options: The options of the conversion.
      written: The digests of what the last job wrote to the destination; None if not known.
      retries_open: Whether to compare again what could not be compared in full.
      converter: The version of the converter that made the job.
      attempt: Counts from 1.
    """

    path: str
    source: str
    destination: str
    staging: str
    parity_report: str
    options: ConversionOptions = msgspec.field(default_factory=ConversionOptions)
    written: OutputDigests | None = None
    retries_open: bool = False
    converter: str = __version__
    attempt: int = 1

    def again(self) -> Job:
        """Returns the job for another attempt; the lost one may have written its output."""
        return msgspec.structs.replace(self, attempt=self.attempt + 1, written=None)

    def module_fields(self) -> dict[str, Any]:
        """Returns the fields that identify the module in an outcome."""
        return {"path": self.path, "source": self.source, "destination": self.destination}
