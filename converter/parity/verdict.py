"""The verdicts of a comparison: equal, differs, or not compared."""

from __future__ import annotations

import dataclasses

from converter.export.record import Verdict

EQUAL: Verdict = "equal"
DIFFERS: Verdict = "differs"
NOT_COMPARED: Verdict = "not compared"

# What a command ends with.
EXIT_STATUSES: dict[str, int] = {EQUAL: 0, DIFFERS: 1, NOT_COMPARED: 3}
# Its color on a terminal.
COLORS: dict[str, str] = {EQUAL: "green", DIFFERS: "red", NOT_COMPARED: "yellow"}


@dataclasses.dataclass(frozen=True, slots=True)
class NotCompared:
    """Something that could not be compared.

    Attributes:
      case: The call that it belongs to.
      what: What of that call: `all of it`, `gradients`.
      why: The reason.
      remedy: What to pass so that it is compared; empty where nothing helps.
      leaves_open: Whether the two may differ in it. They may not in what the original does not
        have either, such as gradients through an op that has none.
    """

    case: str
    what: str
    why: str
    remedy: str = ""
    leaves_open: bool = True

    @property
    def text(self) -> str:
        """All of it in one line, without the remedy."""
        return f"{self.what} of {self.case}: {self.why}"
