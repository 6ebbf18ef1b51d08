"""Converts one TF1 module: `converter.convert`."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from converter import errors, tf_private
from converter.compile.compile_module import compile_module
from converter.compile.compiled_module import CompiledModule
from converter.conversion.conversion import Conversion
from converter.conversion.options import (
    ConversionArguments,
    ConversionOptions,
    Progress,
    ignore_progress,
    show_options,
)
from converter.conversion.verify import verify
from converter.export.record import ParityInfo
from converter.export.saved_model import Card, write_saved_model
from converter.files.byte_progress import ByteProgress
from converter.files.destination import check_destination, check_file_place
from converter.files.pack import pack
from converter.files.paths import Path, RemotePath, StrPath, as_path, as_tensorflow_path, reading
from converter.files.replacing import replacing
from converter.files.snapshot import SourceGuard
from converter.files.source_files import BackgroundDigest
from converter.files.staging import sweep_beside
from converter.formats.registry import read_module
from converter.parity.report import ParityReport
from converter.parity.user_inputs import check_inputs
from converter.parity.verdict import DIFFERS
from converter.processes import garbage_collection
from converter.processes.custom_ops import import_packages
from converter.sources.handles import is_handle
from converter.sources.registry import open_in
from converter.sources.source import ModuleSource, Source, Surroundings

if TYPE_CHECKING:
    from typing_extensions import Unpack


@show_options(ConversionArguments)
def convert(
    source: ModuleSource,
    destination: StrPath,
    *,
    session: Any = None,
    inputs: Mapping[str, Any] | StrPath | None = None,
    overwrite: bool = False,
    card: bool = False,
    compress: StrPath | None = None,
    progress: Progress | None = None,
    parity_report: Callable[[ParityReport], None] | None = None,
    **options: Unpack[ConversionArguments],
) -> Conversion:
    """Converts a TF1 module; runs none of its ops, unless `verify` is set.

    Weights are never loaded: their files are copied, and every checksum in them is compared.

    Args:
      source: The module's directory or archive: a local path, or any that TensorFlow can read
        (`gs://…`); a handle (`https://…`); what `hub.create_module_spec` returns, whose
        initializers run; a live `hub.Module`; or what `open_source` yields.
      destination: Where to write the SavedModel. At any time it is absent, the old version, or
        complete.
      session: The session that runs a live `hub.Module`; the default session if None.
      inputs: Arrays for the comparison, or the `.npz` file that holds them, as in `verify`.
      overwrite: Whether to replace a SavedModel at `destination`.
      card: Whether to write the model card into it, as `README.md`.
      compress: Where to write the SavedModel once more, as a `.tar.gz` rooted at it, which is what
        TF Hub's servers give. The same SavedModel gives the same bytes.
      progress: Called with each step as it begins, and while large weights are copied.
      parity_report: Called with the full comparison, passed or not, if `verify` is set.
      **options: Options of `ConversionOptions`.

    Returns:
      Where the SavedModel is, with its record, warnings and, if `verify` is set, the verdict.

    Raises:
      UsageError: if the module has no such tag set, signature or input, an option has a value of
        the wrong type, or a path is not UTF-8.
      PathNotFoundError: if there is nothing at `source`.
      FormatError: if it is not a TF1 module, or damaged.
      DownloadError: if it cannot be downloaded.
      UnsafeModuleError: if it could do harm, by an op, a link, a name or the size of a constant.
      UnsupportedOpError: if its graph has an op that cannot be carried over, or that is unknown.
      WeightsError: if its checkpoint is damaged, or lacks what the graph needs.
      ParityError: if `verify` is set, and the SavedModel differs from the original, or cannot run.
      UnsuitableDestinationError: if `destination` exists and `overwrite` is not set, or if it lies
        in the source.
      DestinationError: if something cannot be written.
      OutOfMemoryError: if there is less memory than the module needs.
      ConversionError: if the module cannot be converted exactly for another reason; all of the
        above are of this class.
      TypeError: if there is no such option.

    Example:
      ```python
      import tensorflow as tf

      conversion = converter.convert("module", "converted", card=True)
      print(conversion)  # Counts, warnings, and lines of Python that use the SavedModel.
      module = tf.saved_model.load(conversion.destination)
      ```
    """
    return convert_digested(
        source, destination, session=session, inputs=inputs, overwrite=overwrite, card=card,
        compress=compress, progress=progress, parity_report=parity_report, **options,
    )  # fmt: skip


@errors.explaining_exhaustion()
@tf_private.eager_mode()
def convert_digested(
    source: ModuleSource,
    destination: StrPath,
    *,
    source_digest: Callable[[], str] | None = None,
    session: Any = None,
    inputs: Mapping[str, Any] | StrPath | None = None,
    overwrite: bool = False,
    card: bool = False,
    compress: StrPath | None = None,
    progress: Progress | None = None,
    parity_report: Callable[[ParityReport], None] | None = None,
    **options: Unpack[ConversionArguments],
) -> Conversion:
    """Converts a TF1 module whose digest is known, or is being computed.

    Args:
      source: As for `convert`, like all other arguments.
      destination: Where to write the SavedModel.
      source_digest: Returns `converter.files.source_files.digest(source)`; None to compute it.
        Archives are digested as they are unpacked.
      session: The session that runs a live `hub.Module`.
      inputs: Arrays for the comparison.
      overwrite: Whether to replace a SavedModel at `destination`.
      card: Whether to write the model card.
      compress: Where to write the SavedModel as an archive.
      progress: Called with each step.
      parity_report: Called with the comparison.
      **options: Options of `ConversionOptions`.

    Raises:
      ConversionError: as `convert` does.
    """
    chosen = ConversionOptions.of(options, ConversionArguments)
    target, tell = as_tensorflow_path(destination), progress or ignore_progress
    _check_before_unpacking(source, target, overwrite=overwrite)
    archive = None if compress is None else _check_archive(compress, target, overwrite=overwrite)
    surroundings = Surroundings(target, tell, session, chosen.plan_options.allowed_ops)
    with open_in(surroundings, source) as opened:
        task = _Task(opened, target, chosen, inputs, overwrite, card, tell, parity_report)
        with _digesting(opened, source_digest) as digest:
            conversion = task.run(digest)
    if archive is not None:
        _pack(target, archive, tell)
    return conversion


@contextlib.contextmanager
def _digesting(
    source: Source, source_digest: Callable[[], str] | None
) -> Iterator[Callable[[], str]]:
    if source.known_digest is not None:
        yield source.digest
        return
    with BackgroundDigest(source.directory, source_digest) as digest:
        yield digest.result


def _check_archive(place: StrPath, destination: Path, *, overwrite: bool) -> pathlib.Path:
    """Checks that an archive can be written, before there is anything to pack."""
    archive = as_path(place)
    if isinstance(archive, RemotePath) or isinstance(destination, RemotePath):
        raise errors.UsageError(
            "only local SavedModels are packed, into local files",
            remedy="Convert it to a local directory, and pack it to a local file.",
        )
    if archive.absolute().is_relative_to(destination.absolute()):
        raise errors.UnsuitableDestinationError(
            f"the archive {archive} lies in the SavedModel {destination}",
            remedy="Choose a place outside of it.",
        )
    check_file_place(archive)
    if archive.exists() and not overwrite:
        raise errors.UnsuitableDestinationError(
            f"{archive} exists already", remedy="Pass --overwrite to replace it."
        )
    return archive


def _pack(directory: Path, archive: pathlib.Path, progress: Progress) -> None:
    progress(f"packing {archive.name}")
    try:
        with replacing(archive) as file:
            pack(pathlib.Path(str(directory)), pathlib.Path(file.name), folders=True)
    except OSError as error:
        raise errors.unwritable(archive, error) from error


def _check_before_unpacking(source: ModuleSource, destination: Path, *, overwrite: bool) -> None:
    """Checks the destination of an archive or handle before it is unpacked."""
    if isinstance(source, str | os.PathLike):
        path = as_tensorflow_path(source)
        if is_handle(os.fspath(source)) or _is_file(path):
            check_destination(path, destination, overwrite=overwrite)


def _is_file(path: Path) -> bool:
    with reading(path, remedy="Check the path."):
        return path.exists() and not path.is_dir()


@dataclasses.dataclass(frozen=True, slots=True)
class _Task:
    """One conversion, with the arguments of `convert`."""

    source: Source
    destination: Path
    options: ConversionOptions
    inputs: Mapping[str, Any] | StrPath | None
    overwrite: bool
    card: bool
    progress: Progress
    parity_report: Callable[[ParityReport], None] | None

    def run(self, digest: Callable[[], str]) -> Conversion:
        """Converts the module.

        Args:
          digest: Returns the digest of the source.
        """
        import_packages(self.options.import_ops)
        guard = SourceGuard(self.source.directory)
        with garbage_collection.paused() as resumed:
            compiled, arrays = self._compile()
            self.progress("tracing and saving")
            written = write_saved_model(
                compiled,
                self.destination,
                options=self._recorded_options(compiled),
                digest=digest,
                source=self.source,
                check_source=guard.check,
                overwrite=self.overwrite,
                hardlink=self.options.hardlink,
                verify=self._comparison(arrays, resumed) if self.options.verify else None,
                card=self._card(),
                progress=ByteProgress(self.progress, "copying weights"),
            )
        return Conversion(str(self.destination), written.record, written.remarks)

    def _card(self) -> Card | None:
        if not self.card:
            return None
        # The engine of its template, which few conversions need.
        from converter.conversion.card import format_card

        return format_card

    def _compile(self) -> tuple[CompiledModule, Mapping[str, Any]]:
        """Reads the module; compiles it; returns that, and the arrays to compare it with."""
        self.progress("reading the module")
        legacy = read_module(as_tensorflow_path(self.source.directory))
        sweep_beside(self.destination)
        check_destination(legacy.directory, self.destination, overwrite=self.overwrite)
        arrays = check_inputs(self.inputs, legacy, verify=self.options.verify)
        self.progress("rewriting its graphs")
        return compile_module(legacy, self.options.plan_options), arrays

    def _recorded_options(self, compiled: CompiledModule) -> dict[str, Any]:
        """The options in the record; ops that were let through are let through in `verify`, too."""
        through = {"allow_op": sorted(compiled.unsafe_ops)} if compiled.unsafe_ops else {}
        return {**self.options.recorded(), **through}

    def _comparison(
        self,
        arrays: Mapping[str, Any],
        collecting_garbage: Callable[[], AbstractContextManager[None]],
    ) -> Callable[[Path], ParityInfo]:
        """Returns a function that compares the staged result and summarizes that for the record.

        It raises ParityError where the two differ.
        """

        def compare(staging: Path) -> ParityInfo:
            with collecting_garbage():  # Sessions make much of it.
                report = verify(
                    self.source, staging, inputs=arrays, import_ops=self.options.import_ops,
                    allow_op=self.options.allow_op, progress=self.progress,
                )  # fmt: skip
            if self.parity_report is not None:
                self.parity_report(report)
            if report.verdict == DIFFERS:
                raise errors.ParityError(
                    f"the converted module differs from the original: {report.first_failure()}",
                    remedy="Convert without --verify and run `tf1hub verify` to see all of it.",
                )
            return report.summary()

        return compare
