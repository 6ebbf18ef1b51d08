"""The outcome of one mutant, as data."""

from __future__ import annotations

import dataclasses
from typing import Any

# What a judge can say of a mutant.
UNMADE, REFUSED, EQUAL, NOT_COMPARED, FINDING = (
    "unmade", "refused", "equal", "not compared", "finding",
)  # fmt: skip


@dataclasses.dataclass
class Judgement:
    """The outcome of one mutant, as far as it is known: a worker that dies leaves an early one.

    Attributes:
      step: The step that was begun last: `scan`, `inspect`, `convert`, `load` or `compare`.
      state: One of the constants of this file; empty while the judge works.
      kind: For findings, their kind; for others the reason, in short.
      message: The error, in words.
      place: The last line of the converter, and the type, of an exception.
      details: A traceback.
      seconds: How long it took.
      peak_bytes: The most memory that the worker has held so far.
    """

    step: str = "make"
    state: str = ""
    kind: str = ""
    message: str = ""
    place: str = ""
    details: str = ""
    seconds: float = 0.0
    peak_bytes: int = 0

    def to_json(self) -> dict[str, Any]:
        """Returns the judgement as JSON values."""
        return dataclasses.asdict(self)

    @property
    def cause(self) -> tuple[str, str, str]:
        """What findings have in common that come from one fault."""
        return self.step, self.kind, self.place

    def say(self, state: str, kind: str, message: str = "", place: str = "") -> None:
        """Writes the outcome down."""
        self.state, self.kind, self.message, self.place = state, kind, message, place
