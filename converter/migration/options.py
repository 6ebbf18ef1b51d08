"""What the user of a migration asks for."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from typing import Any, Literal

from converter import errors
from converter.conversion.options import ConversionOptions
from converter.migration.candidates import Globs
from converter.migration.options_file import Rule, apply_rules
from converter.migration.worker import CONVERT


def local_root(root: str | os.PathLike[str]) -> pathlib.Path:
    """The absolute path of a tree.

    Raises:
      UsageError: if it lies on a filesystem that only TensorFlow speaks to.
    """
    if "://" in os.fspath(root):
        raise errors.UsageError(
            f"{os.fspath(root)} is no local path, which is all that a migration reads and writes",
            remedy="Mount it (gcsfuse, for instance), or convert its modules one by one with"
            " `tf1hub convert`.",
        )
    return pathlib.Path(root).absolute()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The arguments of `converter.migrate`, which describes them; paths are absolute."""

    source_root: pathlib.Path
    destination_root: pathlib.Path
    from_list: pathlib.Path | None = None
    globs: Globs = dataclasses.field(default_factory=Globs)
    conversion: ConversionOptions = dataclasses.field(default_factory=ConversionOptions)
    rules: tuple[Rule, ...] = ()
    dry_run: bool = False
    retry_failed: bool = False
    fail_fast: bool = False
    workers: int | None = None
    timeout_secs: float | None = None
    memory_limit_gib: float | None = None
    engine: Literal["local", "dask"] = "local"
    scheduler: str | None = None
    job_function: str = CONVERT

    @property
    def memory_limit_bytes(self) -> int | None:
        """The limit on a job's memory."""
        return None if self.memory_limit_gib is None else int(self.memory_limit_gib * (1 << 30))

    def conversion_of(self, path: str) -> ConversionOptions:
        """How to convert the module at a path."""
        return apply_rules(self.rules, path, self.conversion)

    def to_json(self) -> dict[str, Any]:
        """The options as JSON values."""
        values = {**dataclasses.asdict(self), **self.conversion.to_json()}
        del values["conversion"]
        for name in ("source_root", "destination_root", "from_list"):
            values[name] = None if values[name] is None else str(values[name])
        return values
