"""Packs what the page shows of one module, so that the page stays small however many there are.

The details of a module are JSON, deflated, in base64. A browser unpacks them when the module is
opened. Each module has a budget, a share of that of the page; what is over it is cut: first long
lists, then long texts. A list that is cut ends with `{"rest": n}`, the number of items left out.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

from converter.page.untrusted import Json, cut

_PAGE_BUDGET_BYTES = 64 << 20
_LEAST_BUDGET_BYTES = 4 << 10
_MOST_BUDGET_BYTES = 256 << 10
# Most items of a list, and most characters of a text; the last is within any budget.
_LIMITS = ((3000, 4000), (1000, 2000), (300, 1000), (100, 500), (30, 250), (10, 100), (0, 50))
_SHORT_NUMBERS = 65


def budget_bytes(modules: int) -> int:
    """How large the packed details of each of so many modules may be."""
    share = _PAGE_BUDGET_BYTES // max(1, modules)
    return min(_MOST_BUDGET_BYTES, max(_LEAST_BUDGET_BYTES, share))


def pack(details: Json, budget: int) -> str:
    """Packs the details of a module into `budget` bytes of ASCII."""
    packed = ""
    for items, characters in _LIMITS:
        text = json.dumps(_cut(details, items, characters), separators=(",", ":"), allow_nan=False)
        packed = base64.b64encode(zlib.compress(text.encode(), 6)).decode()
        if len(packed) <= budget:
            break
    return packed


def _cut(value: Any, items: int, characters: int) -> Any:
    if isinstance(value, str):
        return cut(value, characters)
    if isinstance(value, dict):
        return {name: _cut(part, items, characters) for name, part in value.items()}
    if not isinstance(value, list) or _is_atomic(value):
        return value
    kept = [_cut(item, items, characters) for item in value[:items]]
    return kept if len(value) <= items else [*kept, {"rest": len(value) - items}]


def _is_atomic(value: list[Any]) -> bool:
    """Whether it is a shape or a histogram, a part of which would be another one."""
    return len(value) <= _SHORT_NUMBERS and all(
        item is None or isinstance(item, int) for item in value
    )
