"""Converts all TF1 modules of a tree: `converter.migrate`."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal

from converter.conversion.options import ConversionOptions
from converter.files.paths import StrPath
from converter.migration.candidates import Globs
from converter.migration.options import Options, local_root
from converter.migration.options_file import read_rules
from converter.migration.report import MigrationReport
from converter.migration.run import run_migration
from converter.migration.watcher import Silent, Watcher
from converter.migration.worker import CONVERT


def migrate(
    source_root: StrPath,
    destination_root: StrPath,
    *,
    from_list: StrPath | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    options: StrPath | Mapping[str, Mapping[str, Any]] | None = None,
    verify: bool = False,
    tags: Collection[str] | None = None,
    training_tags: Collection[str] | None = None,
    call_signature: str | None = None,
    import_ops: Sequence[str] = (),
    hardlink: bool = False,
    dry_run: bool = False,
    retry_failed: bool = False,
    fail_fast: bool = False,
    workers: int | None = None,
    timeout_secs: float | None = 3600.0,
    memory_limit_gib: float | None = None,
    engine: Literal["local", "dask"] = "local",
    scheduler: str | None = None,
    watcher: Watcher | None = None,
    stopping: Callable[[], bool] = lambda: False,
    job_function: str | None = None,
) -> MigrationReport:
    """Converts all TF1 modules of a tree, each in a worker process; goes on where it was ended.

    A module that cannot be converted, that hangs, or that takes its worker down, is an outcome
    in the report, and costs no other module anything.

    Args:
      source_root: A tree of modules.
      destination_root: A tree of SavedModels, with the same relative paths. It holds the journal
        of the migration, too, in `.tf1hub`.
      from_list: A file with the handle of a module on each line, to convert in place of all that
        is in the tree. Paths are relative to `source_root`.
      include: Globs, of which a module's relative path has to match one. `*` matches slashes.
      exclude: Globs, of which neither a module's relative path nor a folder above may match one.
      options: For modules that need their own, options of `convert` by path pattern: a mapping, or
        a JSON or TOML file of one, such as `{"bert/*": {"call_signature": "tokens"}}`. Of rules
        that match one module, later ones go before earlier ones, and all before the arguments
        below.
      verify: Whether to compare each result with its original before it is put in place.
      tags: The tag set for inference, instead of the one found by rule.
      training_tags: The tag set for training, instead of the one found by rule.
      call_signature: The signature that each module itself runs when called.
      import_ops: Packages that register custom ops, such as `tensorflow_text`.
      hardlink: Whether the files of the weights become hard links to those of the source, as in
        `convert`. What was copied before stays as it is.
      dry_run: Whether only to say what would be done, from reading only, and write nothing.
      retry_failed: Whether to try modules again that failed before, though nothing has changed.
      fail_fast: Whether to begin no more modules after the first that fails.
      workers: How many modules to convert at a time; as many as there are processors by default.
        Dask's scheduler knows its own.
      timeout_secs: How long a module may take; None for ever.
      memory_limit_gib: How much memory a module may take, in GiB of resident memory.
      engine: Where jobs run: in processes of this machine, or on the workers of Dask.
      scheduler: The address of Dask's scheduler.
      watcher: Is told what happens.
      stopping: Whether to begin no more modules, and finish those that are running.
      job_function: For tests: what runs a job in place of the converter, as `module:function`.

    Raises:
      UsageError: if the arguments cannot be meant.
      DestinationError: if `destination_root` cannot be written, or another run writes to it.
      KeyboardInterrupt: when interrupted; workers are stopped at once, and the next run goes on.
    """
    asked = Options(
        source_root=local_root(source_root),
        destination_root=local_root(destination_root),
        from_list=None if from_list is None else pathlib.Path(from_list).absolute(),
        globs=Globs(tuple(include), tuple(exclude)),
        conversion=ConversionOptions().updated(
            {
                "verify": verify,
                "hardlink": hardlink,
                "tags": tags,
                "training_tags": training_tags,
                "call_signature": call_signature,
                "import_ops": import_ops,
            }
        ),
        rules=() if options is None else read_rules(options),
        dry_run=dry_run,
        retry_failed=retry_failed,
        fail_fast=fail_fast,
        workers=workers,
        timeout_secs=timeout_secs,
        memory_limit_gib=memory_limit_gib,
        engine=engine,
        scheduler=scheduler,
        job_function=job_function or CONVERT,
    )
    return run_migration(asked, watcher or Silent(), stopping)
