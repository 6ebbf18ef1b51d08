"""Refuses trees in which the SavedModels of two modules would be in each other's way."""

from __future__ import annotations

import glob
import shlex
from collections.abc import Sequence

from converter import errors
from converter.files.letter_case import tells_case_apart
from converter.migration.candidates import Candidate, find_collisions
from converter.migration.options import Options

_MOST_NAMED = 5


def check_collisions(candidates: Sequence[Candidate], options: Options) -> None:
    """Checks that each module has a destination of its own.

    The order of two such modules would decide which of them is there in the end.

    Raises:
      UsageError: if two lead to one destination, or one into that of the other; it names both.
    """
    collisions = find_collisions(candidates, case_matters=False)
    if collisions and tells_case_apart(options.destination_root):
        collisions = find_collisions(candidates)
    if not collisions:
        return
    named = "; ".join(_describe(*pair) for pair in collisions[:_MOST_NAMED])
    rest = len(collisions) - _MOST_NAMED
    more = f"; and {rest} more" if rest > 0 else ""
    # `--exclude` takes globs.
    loser = shlex.quote(glob.escape(collisions[0][0].path))
    raise errors.UsageError(
        f"several modules would be converted to one place: {named}{more}",
        remedy=f"Leave out one of each, such as by --exclude {loser}, or rename it.",
    )


def _describe(loser: Candidate, winner: Candidate) -> str:
    if len(loser.target) == len(winner.target):
        return f"{winner.path!r} and {loser.path!r} would both become {winner.target!r}"
    inner, outer = sorted((loser, winner), key=lambda c: len(c.target), reverse=True)
    return f"{inner.path!r} would become {inner.target!r}, within that of {outer.path!r}"
