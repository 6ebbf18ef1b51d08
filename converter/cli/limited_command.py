"""The program of a command that runs within limits.

python -m converter.cli.limited_command PARENT ARGUMENT…
"""

from __future__ import annotations

import sys

from converter.processes.parent_death import die_with_parent


def main() -> None:
    """Runs `tf1hub ARGUMENT…`, and dies with its parent."""
    parent = int(sys.argv.pop(1))
    die_with_parent(parent)
    sys.argv[0] = "tf1hub"
    from converter.cli.main import run_in_this_process

    run_in_this_process()


if __name__ == "__main__":
    main()
