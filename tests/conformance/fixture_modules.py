"""The TF1 modules that the repository keeps, and what occurs in them."""

import functools
import pathlib
from collections.abc import Iterator

from converter.formats.hub_module import read_saved_model
from converter.formats.registry import read_module
from converter.ir import op_facts
from converter.ir.graph import Graph, Program, Signature
from converter.passes.prune_unreachable import Feed, prune_unreachable

GOLDEN = pathlib.Path(__file__).parents[2] / "legacy_fixtures" / "golden"


def module_paths() -> list[pathlib.Path]:
    """The directories of all fixture modules, in a stable order."""
    return sorted(GOLDEN.glob("*/module"))


@functools.cache
def op_types() -> frozenset[str]:
    """The op types of all fixtures as TensorFlow 1.15 wrote them, in functions, too."""
    ops: set[str] = set()
    for path in module_paths():
        for meta_graph in read_saved_model(path).meta_graphs:
            graph = meta_graph.graph_def
            ops.update(node.op for node in graph.node)
            ops.update(node.op for function in graph.library.function for node in function.node_def)
    return frozenset(ops)


def calls(path: pathlib.Path) -> Iterator[tuple[Graph, Program]]:
    """The graph of each signature of a module before any pass, and the variant that has it."""
    for program in read_module(path).variants.values():
        for signature in program.signatures.values():
            yield _cut(program, signature), program


def _cut(program: Program, signature: Signature) -> Graph:
    fed = [ref for info in signature.inputs.values() for ref in info.components]
    dtypes = [op_facts.output_dtype(program.nodes[ref.node], ref.index) for ref in fed]
    feeds = {
        ref: Feed(f"input_{number}", dtype)
        for number, (ref, dtype) in enumerate(zip(fed, dtypes, strict=True))
    }
    results = [ref for info in signature.outputs.values() for ref in info.components]
    return prune_unreachable(program, feeds, results)
