"""The options of a migration."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from converter import errors
from converter.arguments import as_texts
from converter.conversion.options import ConversionArguments, ConversionOptions, describe_options
from converter.files.paths import StrPath
from converter.migration.candidates import Globs
from converter.migration.options_file import Rule, apply_rules, read_rules
from converter.migration.worker import CONVERT


class MigrationArguments(ConversionArguments, total=False):
    """The keyword arguments of `converter.migrate`.

    The options of `convert` (`tags`, `verify` and so on) apply to all modules.

    Attributes:
      from_list: A file with the path of a module on each line, relative to the source tree, or its
        handle (`https://…`, `gs://…`), to convert in place of all modules of the tree.
      include: Globs, one of which a module's relative path has to match. `*` matches slashes.
      exclude: Globs, none of which a module's relative path, or a folder above it, may match.
      options: Options of `convert` for some modules, by path pattern: a mapping, or a JSON or TOML
        file of one, such as `{"bert/*": {"call_signature": "tokens"}}`. If several patterns match a
        module, the last one that sets an option decides.
      dry_run: Whether to read modules and say what would be done, and write nothing.
      retry_failed: Whether to retry modules that failed before, or that could not be compared, and
        have not changed since.
      fail_fast: Whether to begin no more modules after the first that fails.
      workers: How many modules to convert at a time; by default, the number of processors. Dask's
        scheduler has its own workers.
      timeout_secs: How long a module may take, an hour by default; None for no limit.
      memory_limit_gib: How much resident memory a module may take, in GiB; no limit by default.
      engine: Where jobs run: in processes of this machine, or on the workers of Dask.
      scheduler: The address of Dask's scheduler.

    Example:
      ```python
      arguments: converter.MigrationArguments = {"include": "image*", "dry_run": True}
      migration = converter.migrate("modules", "saved_models", **arguments)
      ```
    """

    from_list: StrPath | None
    include: Sequence[str]
    exclude: Sequence[str]
    options: StrPath | Mapping[str, Mapping[str, Any]] | None
    dry_run: bool
    retry_failed: bool
    fail_fast: bool
    workers: int | None
    timeout_secs: float | None
    memory_limit_gib: float | None
    engine: Literal["local", "dask"]
    scheduler: str | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a migration; `MigrationArguments` describes most of them.

    Attributes:
      source_root: An absolute path, like the next two.
      globs: The modules to convert.
      conversion: Options of `convert` for all modules.
      rules: Options for some modules.
      rules_file: The file that they come from, if any.
      job_function: The function that runs a job, as `module:function`; tests have their own.
    """

    source_root: pathlib.Path
    destination_root: pathlib.Path
    from_list: pathlib.Path | None = None
    globs: Globs = dataclasses.field(default_factory=Globs)
    conversion: ConversionOptions = dataclasses.field(default_factory=ConversionOptions)
    rules: tuple[Rule, ...] = ()
    rules_file: pathlib.Path | None = None
    dry_run: bool = False
    retry_failed: bool = False
    fail_fast: bool = False
    workers: int | None = None
    timeout_secs: float | None = 3600.0
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
        for name in ("source_root", "destination_root", "from_list", "rules_file"):
            values[name] = None if values[name] is None else str(values[name])
        return values


def make_options(
    source_root: StrPath, destination_root: StrPath, arguments: Mapping[str, Any]
) -> Options:
    """Makes options of the arguments of `converter.migrate`.

    Raises:
      TypeError: if there is no such argument.
      UsageError: if an argument has no valid value.
    """
    for name in arguments:
        if name not in MigrationArguments.__annotations__:
            raise TypeError(f"migrate() got an unexpected keyword argument {name!r}")
    values = dict(arguments)
    conversion = {name: values.pop(name) for name in arguments if name in _CONVERSION}
    globs = Globs(
        as_texts("include", values.pop("include", ()), "globs of which a path has to match one"),
        as_texts("exclude", values.pop("exclude", ()), "globs of which a path may match none"),
    )
    from_list, rules = values.pop("from_list", None), values.pop("options", None)
    return Options(
        source_root=local_root(source_root),
        destination_root=local_root(destination_root),
        from_list=None if from_list is None else pathlib.Path(from_list).absolute(),
        globs=globs,
        conversion=ConversionOptions().updated(conversion),
        rules=() if rules is None else read_rules(rules),
        rules_file=pathlib.Path(rules).absolute() if isinstance(rules, str | os.PathLike) else None,
        **values,
    )


def local_root(root: StrPath) -> pathlib.Path:
    """Returns the absolute path of a tree.

    Raises:
      UsageError: if it lies on a filesystem that only TensorFlow can access.
    """
    if "://" in os.fspath(root):
        raise errors.UsageError(
            f"{os.fspath(root)} is not a local path; a migration reads and writes no others",
            remedy="Mount it (with gcsfuse, for instance), or convert its modules one by one with"
            " `tf1hub convert`.",
        )
    return pathlib.Path(root).absolute()


def default_arguments() -> dict[str, Any]:
    """Returns the default of each of the `MigrationArguments`, in order."""
    defaults: dict[str, Any] = {"include": (), "exclude": (), "options": None}
    defaults |= {field.name: field.default for field in dataclasses.fields(Options)}
    defaults |= {about.name: about.default for about in describe_options()}
    return {name: defaults[name] for name in MigrationArguments.__annotations__}


_CONVERSION = frozenset(ConversionArguments.__annotations__)
