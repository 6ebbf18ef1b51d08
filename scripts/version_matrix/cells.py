"""The cells of the matrix: a TensorFlow, a Python, and what is installed beside them."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Sequence


class Beside(enum.Enum):
    """What is installed beside TensorFlow."""

    TF_KERAS = "tf_keras"
    HUB_API = "hub0.15"
    NOTHING = "plain"


@dataclasses.dataclass(frozen=True)
class Cell:
    """An environment to test in.

    Attributes:
      tensorflow: The minor version of TensorFlow, as `2.21`.
      python: The minor version of Python, as `3.13`.
      beside: What is installed beside TensorFlow.
    """

    tensorflow: str
    python: str
    beside: Beside

    @property
    def name(self) -> str:
        """How the command line and the results name it."""
        return f"tf{self.tensorflow}-py{self.python}-{self.beside.value}"

    @property
    def extras(self) -> tuple[str, ...]:
        """The extras of pyproject.toml to install."""
        if self.beside is Beside.HUB_API:
            return ("checks", "dask", "memory")
        keras_3 = () if self.tensorflow == "2.15" else ("keras",)
        keras_2 = ("train",) if self.beside is Beside.TF_KERAS else ()
        return ("checks", "dask", *keras_2, *keras_3)


# The Pythons for which each TensorFlow has wheels, of those that the converter supports.
_PYTHONS = {
    "2.15": ("3.10", "3.11"),
    "2.16": ("3.10", "3.11", "3.12"),
    "2.18": ("3.10", "3.11", "3.12"),
    "2.20": ("3.10", "3.11", "3.12", "3.13"),
    "2.21": ("3.10", "3.11", "3.12", "3.13"),
}
# From the oldest to the newest. The last tensorflow_hub that makes modules is for the oldest.
CELLS = tuple(
    Cell(tensorflow, python, beside)
    for tensorflow, pythons in _PYTHONS.items()
    for python in pythons
    for beside in Beside
    if beside is not Beside.HUB_API or (tensorflow, python) == ("2.15", "3.11")
)


def choose_cells(patterns: Sequence[str]) -> tuple[Cell, ...]:
    """The cells that a pattern names; all if there is no pattern.

    Args:
      patterns: Each has parts of a cell's name, with `-` between them: `tf2.15`, `py3.13-plain`.

    Raises:
      ValueError: if a pattern names no cell.
    """
    if not patterns:
        return CELLS
    found = {cell for pattern in patterns for cell in _named_by(pattern)}
    return tuple(cell for cell in CELLS if cell in found)


def _named_by(pattern: str) -> Iterator[Cell]:
    parts = set(pattern.split("-"))
    found = [cell for cell in CELLS if parts <= set(cell.name.split("-"))]
    if not found:
        raise ValueError(f"no cell is named {pattern!r}: --list prints all names")
    yield from found
