"""What outcomes are called in the page, and what they mean."""

from __future__ import annotations

from converter.migration.outcomes import OUTCOME_NAMES
from converter.page.journal_facts import UNFINISHED

# By outcome, in the order of the page.
MEANINGS = {
    "converted": "Its SavedModel is in place.",
    "up_to_date": "Its SavedModel already was what converting gives.",
    "refused": "It cannot be carried over exactly, or cannot be read.",
    "failed": "The converter, the comparison or the destination failed.",
    "timed_out": "It was stopped at the limit of time.",
    "crashed": "Its worker died, or was stopped at the limit of memory.",
    UNFINISHED: "It was begun, and has no outcome.",
    "not_legacy": "There is nothing to convert.",
}
LABELS = {name: name.replace("_", " ") for name in MEANINGS}
LABELS["not_legacy"] = "nothing to convert"
assert set(MEANINGS) == {*OUTCOME_NAMES.values(), UNFINISHED}
