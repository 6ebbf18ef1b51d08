"""Smaller mutants that show the same fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def shrink(mutant: dict[str, Any], fails: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Makes a mutant smaller as long as it `fails` in the same way."""
    while True:
        smaller = next((one for one in simpler(mutant) if fails(one)), None)
        if smaller is None:
            return mutant
        mutant = smaller


def simpler(mutant: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Mutants with an edit less, or with a simpler value in one."""
    edits = mutant["edits"]
    if len(edits) > 1:
        for position in range(len(edits)):
            yield {**mutant, "edits": edits[:position] + edits[position + 1 :]}
    for position, edit in enumerate(edits):
        for value in _simpler_values(edit.get("value")):
            changed = {**edit, "value": value}
            yield {**mutant, "edits": [*edits[:position], changed, *edits[position + 1 :]]}


def _simpler_values(value: Any) -> Iterator[Any]:
    if isinstance(value, str) and len(value) > 8:
        yield from (value[: len(value) // 2], value[len(value) // 2 :])
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2:
        yield from (0, 1, -1, value // 2 if value > 0 else -(-value // 2))
