"""Follows a module through the converter, and writes each step into `docs/architecture.md`.

Fills the fenced blocks of the page whose info string names a step: `files` (of the module),
`before`, `after=PASS`, `change=PASS` (what the pass changes, as a diff), `traced` (the function of
the result) and `saved` (the files of the result).
"""

from __future__ import annotations

import argparse
import difflib
import os
import pathlib
import re
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from converter.ir.graph import Graph
    from converter.ir.region import Region

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "architecture.md"
MODULE = ROOT / "legacy_fixtures" / "golden" / "v2_ref_while" / "module"
_BLOCK = re.compile(
    r"^(?P<head>```\w+ (?P<step>files|before|after|change|traced|saved)(?:=(?P<name>\w+))?\n)"
    r".*?^```$",
    re.M | re.S,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser("follow_module", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if it would")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # Read when TensorFlow is imported.
    before = PAGE.read_text()
    after = fill(before)
    if options.check:
        changes = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
        print("\n".join(changes))
        return int(before != after)
    PAGE.write_text(after)
    return 0


def fill(page: str) -> str:
    """The page with each block that names a step filled anew."""
    with tempfile.TemporaryDirectory() as directory:
        steps = _Steps(pathlib.Path(directory) / "result")

        def fill_block(match: re.Match[str]) -> str:
            lines = getattr(steps, match["step"])(*filter(None, [match["name"]]))
            return "\n".join([match["head"].rstrip(), *lines, "```"])

        return _BLOCK.sub(fill_block, page)


class _Steps:
    """The lines of each step."""

    def __init__(self, result: pathlib.Path) -> None:
        import converter
        from converter.conversion.trace import trace_signature

        converter.convert(MODULE, result)
        self._result = result
        self._trace = trace_signature(MODULE)
        self._passes = {step.name: step for step in self._trace.passes}

    def files(self) -> list[str]:
        return _list_files(MODULE)

    def saved(self) -> list[str]:
        return _list_files(self._result)

    def before(self) -> list[str]:
        return format_program(self._trace.graph)

    def after(self, name: str) -> list[str]:
        return format_program(self._passes[name].after)

    def change(self, name: str) -> list[str]:
        step = self._passes[name]
        changes = difflib.ndiff(format_program(step.before), format_program(step.after))
        return [f"{line[0]}{line[2:]}" for line in changes if line[0] in "-+"]

    def traced(self) -> list[str]:
        """The function of the SavedModel that has the loop."""
        from converter.formats.hub_module import read_saved_model

        (meta_graph,) = read_saved_model(self._result).meta_graphs
        (function,) = (
            function
            for function in meta_graph.graph_def.library.function
            if any(node.op == "StatelessWhile" for node in function.node_def)
        )
        arguments = ", ".join(arg.name for arg in function.signature.input_arg)
        return [f"{function.signature.name}({arguments})"] + [
            f"  {node.name} = {node.op}({', '.join(node.input)})" for node in function.node_def
        ]


def _list_files(directory: pathlib.Path) -> list[str]:
    paths = sorted(path for path in directory.rglob("*") if path.is_file())
    return [path.relative_to(directory).as_posix() for path in paths]


def format_program(form: Graph | Region) -> list[str]:
    """The lines of a graph's or region's text."""
    from converter.ir.graph import Graph
    from converter.ir.region_text import format_region
    from converter.ir.text import format_graph

    text = format_graph(form) if isinstance(form, Graph) else format_region(form)
    return text.splitlines()
