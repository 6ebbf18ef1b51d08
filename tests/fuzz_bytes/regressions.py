"""Inputs that failed once: `tests/regressions/bytes/TARGET/DIGEST`."""

import pathlib

REGRESSIONS = pathlib.Path(__file__).parents[1] / "regressions" / "bytes"


def list_regressions() -> list[pathlib.Path]:
    """All of them, in a stable order."""
    return sorted(path for path in REGRESSIONS.glob("*/*") if path.is_file())
