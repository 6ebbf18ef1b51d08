"""Groups what went wrong by its cause, so that many modules with one fault are one entry."""

from __future__ import annotations

import collections
import dataclasses
import re
from collections.abc import Iterable

from converter.page.untrusted import Json, cut

_MAX_SHAPE_CHARACTERS = 300
_BLANK = "…"
# What differs from module to module: quoted names, paths, digests and numbers.
_VARYING = re.compile(
    r"'[^']*'"
    r'|"[^"]*"'
    r"|…?(?<![\w/])[\w.+:-]*/[\w./+:-]*"
    r"|\b[0-9a-f]{16,}\b"
    r"|(?<![\w.])[+-]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?(?!\w)"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Cause:
    """Why some modules were not converted.

    Attributes:
      kind: The type of the error.
      shape: Its message, with `…` in the place of what differs from module to module.
      example: The message of the first module.
      remedies: What can be done about it.
      outcomes: The outcomes that the modules have.
      paths: The modules.
    """

    kind: str
    shape: str
    example: str
    remedies: tuple[str, ...]
    outcomes: tuple[str, ...]
    paths: tuple[str, ...]


def group_by_cause(modules: Iterable[Json]) -> tuple[Cause, ...]:
    """The causes, the one with most modules first."""
    groups: dict[tuple[str, str], list[Json]] = collections.defaultdict(list)
    for facts in modules:
        if facts["error"] is not None:
            groups[facts["error"]["kind"], shape_of(facts)].append(facts)
    causes = [_describe(kind, shape, group) for (kind, shape), group in groups.items()]
    return tuple(sorted(causes, key=lambda cause: (-len(cause.paths), cause.kind, cause.shape)))


def shape_of(facts: Json) -> str:
    """The message of a module's error without what is the module's own."""
    message = str(facts["error"]["message"])
    for own in (facts["source"], facts["destination"]):
        if own:
            message = message.replace(own, _BLANK)
    if facts["error"]["kind"] == "ParityError":
        # Which tensor differs, and by how much, is another story in each module.
        message = message.partition(": ")[0]
    return cut(_VARYING.sub(_BLANK, message), _MAX_SHAPE_CHARACTERS)


def _describe(kind: str, shape: str, group: list[Json]) -> Cause:
    remedies = dict.fromkeys(facts["error"]["remedy"] for facts in group)
    return Cause(
        kind=kind,
        shape=shape,
        example=group[0]["error"]["message"],
        remedies=tuple(remedy for remedy in remedies if remedy),
        outcomes=tuple(dict.fromkeys(facts["outcome"] for facts in group)),
        paths=tuple(facts["path"] for facts in group),
    )
