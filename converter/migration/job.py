"""What a worker has to know to run one job."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from converter.version import __version__


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A module to convert; all paths are absolute, since a worker may be anywhere.

    Attributes:
      path: The module's place in the tree.
      source: Where it lies.
      destination: Where its SavedModel goes.
      staging: A directory for this job alone, on the filesystem of the destination.
      parity_report: Where the comparison in full goes.
      verify: Whether to compare the two before the destination is put in place.
      import_ops: Packages that register custom ops.
      converter: The version of the converter that made the job.
      attempt: Counts from 1.
    """

    path: str
    source: str
    destination: str
    staging: str
    parity_report: str
    verify: bool = False
    import_ops: tuple[str, ...] = ()
    converter: str = __version__
    attempt: int = 1

    def again(self) -> Job:
        """The same job for another attempt, with a staging directory of its own."""
        return dataclasses.replace(self, staging=f"{self.staging}_again", attempt=self.attempt + 1)

    def to_json(self) -> dict[str, Any]:
        """The job as JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Job:
        """The job that `to_json` described."""
        return cls(**{**values, "import_ops": tuple(values["import_ops"])})
