"""Python's cyclic garbage collector, out of the way of work that makes no garbage."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """Pauses the collector, if it is on.

    Graphs are hundreds of thousands of small objects that all stay alive. The collector goes
    through them again and again and finds nothing, which takes up to a third of a conversion.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
