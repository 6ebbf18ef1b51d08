"""Lowers the graphs of a module, each distinct one once."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Hashable, Mapping, Sequence

from converter import errors
from converter.ir import attributes
from converter.ir.attributes import Shape
from converter.ir.graph import AttrValue, Graph, Program
from converter.ir.region import Region
from converter.passes.pipeline import lower
from converter.passes.resolve_gradient_overrides import find_unresolved_overrides
from converter.safety.allowed_ops import NONE, AllowedOps
from converter.safety.bounds import check_bounds
from converter.safety.check_safety import check_safety


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
    """Runs the passes over the graphs of one module, and remembers the results.

    Many computations of a module are the same graph: a training call without dropout, a signature
    with two names, a loss or table that two graph variants share. Graphs are compared by content,
    and by the part of the program that the passes can see.

    Args:
      allowed: The unsafe ops that the user lets through.
    """

    def __init__(self, allowed: AllowedOps = NONE) -> None:
        self._allowed = allowed
        self._unsafe: dict[str, str] = {}
        self._results: dict[Hashable, Lowered | errors.ConversionError] = {}
        self._bounded: set[Hashable] = set()
        # Pruning keeps each node's attributes, so they are digested once for all graphs of a
        # program. Keeping them here also keeps their ids from being reused.
        self._attr_digests: dict[int, tuple[Mapping[str, AttrValue], bytes]] = {}

    @property
    def unsafe_ops(self) -> Mapping[str, str]:
        """The unsafe ops of the graphs so far that the user let through, with a node of each."""
        return self._unsafe

    def lower(self, graph: Graph, program: Program, shapes: Sequence[Shape] = ()) -> Lowered:
        """Returns `graph` after all passes; every node of it is safe, or let through.

        Args:
          graph: The computation, cut out of `program`.
          program: The graph variant.
          shapes: The static shapes of the arguments, where they are known.

        Raises:
          ConversionError: if the graph cannot be lowered; the same error each time.
          UnsafeModuleError: if it has an unsafe node, or TensorFlow would compute too much while it
            imports the graph.
        """
        visible = _restrict(program, graph)
        key = self._key(graph, visible)
        if key not in self._results:
            try:
                region = lower(graph, visible)
                self._unsafe = {**check_safety(region, self._allowed), **self._unsafe}
                overrides = find_unresolved_overrides(graph, visible)
                self._results[key] = Lowered(region, overrides)
            except errors.ConversionError as error:
                self._results[key] = error
        result = self._results[key]
        if isinstance(result, errors.ConversionError):
            raise result
        self._check_bounds(key, result.region, graph.producer, visible, tuple(shapes))
        return result

    def _check_bounds(
        self,
        key: Hashable,
        region: Region,
        producer: int,
        program: Program,
        shapes: tuple[Shape, ...],
    ) -> None:
        """Checks a lowered graph, once for all calls with arguments of the same shapes."""
        if (key, shapes) not in self._bounded:
            variables = {spec.name: spec.shape for spec in program.variables.values()}
            unbounded = check_bounds(region, shapes, variables, producer, self._allowed)
            self._unsafe = {**unbounded, **self._unsafe}
            self._bounded.add((key, shapes))

    def _key(self, graph: Graph, visible: Program) -> Hashable:
        """All that the result depends on."""
        nodes = tuple(
            (n.name, n.op, n.inputs, n.control_inputs, self._digest(n.attrs), n.device)
            for n in graph.nodes.values()
        )
        return (
            nodes, graph.args, graph.results, graph.targets, graph.producer,
            # Within one module, tags identify a program that is not restricted.
            visible.tags if visible.functions else None,
            tuple(visible.variables.items()), tuple(visible.assets.items()),
            visible.loops_without_gradient,
        )  # fmt: skip

    def _digest(self, attrs: Mapping[str, AttrValue]) -> bytes:
        """The SHA-256 of a node's attributes.

        Protos that compare equal are not enough: 0.0 equals -0.0.
        """
        known = self._attr_digests.get(id(attrs))
        if known is None:
            parts = [
                (key, attrs[key].SerializeToString(deterministic=True)) for key in sorted(attrs)
            ]
            known = attrs, hashlib.sha256(repr(parts).encode()).digest()
            self._attr_digests[id(attrs)] = known
        return known[1]


def _restrict(program: Program, graph: Graph) -> Program:
    """Removes from `program` what passes do not need to lower `graph`.

    They see nothing else of it, so equal graphs with equal restricted programs have equal results.
    A graph that calls functions may need anything.
    """
    takes_functions = program.functions and any(
        node.op in program.functions
        or any(attributes.functions_in(value) for value in node.attrs.values())
        for node in graph.nodes.values()
    )
    if takes_functions:
        return program
    # By name, because several nodes may stand for one variable.
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
        omissions=(),
        loops_without_gradient=program.loops_without_gradient if has_loops else frozenset(),
    )
