"""The memory that processes hold."""

from __future__ import annotations

import contextlib


def resident_bytes(pid: int) -> int:
    """Returns the resident memory of a process and all below it.

    `setrlimit` would not do: TensorFlow reserves far more addresses than it uses.
    """
    import psutil

    total = 0
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for part in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += part.memory_info().rss
    return total
