"""The graphs that create and fill a lookup table."""

from __future__ import annotations

import dataclasses

from converter import errors
from converter.compile.lowering import Lowering
from converter.ir import check, check_types, op_facts, query
from converter.ir.graph import Node, Program, TensorRef
from converter.ir.region import Region
from converter.passes.prune_unreachable import Feed, prune_unreachable
from converter.passes.strip_placement import COLOCATION


@dataclasses.dataclass(frozen=True, slots=True)
class TableGraphs:
    """The graphs of a lookup table.

    Attributes:
      node: The node that creates it.
      creation: Returns the handle of a new table, which its last item creates.
      filling: Fill the table; each takes the handle.
    """

    node: str
    creation: Region
    filling: tuple[Region, ...]

    @property
    def regions(self) -> tuple[Region, ...]:
        """The graph that creates it, and those that fill it."""
        return (self.creation, *self.filling)


def compile_table(program: Program, node: str, lowering: Lowering) -> TableGraphs:
    """Cuts the graphs that create and fill a table out of a graph variant, and lowers them.

    Args:
      program: The graph variant.
      node: The node that creates the table.
      lowering: Runs the passes.

    Raises:
      ConversionError: if one of them cannot be converted exactly.
      WeightsError: if the checkpoint has no content for the table.
    """
    spec = program.tables[node]
    if spec.unknown:
        raise errors.WeightsError(
            f"table {node!r} cannot be restored from the checkpoint: {spec.unknown}"
        )
    maker = program.nodes[node]
    # The passes would replace the maker by a pseudo-op. It is checked as they check other nodes.
    whole = prune_unreachable(program, {}, [TensorRef(node)])
    check.check_graph(whole, functions=program.functions)
    check_types.check_types(whole, program)
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
        for op in spec.initializers
    )
    return TableGraphs(node, creation, filling)
