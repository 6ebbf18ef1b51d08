"""The program of a command that runs within limits.

python -m converter.cli.limited_command PARENT ARGUMENT…
"""

from __future__ import annotations

import signal
import sys

from converter.cli.start_up import end_on_interrupt
from converter.processes.parent_death import die_with_parent


def main() -> None:
    """Runs `tf1hub ARGUMENT…`, and dies with its parent."""
    end_on_interrupt()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # See `run_limited`.
    parent = int(sys.argv.pop(1))
    die_with_parent(parent)
    sys.argv[0] = "tf1hub"
    from converter.cli.main import run_in_this_process

    run_in_this_process()


if __name__ == "__main__":
    main()
