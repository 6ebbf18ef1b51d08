"""Compares a converted module with its original: `converter.verify`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from converter import errors, tf_private
from converter.conversion.options import (
    ConversionOptions,
    Progress,
    ReadingArguments,
    ignore_progress,
)
from converter.files.paths import StrPath, as_tensorflow_path
from converter.parity import verify as parity
from converter.parity.report import ParityReport
from converter.parity.user_inputs import read_arrays
from converter.processes.custom_ops import import_packages
from converter.sources.registry import open_in
from converter.sources.source import ModuleSource, Surroundings


@errors.explaining_exhaustion()
@tf_private.eager_mode()
def verify(
    source: ModuleSource,
    destination: StrPath,
    *,
    session: Any = None,
    inputs: Mapping[str, Any] | StrPath | None = None,
    rtol: float | None = None,
    atol: float | None = None,
    import_ops: Sequence[str] = (),
    allow_op: Sequence[str] = (),
    progress: Progress | None = None,
) -> ParityReport:
    """Compares a converted module with its original, by running both on the same inputs.

    The TF1 graph runs in a Session, the SavedModel in a process of its own. A difference raises
    nothing: `verdict` of the report is `equal`, `differs` or `not compared`.

    Args:
      source: The TF1 module's directory, archive or handle, or what `open_source` yields. Also the
        `hub.ModuleSpec` that was converted, which keeps the values of its initializers as long as
        it is in use, or a live `hub.Module`.
      destination: The SavedModel that `convert` wrote.
      session: The session that runs a live `hub.Module`; the default session if None.
      inputs: Arrays to use instead of generated ones, by `input` or `signature/input`, or the
        `.npz` file that holds them.
      rtol: Relative tolerance, instead of the default of each dtype.
      atol: Absolute tolerance, instead of the default of each dtype.
      import_ops: Packages that register custom ops, such as `tensorflow_text`.
      allow_op: Ops of the original to let through that could do harm, beside those that `convert`
        let through. Of other such ops, TensorFlow sees none.
      progress: Called with each step as it begins.

    Returns:
      All that was compared, and what could not be.

    Raises:
      UsageError: if `inputs` has a name that the module does not know, an argument has a value of
        the wrong type, or a path is not UTF-8.
      PathNotFoundError: if there is nothing at `source`.
      FormatError: if it is not a TF1 module, or one of the two is damaged.
      DownloadError: if it cannot be downloaded.
      UnsafeModuleError: if the original runs an op that was not let through.
      UnsupportedOpError: if TensorFlow does not know an op of the original.
      WeightsError: if the checkpoint of the original is damaged, or lacks what the graph needs.
      ParityError: if `destination` was not converted from `source`, or one of the two cannot run.
      DestinationError: if there is no space to download or unpack it.
      OutOfMemoryError: if there is less memory than the module needs.
      ConversionError: if one of the two cannot be read for another reason; all of the above are of
        this class.

    Example:
      ```python
      report = converter.verify("module", "saved_model")
      print(report.verdict)  # equal
      for row in report.failures:
          print(row.case, row.check, row.tensor, row.comparison.max_abs)
      ```
    """
    given: ReadingArguments = {"import_ops": import_ops, "allow_op": allow_op}
    chosen, tell = ConversionOptions.of(given, ReadingArguments), progress or ignore_progress
    import_packages(chosen.import_ops)
    surroundings = Surroundings(
        progress=tell, session=session, allowed_ops=chosen.plan_options.allowed_ops
    )
    with open_in(surroundings, source) as opened:
        return parity.verify(
            as_tensorflow_path(opened.directory),
            as_tensorflow_path(destination),
            inputs=read_arrays(inputs),
            rtol=rtol,
            atol=atol,
            import_ops=chosen.import_ops,
            allow_op=chosen.allow_op,
            progress=tell,
        )
