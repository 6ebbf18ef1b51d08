"""The result of `converter.convert`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from converter.display.shown import Shown
from converter.export import usage
from converter.export.record import Record, Verdict, count_parts
from converter.files.json_values import to_json_values
from converter.parity.report import explain_summary
from converter.parity.verdict import COLORS
from converter.printable import printable

if TYPE_CHECKING:
    from converter.display.console import Console


class Conversion(Shown, msgspec.Struct, frozen=True):
    """A finished conversion.

    Attributes:
      destination: The path of the SavedModel.
      record: The contents of its `assets.extra/conversion.json`.
      remarks: Notes for the user on how it was written, in full sentences. They are not in the
        record, since the result does not depend on them.

    Example:
      ```python
      conversion = converter.convert("module", "converted", call_signature="default")
      print(conversion.record.root, [*conversion.record.callables])
      for warning in conversion.warnings:
          print(warning)
      ```
    """

    destination: str
    record: Record
    remarks: tuple[str, ...] = ()

    def _headline(self) -> str:
        verdict = "" if self.verdict is None else f", {self.verdict}"
        return f"{self.destination!r}, {count_parts(self.record)}{verdict}"

    def _show(self, console: Console) -> None:
        print_summary(self, console)
        for warning in (*self.warnings, *self.remarks):
            console.print(f"warning: {printable(warning)}", soft_wrap=True, markup=False)
        print_usage(self, console)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings for the user, in full sentences."""
        return self.record.all_warnings()

    @property
    def verdict(self) -> Verdict | None:
        """The verdict of the comparison with the original; None if there was none."""
        return None if self.record.parity is None else self.record.parity.verdict

    def to_json(self) -> dict[str, Any]:
        """Converts the conversion to JSON values."""
        values: dict[str, Any] = to_json_values(self)
        return values


def print_summary(conversion: Conversion, console: Console) -> None:
    """Prints where the SavedModel is, how much it offers, and how it compares."""
    record = conversion.record
    place = printable(conversion.destination)
    console.print(f"Converted to {place}", soft_wrap=True, markup=False)
    console.print(f"  {count_parts(record)}", soft_wrap=True)
    if record.parity is not None:
        summary, color = explain_summary(record.parity), COLORS[record.parity.verdict]
        console.print(f"  {printable(summary)}", soft_wrap=True, markup=False, style=color)


def print_usage(conversion: Conversion, console: Console) -> None:
    """Prints the lines of Python that use the SavedModel, with its own names."""
    text = usage.format_example(conversion.record, conversion.destination)
    if text:
        console.print(f"\n{text}", soft_wrap=True, markup=False)
