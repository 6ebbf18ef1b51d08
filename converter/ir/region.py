"""The nested form of a computation, as frozen values: what functionalizing a graph returns.

A `Region` runs its items one after the other. An item is a plain `Node`, a `Loop` or a `Branch`,
and the regions inside of those may use every tensor of the regions around them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
from collections.abc import Collection, Iterable, Iterator
from typing import TypeAlias

from converter import errors
from converter.ir import op_facts
from converter.ir.graph import Node, TensorRef


@dataclasses.dataclass(frozen=True, slots=True)
class Region:
    """A sequence of items.

    Attributes:
      args: The names of its arguments: the `_Arg` nodes of a whole computation, the carried values
        of a loop; none for a side of a branch.
      items: The items to run, each after those that it needs.
      results: The tensors that it returns.
    """

    args: tuple[str, ...]
    items: tuple[Item, ...]
    results: tuple[TensorRef, ...]

    def nodes(self) -> Iterator[Node]:
        """All nodes, including those of inner regions."""
        waiting = [iter(self.items)]  # Nested generators would pass each node up level by level.
        while waiting:
            for item in waiting[-1]:
                if isinstance(item, Node):
                    yield item
                else:
                    waiting.append(itertools.chain(*(region.items for region in item.regions)))
                    break
            else:
                waiting.pop()


@dataclasses.dataclass(frozen=True, slots=True)
class Carried:
    """A value that a loop carries from one iteration to the next.

    Attributes:
      name: Its name in the regions of the loop.
      initial: Its value before the first iteration.
      shape: The static shape that it keeps (V1's shape invariant); None for an unknown rank.
      output: Its name after the loop; None if nothing uses it there.
    """

    name: str
    initial: TensorRef
    shape: tuple[int | None, ...] | None = None
    output: TensorRef | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Loop:
    """Runs `body` as long as `predicate` holds.

    Attributes:
      name: The name of V1's frame of the loop.
      carried: The values that it carries, which are the args of both regions.
      predicate: Returns a bool scalar.
      body: Returns the next value of each carried one.
      maximum_iterations: A number, or an int32 scalar, that bounds the number of iterations, where
        the graph shows one.
      parallel_iterations: How many iterations TensorFlow may run at a time.
      has_gradient: Whether gradients flow through it (`back_prop` in V1).
      control_inputs: Nodes and outputs of items of the same region to wait for.
    """

    name: str
    carried: tuple[Carried, ...]
    predicate: Region
    body: Region
    maximum_iterations: TensorRef | int | None = None
    parallel_iterations: int = 10
    has_gradient: bool = True
    control_inputs: tuple[str, ...] = ()

    @property
    def regions(self) -> tuple[Region, Region]:
        """The predicate and the body."""
        return self.predicate, self.body

    @property
    def outputs(self) -> tuple[TensorRef, ...]:
        """The tensors that later items may use."""
        return tuple(value.output for value in self.carried if value.output is not None)


@dataclasses.dataclass(frozen=True, slots=True)
class Branch:
    """Runs one of two regions.

    Attributes:
      predicate: A bool scalar.
      then: Runs if it holds.
      otherwise: Runs if it does not.
      outputs: The names of the results of whichever region ran.
      control_inputs: Nodes and outputs of items of the same region to wait for.
    """

    predicate: TensorRef
    then: Region
    otherwise: Region
    outputs: tuple[TensorRef, ...]
    control_inputs: tuple[str, ...] = ()

    @property
    def regions(self) -> tuple[Region, Region]:
        """Both sides."""
        return self.then, self.otherwise


Item: TypeAlias = Node | Loop | Branch


def direct_refs(item: Item) -> tuple[TensorRef, ...]:
    """The inputs of an item itself, without the tensors that its regions use."""
    if isinstance(item, Node):
        return item.inputs
    if isinstance(item, Branch):
        return (item.predicate,)
    initial = tuple(value.initial for value in item.carried)
    limit = item.maximum_iterations
    return (*initial, limit) if isinstance(limit, TensorRef) else initial


def used_refs(item: Item) -> Iterator[TensorRef]:
    """All tensors of the regions around it that an item uses, and some of its own."""
    waiting: list[Item | Region] = [item]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Region):
            yield from part.results
            waiting += reversed(part.items)
        else:
            yield from direct_refs(part)
            if not isinstance(part, Node):
                waiting += reversed(part.regions)


def check_region(region: Region, outer: Collection[TensorRef] = frozenset()) -> None:
    """Checks that each tensor is made before it is used.

    Args:
      region: The region.
      outer: The tensors of the regions around it.

    Raises:
      InternalError: if one is not.
    """
    _check_region(region, {*outer})


def _check_region(region: Region, known: set[TensorRef]) -> None:
    """Checks a region, and leaves `known` as it is: a copy for each region would cost too much."""
    made: list[TensorRef] = []

    def make(refs: Iterable[TensorRef]) -> None:
        new = [ref for ref in refs if ref not in known]
        known.update(new)
        made.extend(new)

    make(map(TensorRef, region.args))
    names = set(region.args)
    for item in region.items:
        _check_known(direct_refs(item), known)
        missing = set(item.control_inputs) - names
        if missing:
            raise errors.InternalError(f"an item waits for {sorted(missing)}, not made before it")
        if isinstance(item, Node):
            count = op_facts.output_count(item) or 0
            make(TensorRef(item.name, index) for index in range(count))
            names.add(item.name)
            continue
        for inner in item.regions:
            _check_region(inner, known)
        make(item.outputs)
        names.update(ref.node for ref in item.outputs)
    _check_known(region.results, known)
    known.difference_update(made)


def _check_known(refs: tuple[TensorRef, ...], known: Collection[TensorRef]) -> None:
    for ref in refs:
        if ref not in known:
            raise errors.InternalError(f"tensor {str(ref)!r} is used before it is made")


def region_digest(region: Region) -> str:
    """Returns the SHA-256 of a region, in hex: equal regions, and no others, share it.

    It covers names, edges, attributes and the bytes of constants, but not devices, on which no
    result depends. It is the same in every process, and for every order of attributes.
    """
    items = [_describe(item) for item in region.items]
    described = [region.args, items, _strings(region.results)]
    # ASCII only, because what counts as printable Unicode differs between Python versions.
    return _sha256(json.dumps(described, ensure_ascii=True).encode())


def _describe(item: Item) -> list[object]:
    """The content of an item, as JSON values; inner regions and attribute values by digest."""
    inner = () if isinstance(item, Node) else [region_digest(region) for region in item.regions]
    described: list[object] = [type(item).__name__, item.control_inputs, inner]
    if isinstance(item, Node):
        attrs = [
            (key, _sha256(item.attrs[key].SerializeToString(deterministic=True)))
            for key in sorted(item.attrs)
        ]
        return [*described, item.name, item.op, _strings(item.inputs), attrs]
    if isinstance(item, Branch):
        return [*described, str(item.predicate), _strings(item.outputs)]
    limit = item.maximum_iterations
    return [
        *described,
        item.name,
        [(v.name, str(v.initial), v.shape, str(v.output)) for v in item.carried],
        str(limit) if isinstance(limit, TensorRef) else limit,
        item.parallel_iterations,
        item.has_gradient,
    ]


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _strings(refs: tuple[TensorRef, ...]) -> list[str]:
    return [str(ref) for ref in refs]
