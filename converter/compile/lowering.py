"""Lowers graphs, each distinct one once."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Hashable, Iterator, Mapping

from converter import errors
from converter.ir.graph import AttrValue, Graph, Node, Program
from converter.ir.region import Region
from converter.passes.pipeline import lower
from converter.passes.resolve_gradient_overrides import find_unresolved_overrides


@dataclasses.dataclass(frozen=True, slots=True)
class Lowered:
    """A graph after all passes.

    Attributes:
      region: Its nested form.
      unresolved_overrides: By node, the gradient overrides that no library resolves.
    """

    region: Region
    unresolved_overrides: Mapping[str, str]


class Lowering:
    """Runs the passes over the graphs of one module.

    Many computations of a module are the same graph: `training=True` without dropout, a signature
    of several names, a loss or a table of two graph variants. A graph is known by its content, and
    by that part of its program which the passes read for it.
    """

    def __init__(self) -> None:
        self._results: dict[Hashable, Lowered | errors.ConversionError] = {}
        # Nodes of a program keep their attributes when a graph is cut out of it, so each set is
        # digested once. The sets are kept alive, since an id may otherwise be that of another.
        self._attr_digests: dict[int, tuple[Mapping[str, AttrValue], bytes]] = {}

    def lower(self, graph: Graph, program: Program) -> Lowered:
        """Returns `graph` after all passes.

        Args:
          graph: The computation, cut out of `program`.
          program: The graph variant.

        Raises:
          ConversionError: if it cannot be carried over; the same one each time.
        """
        context = _restrict(program, graph)
        key = (*map(self._describe, graph.nodes.values()), *_describe_rest(graph, context))
        if key not in self._results:
            self._results[key] = _lower(graph, context)
        result = self._results[key]
        if isinstance(result, errors.ConversionError):
            raise result
        return result

    def _describe(self, node: Node) -> Hashable:
        attrs = self._digest(node.attrs)
        return node.name, node.op, node.inputs, node.control_inputs, attrs, node.device

    def _digest(self, attrs: Mapping[str, AttrValue]) -> bytes:
        """The SHA-256 of a node's attributes: equal messages may hold 0.0 and -0.0."""
        known = self._attr_digests.get(id(attrs))
        if known is None:
            parts = [
                (key, attrs[key].SerializeToString(deterministic=True)) for key in sorted(attrs)
            ]
            known = attrs, hashlib.sha256(repr(parts).encode()).digest()
            self._attr_digests[id(attrs)] = known
        return known[1]


def _lower(graph: Graph, program: Program) -> Lowered | errors.ConversionError:
    try:
        return Lowered(lower(graph, program), find_unresolved_overrides(graph, program))
    except errors.ConversionError as error:
        return error


def _restrict(program: Program, graph: Graph) -> Program:
    """The program without what passes have no use for while they lower `graph`.

    They see nothing else of it, so graphs of equal content in equal restricted programs have
    equal results. A graph that calls functions may need anything.
    """
    if program.functions and any(_calls(node, program) for node in graph.nodes.values()):
        return program
    # By name: several nodes may stand for one variable.
    used = {program.variables[n].name for n in graph.nodes.keys() & program.variables.keys()}
    has_loops = any("frame_name" in node.attrs for node in graph.nodes.values())
    return dataclasses.replace(
        program,
        tags=frozenset(),
        nodes={},
        functions={},
        gradients={},
        signatures={},
        variables={n: spec for n, spec in program.variables.items() if spec.name in used},
        tables={},
        assets={n: spec for n, spec in program.assets.items() if n in graph.nodes},
        regularization_losses=(),
        update_ops=(),
        attachments={},
        loops_without_gradient=program.loops_without_gradient if has_loops else frozenset(),
    )


def _calls(node: Node, program: Program) -> bool:
    """Whether a node calls a library function, or takes one as an attribute."""
    return node.op in program.functions or any(
        value.HasField("func") or value.list.func for value in node.attrs.values()
    )


def _describe_rest(graph: Graph, program: Program) -> Iterator[Hashable]:
    """All of a graph but its nodes, and its restricted program.

    A program that is not restricted stands for itself by its tags and its nodes.
    """
    yield graph.args, graph.results, graph.targets, graph.producer
    yield program.tags, tuple(program.nodes), tuple(program.variables.items())
    yield tuple(program.assets.items()), program.loops_without_gradient
