"""Prints the record of an export as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.display.console import Console, escape
from converter.display.tables import format_shape, make_table
from converter.printable import printable
from converter.quantities import format_bytes

if TYPE_CHECKING:
    from converter.exporters.record import ExportRecord


def print_record(record: ExportRecord, console: Console, out: str) -> None:
    """Prints where the file is, and how near its outputs come to those of the SavedModel."""
    size = format_bytes(record.size_bytes)
    console.print(f"Exported to {printable(out)} ({size})", soft_wrap=True, markup=False)
    inputs = make_table("input", "in the file", "dtype", "shape")
    for name, value in record.inputs.items():
        inputs.add_row(
            escape(name), escape(value.exported_as), value.dtype, escape(format_shape(value.shape))
        )
    outputs = make_table("output", "in the file", "calls", "bit-equal", "abs", "rel")
    for name, output in record.outputs.items():
        outputs.add_row(
            escape(name), escape(output.exported_as), str(output.calls), str(output.bit_equal),
            f"{output.worst_abs:.2g}", f"{output.worst_rel:.2g}",
        )  # fmt: skip
    if record.inputs:
        console.print(inputs)
    console.print(outputs)
