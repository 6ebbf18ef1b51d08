"""Exports a signature to a further format, and compares the file: `converter.export_model`."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf

from converter import errors
from converter.arguments import as_sizes
from converter.conversion.convert import convert
from converter.conversion.options import (
    ConversionOptions,
    Progress,
    ReadingArguments,
    ignore_progress,
)
from converter.errors import summarize
from converter.export.record import FILENAME, FOLDER, Verdict, read_record
from converter.export.saved_model import quiet_tensorflow
from converter.exporters.comparison import choose_inputs, compare_outputs
from converter.exporters.exporter import Exporter, ExportFailedError
from converter.exporters.formats import Format, get_format
from converter.exporters.inputs import Arrays, InputMaker
from converter.exporters.obstacles import advise, find_state_ops, refuse, refuse_state
from converter.exporters.out_file import OutFile
from converter.exporters.record import ExportedOutput, ExportedTensor, ExportRecord
from converter.exporters.signature import ExportedSignature, Shapes, read_signature
from converter.files.json_values import to_json_values
from converter.files.paths import Path, StrPath, as_tensorflow_path
from converter.files.scratch import temporary_folder
from converter.parity.compare import Comparison
from converter.parity.converted_loading import (
    DamagedModelError,
    load_converted,
    refuse_damaged,
)
from converter.parity.generate import UnmakeableError
from converter.parity.random_ops import has_random_ops
from converter.parity.user_inputs import read_arrays
from converter.parity.verdict import EQUAL, NOT_COMPARED
from converter.printable import printable_json
from converter.processes.custom_ops import import_packages
from converter.version import __version__

_EXPORT_VERSION = 1
_SHAPES = "the sizes of each input"
# Both formats are one message, whose length is a signed 32-bit number.
_MOST_WEIGHTS_BYTES = (1 << 31) - (1 << 20)


@errors.explaining_exhaustion()
def export_model(
    model: StrPath,
    out: StrPath,
    *,
    to: str,
    signature: str | None = None,
    shapes: Shapes | None = None,
    inputs: Mapping[str, Any] | StrPath | None = None,
    rtol: float | None = None,
    atol: float | None = None,
    overwrite: bool = False,
    import_ops: Sequence[str] = (),
    allow_op: Sequence[str] = (),
    progress: Progress | None = None,
) -> ExportRecord:
    """Exports one signature to a file of another format, and compares the two by running both.

    Names of inputs and outputs are made safe for the format; the record maps them back. It is
    written beside the file, as `OUT.json`.

    Args:
      model: The SavedModel that `convert` wrote, or a TF1 module, which is converted first.
      out: Where to write the file. At any time it is absent, the old file, or complete.
      to: The format: `onnx` or `litert`.
      signature: The signature; by default `serving_default`.
      shapes: The sizes of inputs, by TF1 name; None leaves a size open.
      inputs: Arrays to compare with instead of generated ones, by `input` or `signature/input`, or
        the `.npz` file that holds them.
      rtol: Relative tolerance, instead of the default of each dtype.
      atol: Absolute tolerance, instead of the default of each dtype.
      overwrite: Whether to replace a file at `out`.
      import_ops: Packages that register custom ops, such as `tensorflow_text`.
      allow_op: Ops to let through when a TF1 module is converted.
      progress: Called with each step as it begins.

    Returns:
      The record of the export, with the differences of each output.

    Raises:
      UsageError: if there is no such signature, input or format, an argument has a value of the
        wrong type, or a package is missing.
      PathNotFoundError: if there is nothing at `model`.
      FormatError: if it is neither a converted module nor a TF1 module, or damaged.
      DownloadError: if it cannot be downloaded.
      UnsafeModuleError: if it could do harm, by an op, a link, a name or the size of a constant.
      UnsupportedOpError: if the format lacks an op; the error names the ops and their nodes.
      WeightsError: if its checkpoint is damaged, or lacks what the graph needs.
      ParityError: if the file computes something else. Nothing is written then.
      UnsuitableDestinationError: if there is a file at `out` and `overwrite` is not set.
      DestinationError: if the file cannot be written.
      OutOfMemoryError: if there is less memory than the module needs.
      ConversionError: if a TF1 module cannot be converted exactly for another reason; all of the
        above are of this class.

    Example:
      ```python
      record = converter.export_model("saved_model", "model.tflite", to="litert",
                                      shapes={"images": [1, 16, 16, 3]})
      print(record.outputs["default"].worst_abs)
      ```
    """
    options: ReadingArguments = {"import_ops": import_ops, "allow_op": allow_op}
    read = ConversionOptions.of(options, ReadingArguments)
    sizes = {name: as_sizes("shapes", given, _SHAPES) for name, given in (shapes or {}).items()}
    chosen, tell = get_format(to), progress or ignore_progress
    place = OutFile.at(out, model, overwrite=overwrite)
    import_packages(read.import_ops)
    with quiet_tensorflow(), _converted(model, options, tell) as directory:
        tell("loading the SavedModel")
        record = read_record(directory)
        module = _load(directory)
        wrapped = read_signature(module, record, signature, sizes)
        task = _Task(wrapped, chosen, make_exporter(to), tell)
        content, verdict, why, compared = task.run(read_arrays(inputs), rtol, atol)
    made = ExportRecord(
        export_version=_EXPORT_VERSION,
        file=place.path.name,
        digest=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        format=to,
        versions=task.versions(),
        source=record.source,
        signature=wrapped.name,
        inputs=_describe_inputs(wrapped),
        outputs=_describe_outputs(wrapped, compared),
        verdict=verdict,
        not_compared=why,
    )
    place.write(content, _to_text(made))
    return made


def _load(directory: Path) -> Any:
    try:
        return load_converted(str(directory))
    except DamagedModelError as error:
        raise refuse_damaged(directory, error) from error


def make_exporter(to: str) -> Exporter:
    """Returns the exporter for a format whose packages are installed."""
    if to == "onnx":
        from converter.exporters.onnx_exporter import OnnxExporter

        return OnnxExporter()
    from converter.exporters.litert_exporter import LitertExporter

    return LitertExporter()


@contextlib.contextmanager
def _converted(model: StrPath, options: ReadingArguments, progress: Progress) -> Iterator[Path]:
    """Yields the converted module: `model`, or what it is converted to for as long as needed."""
    directory = as_tensorflow_path(model)
    if (directory / FOLDER / FILENAME).is_file():
        yield directory
        return
    with temporary_folder() as folder:
        convert(model, folder / "saved_model", progress=progress, **options)
        yield folder / "saved_model"


@dataclasses.dataclass(frozen=True, slots=True)
class _Task:
    signature: ExportedSignature
    format: Format
    exporter: Exporter
    progress: Progress

    def run(
        self, arrays: Arrays, rtol: float | None, atol: float | None
    ) -> tuple[bytes, Verdict, str | None, dict[str, list[Comparison]]]:
        """Exports and compares; returns the content, the verdict, its reason and the outputs."""
        self._check_before()
        inputs, why = self._choose_inputs(arrays)
        self.progress(f"exporting to {self.format.title}")
        try:
            content = self.exporter.export(self.signature)
            run = self.exporter.load(content, self.signature)
            self.progress("comparing the exported file")
            if why is not None:
                for each in inputs:
                    run(each)
                return content, NOT_COMPARED, why, {}
            compared = compare_outputs(self.signature, run, inputs, rtol=rtol, atol=atol)
        except ExportFailedError as error:
            raise self._explain(error) from error
        return content, EQUAL, None, compared

    def versions(self) -> dict[str, str]:
        """The versions of all that has a part in the file."""
        own = {"converter": __version__, "tensorflow": str(tf.__version__)}
        return {**own, **self.exporter.versions()}

    def _choose_inputs(self, arrays: Arrays) -> tuple[list[Arrays], str | None]:
        """Returns inputs to run, and why the outputs of both sides cannot be compared."""
        self.progress("running the SavedModel")
        try:
            maker = InputMaker(self.signature, arrays)
        except ValueError as error:
            reason = f"TensorFlow cannot freeze it: {summarize(error)}"
            raise self._explain(ExportFailedError(reason)) from error
        try:
            inputs = choose_inputs(self.signature, maker)
        except UnmakeableError as error:
            return [], f"{error}. Pass --inputs FILE.npz (in Python: inputs=)"
        if has_random_ops(self.signature.concrete.graph.as_graph_def()):
            return inputs, "the signature draws random numbers"
        return inputs, None

    def _check_before(self) -> None:
        """Refuses what no exporter can write, before the expensive step."""
        found = find_state_ops(self.signature.concrete.graph.as_graph_def())
        if found:
            raise refuse_state(self.signature.name, self.format.title, found)
        weights = sum(
            variable.shape.num_elements() * variable.dtype.size
            for variable in self.signature.concrete.variables
        )
        if weights > _MOST_WEIGHTS_BYTES:
            raise errors.UnsupportedOpError(
                f"signature {self.signature.name!r} has {weights / (1 << 30):.1f} GiB of variables;"
                " an exported file holds less than 2 GiB",
                remedy="Serve the module, or export a smaller signature (--signature).",
            )

    def _explain(self, error: ExportFailedError) -> errors.UnsupportedOpError:
        is_open = any(not spec.shape.is_fully_defined() for spec in self.signature.inputs.values())
        if error.obstacles:
            title = self.format.title
            return refuse(self.signature.name, title, error.obstacles, open_sizes=is_open)
        return errors.UnsupportedOpError(
            f"signature {self.signature.name!r} cannot be exported to {self.format.title}:"
            f" {error.reason}",
            remedy=advise(open_sizes=is_open),
        )


def _describe_inputs(signature: ExportedSignature) -> dict[str, ExportedTensor]:
    return {
        name: ExportedTensor(
            exported_as=signature.input_names[name], dtype=spec.dtype.name, shape=_shape(spec)
        )
        for name, spec in signature.inputs.items()
    }


def _describe_outputs(
    signature: ExportedSignature, compared: Mapping[str, Sequence[Comparison]]
) -> dict[str, ExportedOutput]:
    outputs = {}
    for name, safe in signature.output_names.items():
        spec, found = signature.concrete.structured_outputs[safe], compared.get(name, ())
        outputs[name] = ExportedOutput(
            exported_as=safe,
            dtype=spec.dtype.name,
            shape=_shape(spec),
            calls=len(found),
            bit_equal=sum(comparison.bit_equal for comparison in found),
            worst_abs=max((comparison.max_abs for comparison in found), default=0.0),
            worst_rel=max((comparison.max_rel for comparison in found), default=0.0),
        )
    return outputs


def _shape(spec: Any) -> tuple[int | None, ...] | None:
    return None if spec.shape.rank is None else tuple(spec.shape.as_list())


def _to_text(record: ExportRecord) -> str:
    text = json.dumps(to_json_values(record), indent=1, ensure_ascii=False, allow_nan=False)
    return printable_json(text) + "\n"
