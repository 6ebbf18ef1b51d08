"""What a worker has to know to run one job."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from converter.conversion.options import ConversionOptions
from converter.version import __version__


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Job:
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
    options: ConversionOptions = dataclasses.field(default_factory=ConversionOptions)
    converter: str = __version__
    attempt: int = 1

    def again(self) -> Job:
        """The same job for another attempt."""
        return dataclasses.replace(self, attempt=self.attempt + 1)

    def to_json(self) -> dict[str, Any]:
        """The job as JSON values."""
        return {**dataclasses.asdict(self), "options": self.options.to_json()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Job:
        """The job that `to_json` described."""
        return cls(**{**values, "options": ConversionOptions(**values["options"])})
