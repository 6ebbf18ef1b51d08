"""Ends a process when its parent dies."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # Source: linux/prctl.h


def die_with_parent(parent: int) -> None:
    """Asks the system to kill this process when the thread that started it ends.

    Only Linux can do that. Elsewhere a process that waits for its parent sees its pipe close.

    Args:
      parent: The process id of the parent, which may be dead by now.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
