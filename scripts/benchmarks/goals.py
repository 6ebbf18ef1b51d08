"""Goals, and whether they were reached."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Goal:
    """An upper limit, and what was measured.

    Attributes:
      what: Of what.
      limit: The largest number that is good enough.
      value: What was measured; None if nothing was.
      is_clear: Whether it can be told from noise.
    """

    what: str
    limit: float
    value: float | None
    is_clear: bool = True

    @property
    def reached(self) -> bool | None:
        """Whether it was reached; None if that cannot be told."""
        return None if self.value is None or not self.is_clear else self.value <= self.limit

    @property
    def mark(self) -> str:
        """`yes`, `NO`, or a dash if it cannot be told."""
        return {None: "-", True: "yes", False: "NO"}[self.reached]

    def to_json(self) -> dict[str, object]:
        """The goal as JSON values."""
        return {**dataclasses.asdict(self), "reached": self.reached}


def ratio(value: float | None, base: float | None) -> float | None:
    """`value / base`, where both were measured."""
    return None if value is None or not base else value / base
