"""Groups the causes of a report by what is wrong, in plain words."""

from __future__ import annotations

import collections
from collections.abc import Callable, Sequence

from converter.page.cause_titles import title_of
from converter.page.document import Cause, Group


def group_causes(
    causes: Sequence[Cause], retry: Callable[[Sequence[str]], str] = lambda _: ""
) -> list[Group]:
    """Groups causes by their titles; the group with most modules comes first.

    Args:
      causes: The causes of a report.
      retry: Returns a command that retries the modules with these paths; empty if there is none.
    """
    places: dict[str, list[int]] = collections.defaultdict(list)
    for place, cause in enumerate(causes):
        places[title_of(cause.kind, cause.example, " ".join(cause.remedies))].append(place)
    groups = []
    for title, members in places.items():
        paths = [path for place in members for path in causes[place].paths]
        groups.append(Group(title=title, causes=members, modules=len(paths), retry=retry(paths)))
    return sorted(groups, key=lambda group: (-group.modules, group.title))
