"""Places function bodies in the graph that calls them.

Before, a body that is called with `a` for `x`, after `start`:
    x = _Arg[T=float]()
    two = Const[dtype=float]()
    y = Mul[T=float](x, two)
    z = Neg[T=float](y)
    return z

After, in the scope `call`:
    call/two = Const[dtype=float](^start)
    call/y = Mul[T=float](a, call/two)
    call/z = Neg[T=float](call/y)
    return call/z
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence

from converter import errors
from converter.ir import attributes, query
from converter.ir.graph import AttrValue, Graph, Node, Nodes, TensorRef

_ENTERS = ("Enter", "RefEnter")


@dataclasses.dataclass(frozen=True, slots=True)
class Body:
    """A function as one call sees it.

    Attributes:
      name: The function's name.
      graph: Its nodes, none of which is a call. Its targets are the nodes that must run whether
        or not a result needs them.
      dtypes: The `DataType` numbers of the results.
    """

    name: str
    graph: Graph
    dtypes: tuple[int, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Placed:
    """The nodes that replace a call in the calling graph.

    Attributes:
      nodes: The new nodes.
      results: The call's outputs. One that the body returns unchanged is an input of the call.
      targets: The nodes after which the call's effects have happened; empty if it has none.
    """

    nodes: Nodes
    results: tuple[TensorRef, ...]
    targets: tuple[str, ...]


def check_inputs(call: Node, count: int) -> None:
    """Checks that the graph gives as many inputs as the attributes of the call say.

    Raises:
      FormatError: if not.
    """
    if len(call.inputs) != count:
        raise errors.FormatError(
            f"op {call.op!r} takes {count} inputs, the graph gives {len(call.inputs)}",
            node=call.name,
        )


def check_body(call: Node, body: Body, inputs: int, results: int | None = None) -> None:
    """Checks the numbers of arguments and results of a function against its call.

    Raises:
      FormatError: if not.
    """
    takes, returns = len(body.graph.args), len(body.graph.results)
    if takes != inputs:
        raise errors.FormatError(
            f"function {body.name!r} takes {takes} arguments, the call passes {inputs}",
            node=call.name,
        )
    if results is not None and returns != results:
        raise errors.FormatError(
            f"function {body.name!r} returns {returns} values, op {call.op!r} needs {results}",
            node=call.name,
        )


class Scopes:
    """Gives each call a prefix that no other node or V1 frame of the calling graph has."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self._taken: set[str] = set()
        for node in nodes:
            self._taken.update(_prefixes(node.name))
            frame = attributes.find_string(node, "frame_name")
            if node.op in _ENTERS and frame is not None:
                self._taken.update((frame, *_prefixes(frame)))

    def open(self, call: str) -> str:
        """Returns the name of the call, or one like it."""
        return query.claim_name(call, self._taken)


def _prefixes(name: str) -> Iterator[str]:
    """`a` and `a/b` for `a/b/c`."""
    end = name.find("/")
    while end >= 0:
        yield name[:end]
        end = name.find("/", end + 1)


def has_v1_loops(graph: Graph) -> bool:
    """Whether the graph has V1 loops."""
    return any(node.op in _ENTERS for node in graph.nodes.values())


def in_its_loop(call: Node, graph: Graph) -> Node:
    """The call with a control edge from the V1 loop that it is in, if it may be in one.

    Nodes of a body that have no inputs would belong to no loop otherwise.
    """
    if call.control_inputs:
        return call
    # Arguments are outside of all loops, and then so is the call.
    args = {*graph.args}
    sources = [ref.node for ref in call.inputs if ref.node not in args]
    return dataclasses.replace(call, control_inputs=tuple(sources[:1]))


def place_call(call: Node, scope: str, body: Body) -> Placed:
    """Returns the nodes of a plain call.

    Raises:
      FormatError: if the function does not fit the call.
    """
    check_body(call, body, len(call.inputs))
    return place_body(body.graph, scope, call.inputs, call.control_inputs)


def place_body(
    body: Graph, scope: str, inputs: Sequence[TensorRef], after: Sequence[str] = ()
) -> Placed:
    """Renames the nodes of a body, and replaces its arguments.

    Args:
      body: The body.
      scope: The prefix of the new names.
      inputs: The tensors that are given for the arguments, as many as there are.
      after: The nodes that all of the body waits for.
    """
    given = {TensorRef(arg): ref for arg, ref in zip(body.args, inputs, strict=True)}
    args = set(body.args)
    placed = (
        _place_node(node, scope, given, args, after)
        for node in body.nodes.values()
        if node.name not in args
    )
    return Placed(
        nodes={node.name: node for node in placed},
        results=tuple(_place_ref(ref, scope, given) for ref in body.results),
        targets=tuple(f"{scope}/{target}" for target in body.targets),
    )


def _place_node(
    node: Node,
    scope: str,
    given: Mapping[TensorRef, TensorRef],
    args: set[str],
    after: Sequence[str],
) -> Node:
    controls = [f"{scope}/{control}" for control in node.control_inputs if control not in args]
    if args.issuperset(node.input_nodes()):
        # What follows another node of the body waits for `after` with it.
        controls += after
    return dataclasses.replace(
        node,
        name=f"{scope}/{node.name}",
        inputs=tuple(_place_ref(ref, scope, given) for ref in node.inputs),
        control_inputs=tuple(controls),
        attrs=_place_frame(node, scope),
    )


def _place_ref(ref: TensorRef, scope: str, given: Mapping[TensorRef, TensorRef]) -> TensorRef:
    return given.get(ref) or TensorRef(f"{scope}/{ref.node}", ref.index)


def _place_frame(node: Node, scope: str) -> Mapping[str, AttrValue]:
    """The node's attributes; two calls of one function are two loops, with a frame each."""
    if node.op not in _ENTERS or "frame_name" not in node.attrs:
        return node.attrs
    frame = f"{scope}/".encode() + node.attrs["frame_name"].s
    return {**node.attrs, "frame_name": attributes.string_attr(frame)}
