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
      staging: Where it is staged, on the filesystem of the destination: a path that is of this job
        alone, to whose name each attempt adds.
      parity_report: Where the comparison in full goes.
      verify: Whether to compare the two before the destination is put in place.
      import_ops: Packages that register custom ops.
      hardlink: Whether files of weights become links to those of the source, where that can be.
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
    hardlink: bool = False
    converter: str = __version__
    attempt: int = 1

    def again(self) -> Job:
        """The same job for another attempt."""
        return dataclasses.replace(self, attempt=self.attempt + 1)

    def to_json(self) -> dict[str, Any]:
        """The job as JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Job:
        """The job that `to_json` described."""
        return cls(**{**values, "import_ops": tuple(values["import_ops"])})
