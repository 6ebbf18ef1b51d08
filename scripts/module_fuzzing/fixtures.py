"""The fixtures that mutants are made of."""

from __future__ import annotations

import functools
import pathlib

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "legacy_fixtures" / "golden"
_GRAPHS = "saved_model.pb"
_MAX_GRAPH_BYTES = 200_000


@functools.cache
def small_fixtures() -> tuple[str, ...]:
    """The names of fixtures whose conversion takes about a second, sorted."""
    paths = sorted(GOLDEN.glob(f"*/module/{_GRAPHS}"))
    return tuple(p.parts[-3] for p in paths if p.stat().st_size < _MAX_GRAPH_BYTES)
