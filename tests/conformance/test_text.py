"""The text of every fixture's graphs and regions reads back exactly."""

import dataclasses

import pytest

from conformance.fixture_modules import calls, module_paths
from converter.errors import ConversionError
from converter.ir.region import region_digest
from converter.ir.region_text import format_region, parse_region
from converter.ir.text import format_graph, parse_graph
from converter.passes.pipeline import lower

_SLOW = [pytest.param(path, marks=pytest.mark.slow) for path in module_paths()]


@pytest.mark.parametrize("path", [*module_paths()[::16], *_SLOW], ids=lambda path: path.parent.name)
def test_graphs_and_regions_round_trip(path):
    for graph, program in calls(path):
        again = parse_graph(format_graph(graph))
        assert (again.nodes, again.results, again.targets) == (
            {name: dataclasses.replace(node, device="") for name, node in graph.nodes.items()},
            graph.results,
            graph.targets,
        )
        try:
            region = lower(graph, program)
        except ConversionError:
            continue  # Refused; other tests say why.
        again = parse_region(format_region(region))
        assert again == region
        assert region_digest(again) == region_digest(region)
