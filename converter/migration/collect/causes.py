"""Groups modules by the cause of their errors, so that many with one fault are one entry.

A SavedModel that could not be compared in full has a cause, too: the first reason.
"""

from __future__ import annotations

import collections
import re
from collections.abc import Iterable

from converter.migration.collect.untrusted import cut
from converter.page.cause_titles import NOT_COMPARED_KIND
from converter.page.document import Cause, ModuleError, ModuleFacts

_MAX_SHAPE_CHARACTERS = 300
_BLANK = "…"
# Parts that vary between modules: quoted names, paths, digests and numbers.
_VARYING = re.compile(
    r"'[^']*'"
    r'|"[^"]*"'
    r"|…?(?<![\w/])[\w.+:-]*/[\w./+:-]*"
    r"|\b[0-9a-f]{16,}\b"
    r"|(?<![\w.])[+-]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?(?!\w)"
)


def group_by_cause(modules: Iterable[ModuleFacts]) -> list[Cause]:
    """Groups modules by cause; the cause with most modules comes first."""
    groups: dict[tuple[str, str], list[tuple[ModuleFacts, ModuleError]]]
    groups = collections.defaultdict(list)
    for facts in modules:
        error = facts.error or _first_reason(facts)
        if error is not None:
            groups[error.kind, _shape(facts, error)].append((facts, error))
    causes = [
        Cause(
            kind=kind,
            shape=shape,
            example=group[0][1].message,
            remedies=list(dict.fromkeys(error.remedy for _, error in group if error.remedy)),
            outcomes=list(dict.fromkeys(facts.outcome for facts, _ in group)),
            paths=[facts.path for facts, _ in group],
        )
        for (kind, shape), group in groups.items()
    ]
    return sorted(causes, key=lambda cause: (-len(cause.paths), cause.kind, cause.shape))


def _first_reason(facts: ModuleFacts) -> ModuleError | None:
    """The first reason why a module could not be compared in full, as an error."""
    if facts.outcome != "not_compared":
        return None
    if not facts.not_compared:
        return ModuleError(kind=NOT_COMPARED_KIND, message="no call of the original was compared")
    first = facts.not_compared[0]
    # The name of the call is another one in each module.
    return ModuleError(
        kind=NOT_COMPARED_KIND,
        message=first.text.partition(": ")[2] or first.text,
        remedy=first.remedy,
    )


def _shape(facts: ModuleFacts, error: ModuleError) -> str:
    """The message of an error without the parts that vary between modules."""
    message = error.message
    for own in (facts.source, facts.destination):
        if own:
            message = message.replace(own, _BLANK)
    if error.kind == "ParityError":
        # Which tensor differs, and by how much, is another story in each module.
        message = message.partition(": ")[0]
    return cut(_VARYING.sub(_BLANK, message), _MAX_SHAPE_CHARACTERS)
