"""The record of an export, which is written beside the exported file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from converter.display.shown import Shown
from converter.export.record import Shape, SourceInfo, Verdict
from converter.files.json_values import Number, restore_numbers
from converter.printable import printable

if TYPE_CHECKING:
    from converter.display.console import Console


class ExportedTensor(msgspec.Struct, frozen=True, kw_only=True):
    """An input of the exported file.

    Attributes:
      exported_as: Its name in the file.
      dtype: The TensorFlow name of its dtype.
      shape: Its static shape, with null for unknown sizes; null if the rank is unknown.
    """

    exported_as: str
    dtype: str
    shape: Shape


class ExportedOutput(msgspec.Struct, frozen=True, kw_only=True):
    """An output of the exported file, and how near it came to that of the SavedModel.

    Attributes:
      exported_as: Its name in the file.
      dtype: The TensorFlow name of its dtype.
      shape: Its static shape, with null for unknown sizes; null if the rank is unknown.
      calls: The number of calls in which it was compared.
      bit_equal: In how many of them all bits agree.
      worst_abs: The largest absolute difference; 0 if it was not compared.
      worst_rel: The largest relative difference among elements that are more than noise; in JSON a
        string if it is not finite.
    """

    exported_as: str
    dtype: str
    shape: Shape
    calls: int = 0
    bit_equal: int = 0
    worst_abs: Number = 0.0
    worst_rel: Number = 0.0

    def __post_init__(self) -> None:
        restore_numbers(self, "worst_abs", "worst_rel")


class ExportRecord(Shown, msgspec.Struct, frozen=True, kw_only=True):
    """The record of an export, `OUT.json`.

    Attributes:
      export_version: The version of this schema.
      file: The name of the exported file.
      digest: SHA-256 over its bytes.
      size_bytes: Its size.
      format: `onnx` or `litert`.
      versions: Of the converter, TensorFlow and the packages that wrote and ran the file.
      source: The TF1 module behind it.
      signature: The signature that was exported.
      inputs: Its inputs, by TF1 name.
      outputs: Its outputs, by TF1 name.
      verdict: `equal` if all outputs are as near as the runtimes' kernels allow, or
        `not compared`.
      not_compared: Why they were not compared; null if they were.

    Example:
      ```python
      record = converter.export_model("saved_model", "model.tflite", to="litert",
                                      shapes={"images": [1, 16, 16, 3]})
      print(record.inputs["images"].exported_as, record.verdict)
      ```
    """

    export_version: int
    file: str
    digest: str
    size_bytes: int
    format: str
    versions: dict[str, str]
    source: SourceInfo
    signature: str
    inputs: dict[str, ExportedTensor]
    outputs: dict[str, ExportedOutput]
    verdict: Verdict
    not_compared: str | None

    def _headline(self) -> str:
        return f"{self.file!r}, signature {self.signature!r} as {self.format}, {self.verdict}"

    def _show(self, console: Console) -> None:
        from converter.exporters.record_table import print_record

        print_record(self, console, self.file)
        if self.not_compared is not None:
            console.print(f"Not compared: {printable(self.not_compared)}.", markup=False)
