"""The graphs that make and fill a table; nothing is traced here."""

from __future__ import annotations

import dataclasses

from converter.compile.lowering import Lowering
from converter.ir import check, check_types, op_facts, query
from converter.ir.graph import Graph, Node, Program, TensorRef
from converter.ir.region import Region
from converter.passes.prune_unreachable import Feed, prune_unreachable
from converter.passes.strip_placement import COLOCATION


@dataclasses.dataclass(frozen=True, slots=True)
class TableGraphs:
    """A lookup table.

    Attributes:
      node: The node that makes it.
      creation: Makes the table; its last item does, and its result is the handle.
      filling: Fill it; each takes the handle.
    """

    node: str
    creation: Region
    filling: tuple[Region, ...]

    @property
    def regions(self) -> tuple[Region, ...]:
        """What makes it and what fills it."""
        return (self.creation, *self.filling)


def compile_table(program: Program, node: str, lowering: Lowering) -> TableGraphs:
    """Cuts the graphs that make and fill a table out of a graph variant, and lowers them.

    Args:
      program: The graph variant.
      node: The node that makes the table.
      lowering: Runs the passes.

    Raises:
      ConversionError: if one of them cannot be carried over exactly.
    """
    maker = program.nodes[node]
    _check_maker(prune_unreachable(program, {}, [TensorRef(node)]), program)
    inputs = lowering.lower(prune_unreachable(program, {}, maker.inputs), program).region
    op = op_facts.REF_TABLE_OPS.get(maker.op, maker.op)
    attrs = {key: value for key, value in maker.attrs.items() if key != COLOCATION}
    made = Node(
        query.unique_name(node, {n.name for n in inputs.nodes()}), op, inputs.results, attrs=attrs
    )
    creation = dataclasses.replace(
        inputs, items=(*inputs.items, made), results=(TensorRef(made.name),)
    )
    feed = {TensorRef(node): Feed("table", op_facts.DT_RESOURCE)}
    filling = tuple(
        lowering.lower(prune_unreachable(program, feed, (), [op]), program).region
        for op in program.tables[node].initializers
    )
    return TableGraphs(node, creation, filling)


def _check_maker(creation: Graph, program: Program) -> None:
    """Checks the maker as the passes check all that they see; binding would replace it."""
    check.check_graph(creation, functions=program.functions)
    check_types.check_types(creation, program)
