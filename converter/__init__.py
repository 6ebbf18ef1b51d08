"""Converts TF1 Hub modules into reusable, trainable TF2 SavedModels, and proves them equal.

    import converter

    summary = converter.inspect("module")
    conversion = converter.convert("module", "saved_model", verify=True)
    report = converter.verify("module", "saved_model")
    module = converter.load("module")
    migration = converter.migrate("modules", "saved_models")
    files = converter.report("saved_models")

TensorFlow is imported by the first call, not by `import converter`.
"""

from __future__ import annotations

import sys

from converter.processes.python_process import drop_working_directory

if sys.argv[:1] == ["-m"]:
    # Python looks for `python -m converter`, and would look in the working directory for all that
    # is imported from here on.
    drop_working_directory()

# isort: split

import os
import pathlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from converter.errors import (
    ConversionError,
    DestinationError,
    FormatError,
    InternalError,
    ParityError,
    UnsafeModuleError,
    UnsupportedOpError,
    UsageError,
    WeightsError,
)
from converter.version import __version__

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import tensorflow as tf

    from converter.conversion.inspect import ModuleSummary
    from converter.export.saved_model import Conversion
    from converter.migration.report import MigrationReport
    from converter.migration.watcher import Watcher
    from converter.page.write import ReportFiles
    from converter.parity.report import ParityReport

__all__ = [
    "ConversionError",
    "DestinationError",
    "FormatError",
    "InternalError",
    "ParityError",
    "UnsafeModuleError",
    "UnsupportedOpError",
    "UsageError",
    "WeightsError",
    "__version__",
    "convert",
    "inspect",
    "load",
    "migrate",
    "report",
    "verify",
]

Path = str | os.PathLike[str]
Progress = Callable[[str], None]


def inspect(
    source: Path,
    *,
    tags: Collection[str] | None = None,
    training_tags: Collection[str] | None = None,
    call_signature: str | None = None,
    import_ops: Sequence[str] = (),
) -> ModuleSummary:
    """Describes a TF1 module, and what `convert` would make of it; nothing of it runs.

    Args:
      source: The module's directory.
      tags: As for `convert`, like the next two.
      training_tags: The tag set for training, instead of the one found by rule.
      call_signature: The signature that the module itself would run when called.
      import_ops: Packages that register custom ops, such as `tensorflow_text`.

    Raises:
      ConversionError: if it is no module, or damaged. A sound module that cannot be converted
        is described, with the reason in `refused`.
      UsageError: if it has no such tag set or signature.
    """
    from converter.conversion.inspect import summarize
    from converter.formats.registry import read_module
    from converter.processes import garbage_collection
    from converter.processes.custom_ops import import_packages

    import_packages(import_ops)
    with garbage_collection.paused():
        return summarize(read_module(source), tags, training_tags, call_signature)


def load(
    source: Path,
    *,
    tags: Collection[str] | None = None,
    training_tags: Collection[str] | None = None,
    call_signature: str | None = None,
    import_ops: Sequence[str] = (),
) -> tf.Module:
    """Returns the module as a live `tf.Module`, with its variables restored.

    Its interface is that of the SavedModel that `convert` writes. Its tables are made and filled
    by the module's own ops, in this process.

    Args:
      source: The module's directory; it has to stay while the result is in use.
      tags: The tag set for inference, instead of the one found by rule.
      training_tags: The tag set for training, instead of the one found by rule.
      call_signature: The signature that the module itself runs when called.
      import_ops: Packages that register custom ops, such as `tensorflow_text`.

    Raises:
      ConversionError: if it cannot be carried over exactly.
      UsageError: if it has no such tag set or signature.
    """
    from converter.assemble.reusable import build_reusable
    from converter.compile.module_graphs import make_graphs
    from converter.compile.plan import make_plan
    from converter.formats.registry import read_module
    from converter.processes import garbage_collection
    from converter.processes.custom_ops import import_packages

    import_packages(import_ops)
    with garbage_collection.paused():
        legacy = read_module(source)
        plan = make_plan(legacy, tags, training_tags, call_signature)
        return build_reusable(make_graphs(legacy, plan), live=True).module


def convert(
    source: Path,
    destination: Path,
    *,
    verify: bool = False,
    inputs: Mapping[str, Any] | Path | None = None,
    overwrite: bool = False,
    hardlink: bool = False,
    tags: Collection[str] | None = None,
    training_tags: Collection[str] | None = None,
    call_signature: str | None = None,
    import_ops: Sequence[str] = (),
    progress: Progress | None = None,
    source_digest: Callable[[], str] | None = None,
    parity_report: Callable[[ParityReport], None] | None = None,
) -> Conversion:
    """Converts a TF1 module; none of its ops run, unless `verify` is set.

    Weights are never loaded: their files are copied, and every checksum in them is compared.

    Args:
      source: The module's directory; `gs://…` and whatever else TensorFlow can read will do.
      destination: Where to write the SavedModel. It is absent, the old version, or complete at
        any time.
      verify: Whether to compare the result with the original before it is put in place. What
        could not be compared is a warning, and `verdict` of the result says so.
      inputs: Arrays for the comparison, or the `.npz` file that holds them, as in `verify`.
      overwrite: Whether to replace a SavedModel at `destination`.
      hardlink: Whether the files of the weights become hard links to those of the source. On
        another filesystem they are copied; `remarks` of the result says so.
      tags: The tag set for inference, instead of the one found by rule.
      training_tags: The tag set for training, instead of the one found by rule.
      call_signature: The signature that the module itself runs when called.
      import_ops: Packages that register custom ops, such as `tensorflow_text`.
      progress: Is told each step as it begins, and how far the copying of large weights is.
      source_digest: Returns `converter.files.source_files.digest(source)`, for a caller who
        has it already, or began to compute it earlier.
      parity_report: Is given the comparison in full, whether it passed or not, where `verify` is
        set.

    Raises:
      ConversionError: if the module cannot be carried over exactly, or differs from the original.
      UsageError: if it has no such tag set, signature or input.
    """
    from converter.files.source_files import BackgroundDigest

    with BackgroundDigest(source, source_digest) as digest:
        from converter.compile.module_graphs import make_graphs
        from converter.compile.plan import make_plan
        from converter.conversion.options import ConversionOptions
        from converter.export.saved_model import check_destination, write_saved_model
        from converter.files.byte_progress import ByteProgress
        from converter.files.paths import as_path
        from converter.files.snapshot import SourceGuard
        from converter.files.staging import sweep_beside
        from converter.formats.registry import read_module
        from converter.parity.user_inputs import check_inputs
        from converter.processes import garbage_collection
        from converter.processes.custom_ops import import_packages

        options = ConversionOptions().updated(
            {"tags": tags, "training_tags": training_tags, "call_signature": call_signature}
        )
        import_packages(import_ops)
        say = progress or _say_nothing
        guard = SourceGuard(as_path(source))
        with garbage_collection.paused() as resumed:
            say("reading the module")
            legacy = read_module(source)
            sweep_beside(as_path(destination))
            check_destination(legacy.directory, as_path(destination), overwrite=overwrite)
            arrays = check_inputs(inputs, legacy, verify=verify)
            plan = make_plan(legacy, tags, training_tags, call_signature)
            say("rewriting its graphs")
            graphs = make_graphs(legacy, plan)
            say("tracing and saving")
            return write_saved_model(
                graphs,
                as_path(destination),
                options=options.recorded(),
                digest=digest.result,
                check_source=guard.check,
                overwrite=overwrite,
                hardlink=hardlink,
                verify=_verification(source, arrays, import_ops, say, parity_report, resumed)
                if verify
                else None,
                progress=ByteProgress(say, "copying weights"),
            )


def verify(
    source: Path,
    destination: Path,
    *,
    inputs: Mapping[str, Any] | Path | None = None,
    rtol: float | None = None,
    atol: float | None = None,
    import_ops: Sequence[str] = (),
    progress: Progress | None = None,
) -> ParityReport:
    """Compares a converted module with its original, by running both.

    The TF1 graph runs in a Session, the SavedModel in a process of its own, on the same inputs.
    A difference is no exception: see `verdict` of the report, which is `equal`, `differs` or
    `not compared`.

    Args:
      source: The TF1 module's directory.
      destination: What `convert` made of it.
      inputs: Arrays to use in place of generated ones, by `input` or `signature/input`, or the
        `.npz` file that holds them.
      rtol: Relative tolerance, instead of the default of each dtype.
      atol: Absolute tolerance, instead of the default of each dtype.
      import_ops: Packages that register custom ops, such as `tensorflow_text`.
      progress: Is told each step as it begins.

    Raises:
      ParityError: if `destination` was not made from `source`, or one of the two cannot run.
      UsageError: if `inputs` has a name that the module does not know.
    """
    from converter.parity.user_inputs import read_arrays
    from converter.parity.verify import verify as run
    from converter.processes.custom_ops import import_packages

    import_packages(import_ops)
    return run(
        source,
        destination,
        inputs=read_arrays(inputs),
        rtol=rtol,
        atol=atol,
        import_ops=tuple(import_ops),
        progress=progress or _say_nothing,
    )


def migrate(
    source_root: Path,
    destination_root: Path,
    *,
    from_list: Path | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    options: Path | Mapping[str, Mapping[str, Any]] | None = None,
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
    from converter.conversion.options import ConversionOptions
    from converter.migration.candidates import Globs
    from converter.migration.options import Options, local_root
    from converter.migration.options_file import read_rules
    from converter.migration.run import run_migration
    from converter.migration.watcher import Silent
    from converter.migration.worker import CONVERT

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


def report(
    destination_root: Path,
    output: Path | None = None,
    *,
    progress: Progress | None = None,
) -> ReportFiles:
    """Writes the page over a migration, and the same for programs.

    Each file is the old one or the new one at any time. The same journal, records and comparisons
    give the same bytes. A record or a comparison that is missing or damaged is said in the page.

    Args:
      destination_root: Where the migration leads.
      output: Where the page goes, a name that ends with `.html`; `report.html` in
        `destination_root` by default. The others go beside it, with `.json` and `.csv`.
      progress: Is told each step as it begins.

    Raises:
      UsageError: if no migration wrote to `destination_root`, it is no local path, or `output` has
        another ending.
      DestinationError: if the files cannot be written, if there are others in their places, or if
        the journal cannot be read.
    """
    from converter.migration.write_report import write_report

    return write_report(destination_root, output, progress or _say_nothing)


def _verification(
    source: Path,
    inputs: Mapping[str, Any],
    import_ops: Sequence[str],
    say: Progress,
    keep: Callable[[ParityReport], None] | None,
    collecting_garbage: Callable[[], AbstractContextManager[None]],
) -> Callable[[Path], Mapping[str, Any]]:
    def compare(staging: Path) -> Mapping[str, Any]:
        from converter.parity.verdict import DIFFERS

        with collecting_garbage():  # Sessions make much of it.
            report = verify(source, staging, inputs=inputs, import_ops=import_ops, progress=say)
        if keep is not None:
            keep(report)
        if report.verdict == DIFFERS:
            raise ParityError(
                f"the converted module differs from the original: {report.first_failure()}",
                remedy="Convert without --verify and run `tf1hub verify` to see all of it.",
            )
        return report.summary()

    return compare


def _say_nothing(step: str) -> None:
    del step
