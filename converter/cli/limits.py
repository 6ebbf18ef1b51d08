"""The flags `--timeout-secs` and `--memory-limit-gib`, and commands that run within them.

Such a command runs in a process of its own, which a small one watches. That one imports neither
TensorFlow nor NumPy, so this costs a tenth of a second.
"""

from __future__ import annotations

import argparse
import math
import os
import pathlib
import signal
import tempfile
from collections.abc import Sequence

from converter import errors
from converter.cli import limited_command
from converter.cli.interrupts import Terminated
from converter.processes import python_process

_GIB = 1 << 30
_TIMEOUT_SECS = 3600.0
# Of the machine's memory, where the user sets no limit: before it begins to swap, or the system
# kills whatever it likes.
_MEMORY_SHARE = 0.9


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Adds the flags, which make the command run in a process of its own."""
    parser.add_argument(
        "--timeout-secs", type=positive, default=_TIMEOUT_SECS, metavar="S",
        help="how long it may take (default: 3600)",
    )  # fmt: skip
    parser.add_argument(
        "--memory-limit-gib", type=positive, metavar="G",
        help="how much memory it may take (default: 90 %% of the machine's)",
    )  # fmt: skip
    parser.set_defaults(is_limited=True)


def positive(text: str) -> float:
    """Parses a finite number above 0."""
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError("expected a finite number above 0")
    return number


def run_within_limits(arguments: argparse.Namespace, argv: Sequence[str]) -> int:
    """Runs a command in a process of its own, and returns its exit status.

    Args:
      arguments: The arguments, parsed.
      argv: The same as the user typed them.

    Raises:
      ConversionError: if it was stopped at a limit, or crashed.
    """
    from converter.processes.limited_process import (
        OverMemoryError,
        OverTimeError,
        run_limited,
    )

    command = python_process.command(limited_command.__name__, str(os.getpid()), *argv)
    limit = memory_limit_bytes(arguments.memory_limit_gib)
    try:
        status = run_limited(
            command, python_process.environment(),
            timeout_secs=arguments.timeout_secs, memory_limit_bytes=limit,
            unblocks_interrupts=True,
        )  # fmt: skip
    except OverTimeError:
        _sweep(arguments)
        raise errors.ConversionError(
            f"the command took longer than {arguments.timeout_secs:g} seconds, and was stopped",
            remedy="Allow more time with --timeout-secs if the module is large.",
        ) from None
    except OverMemoryError as error:
        _sweep(arguments)
        raise errors.ConversionError(
            f"the command used {error.memory_bytes / _GIB:.2f} GiB of memory, more than the"
            f" {limit / _GIB:.2f} GiB allowed, and was stopped",
            remedy="Allow more with --memory-limit-gib if the module is large.",
        ) from None
    if status >= 0:
        return status
    _sweep(arguments)
    if -status == signal.SIGTERM:  # It came before there was a handler.
        raise Terminated
    if -status == signal.SIGINT:
        raise KeyboardInterrupt
    raise errors.ConversionError(
        f"the process of the command was ended by {signal.Signals(-status).name}",
        remedy="SIGKILL usually means that the system ran out of memory; any other signal is a"
        " crash, and the module may be damaged.",
    )


def memory_limit_bytes(gib: float | None) -> int:
    """The limit that the user set, or the default one."""
    if gib is not None:
        return int(gib * _GIB)
    import psutil

    return int(psutil.virtual_memory().total * _MEMORY_SHARE)


def _sweep(arguments: argparse.Namespace) -> None:
    """Removes what a killed command left, and puts back an old version that it moved aside."""
    from converter.files.paths import as_path
    from converter.files.scratch import clear, sweep
    from converter.files.staging import sweep_beside

    if "destination" in arguments:
        sweep_beside(as_path(arguments.destination))
    sweep(pathlib.Path(tempfile.gettempdir()), clear)
