"""Packs the details of a module, so that the page stays small however many modules there are.

Details are JSON, deflated. A browser unpacks them when the module is opened. Each module has a
budget, its share of the page's: details beyond it are cut, first long lists, then long texts. A
list that is cut ends with `{"rest": n}`, the number of items left out.
"""

from __future__ import annotations

import json
import zlib
from typing import Any

from converter.files.json_values import to_json_values
from converter.migration.collect.untrusted import cut
from converter.page.details import Details

# In base64, the page takes a third more.
_PAGE_BUDGET_BYTES = 48 << 20
_LEAST_BUDGET_BYTES = 3 << 10
_MOST_BUDGET_BYTES = 192 << 10
# The most items of a list, and characters of a text; the last limits fit any budget.
_LIMITS = ((3000, 4000), (1000, 2000), (300, 1000), (100, 500), (30, 250), (10, 100), (0, 50))
_SHORT_NUMBERS = 65


def budget_bytes(modules: int) -> int:
    """How many bytes the packed details of each of so many modules may take."""
    share = _PAGE_BUDGET_BYTES // max(1, modules)
    return min(_MOST_BUDGET_BYTES, max(_LEAST_BUDGET_BYTES, share))


def pack(details: Details, budget: int) -> bytes:
    """Packs the details of a module into `budget` bytes."""
    values, packed = to_json_values(details), b""
    for items, characters in _LIMITS:
        text = json.dumps(_cut(values, items, characters), separators=(",", ":"), allow_nan=False)
        packed = zlib.compress(text.encode(), 6)
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
    """Whether it is a shape or a histogram, of which a part would be misleading."""
    return len(value) <= _SHORT_NUMBERS and all(
        item is None or isinstance(item, int) for item in value
    )
