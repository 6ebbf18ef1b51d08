"""Converts one module for the rule `tf2_reusable_saved_model`.

Prints nothing but warnings: Bazel shows the output of an action amid everything else.
"""

from __future__ import annotations

import argparse
import pathlib
import shutil

from converter.build_actions.command import add_module, run_command
from converter.build_actions.stage import staged_module
from converter.cli import terminal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the program."""
    add_module(parser)
    parser.add_argument("--output", required=True, type=pathlib.Path, help="where to write it")
    parser.add_argument("--record", required=True, type=pathlib.Path, help="a copy of the record")
    parser.add_argument("--graph-tag", action="append", help="one of the tags for inference")
    parser.add_argument("--training-tag", action="append", help="one of the tags for training")
    parser.add_argument("--call-signature", help="signature that the module itself runs")
    parser.add_argument("--trainable", help="expression found in names of variables to train")
    parser.add_argument(
        "--no-conventions", dest="conventions", action="store_false",
        help="leave out the names that TF2 models have for the same",
    )  # fmt: skip
    parser.add_argument(
        "--allow-op", action="append", default=[], help="an op to let through that could do harm"
    )


def run(arguments: argparse.Namespace) -> int:
    """Converts the module."""
    terminal.import_tensorflow()
    from converter.conversion.convert import convert
    from converter.export.record import FILENAME, FOLDER

    output: pathlib.Path = arguments.output
    with staged_module(arguments.module, output.parent) as source:
        conversion = convert(
            source,
            output,
            overwrite=True,  # Bazel has created the directory.
            tags=_tag_set(arguments.graph_tag),
            training_tags=_tag_set(arguments.training_tag),
            call_signature=arguments.call_signature,
            trainable=arguments.trainable,
            conventions=arguments.conventions,
            import_ops=arguments.import_ops,
            allow_op=arguments.allow_op,
        )
    shutil.copyfile(output / FOLDER / FILENAME, arguments.record)
    for warning in (*conversion.warnings, *conversion.remarks):
        terminal.say_warning(warning)
    return 0


def _tag_set(tags: list[str] | None) -> list[str] | None:
    """Returns the tags that a rule names; an empty string stands for the empty tag set."""
    return None if tags is None else [tag for tag in tags if tag]


if __name__ == "__main__":
    run_command(__doc__, add_arguments, run)
