"""Shows what the converter does inside: for its developers, and for reports of bugs.

`tf1hub debug passes` prints the program of one signature after each pass that changed it, as text
that a bug report can quote. A table comes first: the passes with their nodes and times. Runs none
of the module's ops. Exit status 1 if a pass refuses the program; what was reached is printed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from converter import errors, passes
from converter.cli import terminal
from converter.cli.conversion_options import add_options
from converter.cli.early_checks import check_reading
from converter.cli.limits import add_limits
from converter.cli.source_argument import add_source, opened_source
from converter.processes.custom_ops import is_module
from converter.version import __version__

if TYPE_CHECKING:
    # Imported where it is used: help and errors answer without it.
    from converter.conversion.trace import SignatureTrace
    from converter.passes.pipeline import Form, PassTrace

NAME = "debug"
HELP = "show the program of a module after each pass"


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of the subcommand."""
    topics = command.add_subparsers(dest="topic", metavar="TOPIC", required=True)
    parser = topics.add_parser(
        "passes", help="print the program after each pass", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add_source(parser)
    parser.add_argument(
        "--signature", metavar="NAME",
        help="the signature whose graph to show (default: 'default', or the only one)",
    )  # fmt: skip
    parser.add_argument(
        "--training", action="store_true", help="show the training variant, with its update ops"
    )
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--after", metavar="PASS", help="print the program after this pass alone")
    shown.add_argument(
        "--only", metavar="PASS", help="print the program before and after this pass alone"
    )
    parser.add_argument(
        "--exact", action="store_true",
        help="print large constants in full, so that the program can be read back",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_options(parser, ("tags", "import_ops"))
    add_limits(parser)
    parser.set_defaults(check=_check)


def _check(arguments: argparse.Namespace) -> None:
    check_reading(arguments)
    name = arguments.after or arguments.only
    # Each pass has a module of its name. To ask the pipeline would import TensorFlow.
    if name is not None and not is_module(f"{passes.__name__}.{name}"):
        raise _no_pass(name)


def _no_pass(name: str) -> errors.UsageError:
    return errors.UsageError(
        f"there is no pass {name!r}", remedy="`tf1hub debug passes SRC` lists the passes."
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs the subcommand."""
    terminal.import_tensorflow()
    from converter.conversion.trace import trace_signature

    _check_pass(arguments.after or arguments.only)
    with opened_source(arguments.source) as source:
        trace = trace_signature(
            source,
            arguments.signature,
            tags=arguments.tags,
            training=arguments.training,
            import_ops=arguments.import_ops,
        )
    if arguments.json:
        terminal.print_json(_to_json(trace, arguments))
    else:
        terminal.print_text("\n".join(_format(trace, arguments)))
    if trace.error is not None:
        raise trace.error
    return 0


def _check_pass(name: str | None) -> None:
    from converter.passes.pipeline import PIPELINE

    if name is not None and name not in [step.name for step in PIPELINE]:
        raise _no_pass(name)


def _format(trace: SignatureTrace, arguments: argparse.Namespace) -> Iterator[str]:
    """The lines of the report; all but those of programs are comments in the text of programs."""
    from tensorflow import __version__ as tensorflow_version

    from converter.compile.variants import format_tags

    yield f"# tf1hub {__version__}, TensorFlow {tensorflow_version}"
    yield f"# graph variant {format_tags(trace.tags)}, signature {trace.signature!r}"
    yield "#"
    yield from (f"# {line}".rstrip() for line in _format_table(trace))
    for title, form in _programs(trace, arguments):
        yield f"\n# {title}, {_count(form)} nodes"
        yield _format_program(form, exact=arguments.exact).rstrip("\n")


def _format_table(trace: SignatureTrace) -> Iterator[str]:
    yield f"{'pass':30}{'nodes':>16}{'ms':>10}"
    for step in trace.passes:
        nodes = f"{_count(step.before)} -> {_count(step.after)}"
        note = "" if _is_changed(step) else "  unchanged"
        yield f"{step.name:30}{nodes:>16}{step.seconds * 1000:>10.1f}{note}"
    if trace.failed is not None:
        is_refusal = isinstance(trace.error, errors.ConversionError)
        yield f"{trace.failed:30}{'refused' if is_refusal else 'failed':>16}"


def _programs(trace: SignatureTrace, arguments: argparse.Namespace) -> Iterator[tuple[str, Form]]:
    """The programs to show, with titles; where a pass failed, the last one is what it took."""
    for step in trace.passes:
        if arguments.only == step.name:
            yield f"before {step.name}", step.before
        if step.name in (arguments.only, arguments.after):
            yield f"after {step.name}", step.after
    if arguments.after is None and arguments.only is None:
        yield "before all passes", trace.graph
        yield from ((f"after {s.name}", s.after) for s in trace.passes if _is_changed(s))
    elif trace.failed is not None:
        yield f"before {trace.failed}", trace.reached


def _to_json(trace: SignatureTrace, arguments: argparse.Namespace) -> dict[str, Any]:
    return {
        "graph_variant": sorted(trace.tags),
        "signature": trace.signature,
        "passes": [
            {
                "name": step.name,
                "nodes_before": _count(step.before),
                "nodes_after": _count(step.after),
                "seconds": step.seconds,
                "changed": _is_changed(step),
            }
            for step in trace.passes
        ],
        "programs": {
            title: _format_program(form, exact=arguments.exact)
            for title, form in _programs(trace, arguments)
        },
        "failed_pass": trace.failed,
        "error": None if trace.error is None else str(trace.error),
    }


def _is_changed(step: PassTrace) -> bool:
    return step.after is not step.before


def _count(form: Form) -> int:
    from converter.passes.pipeline import list_nodes

    return len(list_nodes(form))


def _format_program(form: Form, *, exact: bool) -> str:
    from converter.ir.graph import Graph
    from converter.ir.region_text import format_region
    from converter.ir.text import format_graph

    if isinstance(form, Graph):
        return format_graph(form, abbreviate=not exact)
    return format_region(form, abbreviate=not exact)
