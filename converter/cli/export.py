"""Exports a signature to ONNX or LiteRT, and compares the file with the SavedModel.

MODEL is a SavedModel that `convert` wrote, or a TF1 module, which is converted first. tf2onnx or
TensorFlow's own converter to LiteRT writes the file. Then the SavedModel runs in TensorFlow, and
the file in onnxruntime or a LiteRT interpreter, on the same inputs, made as `verify` makes them;
every output is compared. OUT is written only if none differs, with OUT.json beside it: the names
of inputs and outputs in the file, and the differences.

Exit status: 0 exported, and equal as far as the runtime's kernels allow; 1 it cannot be exported,
or differs; 2 wrong use; 3 exported, but not compared.
"""

from __future__ import annotations

import argparse

from converter.cli import early_checks, terminal
from converter.cli.conversion_options import add_options
from converter.cli.limits import add_limits
from converter.cli.progress import showing_steps
from converter.cli.verify import tolerance
from converter.exporters.formats import FORMATS, get_format

NAME = "export"
HELP = "export a signature to ONNX or LiteRT, and compare it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the subcommand."""
    parser.add_argument(
        "model", metavar="MODEL", help="SavedModel that `tf1hub convert` wrote, or TF1 module"
    )
    parser.add_argument("out", metavar="OUT", help="the file to write")
    parser.add_argument(
        "--to", required=True, choices=[each.name for each in FORMATS], help="the format"
    )
    parser.add_argument(
        "--signature", metavar="NAME", help="the signature (default: serving_default)"
    )
    parser.add_argument(
        "--shape", type=parse_shape, action="append", default=[], metavar="INPUT=1,?,3",
        help="the shape of an input, with ? for sizes to leave open (repeatable)",
    )  # fmt: skip
    parser.add_argument("--overwrite", action="store_true", help="replace a file at OUT")
    add_options(parser, ("inputs", "import_ops", "allow_op"))
    parser.add_argument("--rtol", type=tolerance, help="relative tolerance for all dtypes")
    parser.add_argument("--atol", type=tolerance, help="absolute tolerance for all dtypes")
    parser.add_argument("--json", action="store_true", help="print the record as JSON")
    add_limits(parser)
    parser.set_defaults(check=_check, runs_tensorflow=True)


def parse_shape(text: str) -> tuple[str, tuple[int | None, ...]]:
    """Parses `input=1,?,3`; the last `=` ends the name, and nothing behind it is a scalar."""
    name, equals, sizes = text.rpartition("=")
    parts = [size.strip() for size in sizes.split(",")] if sizes.strip() else []
    if not equals or not all(part == "?" or part.isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"expected INPUT=1,?,3, not {text!r}")
    return name, tuple(None if part == "?" else int(part) for part in parts)


def _check(arguments: argparse.Namespace) -> None:
    from converter.exporters.out_file import OutFile

    get_format(arguments.to)
    early_checks.check_names(arguments.model)
    early_checks.check_reading(argparse.Namespace(
        source=arguments.model, import_ops=arguments.import_ops))  # fmt: skip
    early_checks.check_inputs(arguments.inputs)
    OutFile.at(arguments.out, arguments.model, overwrite=arguments.overwrite)


def run(arguments: argparse.Namespace) -> int:
    """Runs the subcommand."""
    terminal.import_tensorflow()
    from converter.exporters.export_model import export_model
    from converter.exporters.record_table import print_record
    from converter.files.json_values import to_json_values
    from converter.parity.verdict import EXIT_STATUSES

    with showing_steps() as progress:
        record = export_model(
            arguments.model,
            arguments.out,
            to=arguments.to,
            signature=arguments.signature,
            shapes=dict(arguments.shape),
            inputs=arguments.inputs,
            rtol=arguments.rtol,
            atol=arguments.atol,
            overwrite=arguments.overwrite,
            import_ops=arguments.import_ops,
            allow_op=arguments.allow_op,
            progress=progress,
        )
    if record.not_compared is not None:
        terminal.say_warning(f"not compared: {record.not_compared}.")
    if arguments.json:
        terminal.print_json(to_json_values(record))
    else:
        print_record(record, terminal.output_console(), arguments.out)
    return EXIT_STATUSES[record.verdict]
