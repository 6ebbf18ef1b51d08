"""Converts all TF1 modules of a tree: `converter.migrate`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from converter.conversion.options import show_arguments
from converter.files.paths import StrPath
from converter.migration.options import MigrationArguments, default_arguments, make_options
from converter.migration.report import MigrationReport
from converter.migration.run import run_migration
from converter.migration.watcher import Silent, Watcher

if TYPE_CHECKING:
    from typing_extensions import Unpack


@show_arguments(default_arguments(), MigrationArguments)
def migrate(
    source_root: StrPath,
    destination_root: StrPath,
    *,
    watcher: Watcher | None = None,
    stopping: Callable[[], bool] | None = None,
    **arguments: Unpack[MigrationArguments],
) -> MigrationReport:
    """Converts all TF1 modules of a tree, each in a worker process; resumes an earlier run.

    A module that cannot be converted, that hangs, or that crashes its worker, is an outcome in the
    report, and affects no other module.

    Args:
      source_root: A tree of modules.
      destination_root: A tree of SavedModels, with the same relative paths. It also holds the
        journal of the migration, in `.tf1hub`.
      watcher: Called with the run's progress.
      stopping: Called before each module: whether to begin no more, and finish those that run.
      **arguments: See `converter.MigrationArguments`.

    Returns:
      The outcome of each module, of this run or an earlier one.

    Raises:
      UsageError: if an argument has no valid value, or there is nothing to migrate.
      DestinationError: if `destination_root` cannot be written, or another run writes to it.
      TypeError: if there is no such argument.
      KeyboardInterrupt: when interrupted; workers are stopped at once, and the next run resumes.

    Example:
      ```python
      migration = converter.migrate("modules", "saved_models", workers=1)
      print(migration)  # How many modules had which outcome.
      for outcome in migration.unsuccessful:
          print(outcome.path, outcome.error.text)
      ```
    """
    options = make_options(source_root, destination_root, arguments)
    return run_migration(options, watcher or Silent(), stopping or _never)


def _never() -> bool:
    return False
