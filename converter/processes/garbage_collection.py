"""Python's cyclic garbage collector, out of the way of work that makes no garbage."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager


@contextlib.contextmanager
def paused() -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """Pauses the collector, if it is on.

    Graphs are hundreds of thousands of small objects that all stay alive, as are those that
    importing TensorFlow has left. The collector goes through them again and again and finds
    nothing, which takes up to a third of a conversion.

    Yields:
      What makes a context for work in between that does make garbage: the collector is then as
      it was before.
    """
    was_enabled = gc.isenabled()

    @contextlib.contextmanager
    def resumed() -> Iterator[None]:
        _switch(was_enabled)
        try:
            yield
        finally:
            gc.disable()

    gc.disable()
    try:
        yield resumed
    finally:
        _switch(was_enabled)


def _switch(enabled: bool) -> None:
    (gc.enable if enabled else gc.disable)()
