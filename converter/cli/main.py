"""The command `tf1hub`: an absl app with one file for each subcommand.

Exit status: 0 success; 1 a conversion failed, or differs from the original; 2 wrong usage; 3 not
all could be compared with the original; 130 interrupted; 143 terminated.
"""

from __future__ import annotations

import argparse
import functools
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence

from absl import app

from converter import errors
from converter.cli import (
    card,
    completion,
    convert,
    debug,
    explain,
    export,
    inspect,
    migrate,
    report,
    scan,
    standard_files,
    terminal,
    verify,
)
from converter.cli.fitting import fit
from converter.cli.interrupts import Terminated, exit_status, raising_on_terminate
from converter.cli.limits import run_within_limits
from converter.cli.loudness import is_verbose, speaking
from converter.cli.native_output import native_output_apart
from converter.cli.parser import Parser, parse_command
from converter.cli.streams import printable_streams
from converter.spelling import of_the_command_line
from converter.version import __version__

# Each module has NAME, HELP, add_arguments() and run(). It may set `check` in its arguments, which
# runs before run() does, and before a process for it is started.
COMMANDS = (
    inspect, scan, convert, verify, export, card, migrate, report, explain, debug, completion,
)  # fmt: skip


def entry_point() -> None:
    """Runs the command line, within its limits; the console script calls it."""
    _start(_main_within_limits)


def run_in_this_process() -> None:
    """Runs the command line; a process that is watched calls it."""
    _start(main_of_process)


def _start(run: Callable[[argparse.Namespace], int]) -> None:
    # TensorFlow's C++ log would bury the one line that says what failed.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    standard_files.connect()
    try:
        app.run(run, flags_parser=parse_arguments)
    except SystemExit as ended:
        problem = standard_files.output_problem()
        if problem:
            terminal.say_error(f"the standard output cannot be written: {problem}.")
        sys.exit(ended.code or int(bool(problem)))


def _main_within_limits(arguments: argparse.Namespace) -> int:
    if "is_limited" in arguments:
        arguments.run = functools.partial(run_within_limits, argv=sys.argv[1:])
    return main(arguments)


def parse_arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Parses the command line, including absl's flags; exits with status 2 on wrong usage."""
    with printable_streams():
        return parse_command(make_parser(), argv[1:])


def make_parser() -> Parser:
    """Makes the parser of the command line."""
    parser = Parser(
        prog="tf1hub",
        description="Converts TF1 Hub modules into reusable, trainable TF2 SavedModels, and"
        " proves them equal.",
        epilog="`tf1hub help COMMAND` describes a command.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        subparser = commands.add_parser(
            command.NAME,
            help=command.HELP,
            description=command.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    return parser


def main_of_process(arguments: argparse.Namespace) -> int:
    """Runs one subcommand, after which the process ends; what native code prints is printable."""
    if "runs_tensorflow" not in arguments:
        return main(arguments)
    with native_output_apart():
        return main(arguments)


def main(arguments: argparse.Namespace) -> int:
    """Runs one subcommand and returns the exit status; all that it prints is printable."""
    with printable_streams(), speaking(arguments), of_the_command_line():
        return _main(arguments)


def _main(arguments: argparse.Namespace) -> int:
    try:
        with raising_on_terminate():
            if "check" in arguments:
                arguments.check(arguments)
            status: int = arguments.run(arguments)
        return status
    except errors.UsageError as error:
        return _fail(fit(str(error), make_parser(), arguments), 2)
    except errors.ConversionError as error:
        return _fail(fit(str(error), make_parser(), arguments), 1)
    except KeyboardInterrupt as error:
        number = signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT
        return _fail("interrupted; no output is half-written.", exit_status(number))
    except Exception as error:
        # An InternalError, or an unforeseen exception.
        name = "" if isinstance(error, errors.InternalError) else f"{type(error).__name__}: "
        return _fail(
            f"internal error: {name}{error}. This is a bug in the converter: please report it"
            " with what --verbosity=1 prints.",
            1,
        )


def _fail(error: object, status: int) -> int:
    terminal.say_error(" ".join(str(error).split()))
    if is_verbose():
        traceback.print_exc()
    return status
