"""The names of outcomes on the page, and their meanings."""

from __future__ import annotations

from collections.abc import Mapping

from converter.page.document import OutcomeName

# By outcome, in the order of the page.
MEANINGS: Mapping[OutcomeName, str] = {
    "converted": "Its SavedModel is in place.",
    "up_to_date": "Its SavedModel was up to date.",
    "not_compared": "Its SavedModel is in place, but could not be compared in full.",
    "refused": "It cannot be carried over exactly, or cannot be read.",
    "failed": "The converter, the comparison or the destination failed.",
    "timed_out": "It was stopped at the time limit.",
    "crashed": "Its worker died, or was stopped at the memory limit.",
    "unfinished": "A job began, and has no outcome.",
    "not_legacy": "There is nothing to convert.",
}
LABELS = {name: name.replace("_", " ") for name in MEANINGS}
LABELS["not_legacy"] = "nothing to convert"
