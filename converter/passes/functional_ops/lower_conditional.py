"""Lowers If and Case to Switch and Merge.

Sources: lower_if_op.cc and lower_case_op.cc of tensorflow/core/common_runtime. A Case becomes
nested Ifs: a switch of many ways is private to TensorFlow's runtime.

Before, with `neg(x) { y = Neg(x); return y }` and `same(x) { return x }` in the library:
    p = _Arg[T=bool]()
    a = _Arg[T=float]()
    if = StatelessIf[Tcond=bool, Tin={list { type: DT_FLOAT }}, Tout={list { type: DT_FLOAT }}, \
then_branch={func { name: "neg" }}, else_branch={func { name: "same" }}](p, a)
    return if

After:
    p = _Arg[T=bool]()
    a = _Arg[T=float]()
    if/switch_pred = Switch[T=bool](p, p)
    if/input_0 = Switch[T=float](a, p)
    if/pivot_t = Identity[T=bool](if/switch_pred:1)
    if/then/y = Neg[T=float](if/input_0:1, ^if/pivot_t)
    if/else_0 = Identity[T=float](if/input_0)
    if/then_0 = Identity[T=float](if/then/y)
    if/output_0 = Merge[N=2, T=float](if/else_0, if/then_0)
    return if/output_0
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from converter import errors, limits
from converter.ir import attributes, op_facts
from converter.ir.graph import Node, TensorRef
from converter.passes.functional_ops.place_body import (
    Body,
    Placed,
    check_body,
    check_inputs,
)
from converter.passes.functional_ops.v1_nodes import V1Nodes


def lower_if(call: Node, scope: str, then: Body, otherwise: Body) -> Placed:
    """Returns the nodes of an If or a StatelessIf.

    Raises:
      FormatError: if an attribute is missing, or a branch does not fit the op.
    """
    inputs, results = _checked_dtypes(call, (then, otherwise))
    made = V1Nodes(scope)
    predicate = made.to_bool(call.inputs[0], attributes.get_dtype(call, "Tcond"))
    sides = _fork(made, "", predicate, call.inputs[1:], inputs, call.control_inputs)
    ways = [
        (side, made.place(side.name, body.graph, side.inputs, (side.pivot,)))
        for side, body in zip(sides, (otherwise, then), strict=True)
    ]
    return _join(made, "", ways, results)


def lower_case(call: Node, scope: str, *branches: Body) -> Placed:
    """Returns the nodes of a Case or a StatelessCase.

    An index that no branch has runs the last branch.

    Raises:
      FormatError: if an attribute is missing, or a branch does not fit the op.
      UnsupportedOpError: if there are more branches than levels of control flow may be.
    """
    inputs, results = _checked_dtypes(call, branches)
    if len(branches) > limits.MAX_REGION_DEPTH:
        raise errors.UnsupportedOpError(
            f"op {call.op!r} has {len(branches)} branches, more than {limits.MAX_REGION_DEPTH}",
            node=call.name,
        )
    made = V1Nodes(scope)
    # The index goes along as the first value.
    values, after, dtypes = call.inputs, call.control_inputs, (op_facts.DT_INT32, *inputs)
    forks = []
    for number, branch in enumerate(branches[:-1]):
        prefix = f"case_{number}/"
        constant = made.constant(f"{prefix}number", number, after)
        test = made.typed(f"{prefix}test", "Equal", op_facts.DT_INT32, values[0], constant)
        otherwise, then = _fork(made, prefix, test, values, dtypes, after)
        taken = made.place(f"branch_{number}", branch.graph, then.inputs[1:], (then.pivot,))
        forks.append((prefix, otherwise, (then, taken)))
        values, after = otherwise.inputs, (otherwise.pivot,)
    placed = made.place(f"branch_{len(forks)}", branches[-1].graph, values[1:], after)
    for prefix, otherwise, way in reversed(forks):
        placed = _join(made, prefix, [(otherwise, placed), way], results)
    return dataclasses.replace(placed, nodes=made.nodes)


def _checked_dtypes(call: Node, branches: Sequence[Body]) -> tuple[tuple[int, ...], ...]:
    """The types of the inputs after the first, which chooses, and of the results."""
    inputs, results = (attributes.get_dtypes(call, key) for key in ("Tin", "Tout"))
    check_inputs(call, 1 + len(inputs))
    for branch in branches:
        check_body(call, branch, len(inputs), len(results))
    return inputs, results


@dataclasses.dataclass(frozen=True, slots=True)
class _Side:
    """One of the two sides of a conditional.

    Attributes:
      name: What the names of its nodes begin with.
      inputs: The values that go to this side.
      pivot: A node that runs when control goes to this side.
    """

    name: str
    inputs: tuple[TensorRef, ...]
    pivot: str


def _fork(
    made: V1Nodes,
    prefix: str,
    predicate: TensorRef,
    inputs: Sequence[TensorRef],
    dtypes: Sequence[int],
    after: Sequence[str],
) -> tuple[_Side, _Side]:
    """Returns the side for false and the side for true."""
    switch = made.typed(
        f"{prefix}switch_pred", "Switch", op_facts.DT_BOOL, predicate, predicate, after=after
    )
    switches = [
        made.typed(f"{prefix}input_{i}", "Switch", dtype, ref, predicate)
        for i, (ref, dtype) in enumerate(zip(inputs, dtypes, strict=True))
    ]

    def side(name: str, pivot: str, output: int) -> _Side:
        chosen = TensorRef(switch.node, output)
        return _Side(
            name=f"{prefix}{name}",
            inputs=tuple(TensorRef(ref.node, output) for ref in switches),
            pivot=made.typed(f"{prefix}{pivot}", "Identity", op_facts.DT_BOOL, chosen).node,
        )

    return side("else", "pivot_f", 0), side("then", "pivot_t", 1)


def _join(
    made: V1Nodes, prefix: str, ways: Sequence[tuple[_Side, Placed]], dtypes: Sequence[int]
) -> Placed:
    """Merges the results of both sides, each of which waits for the effects of its side."""
    outputs = [
        made.merge(
            f"{prefix}output_{i}",
            dtype,
            *(
                made.typed(f"{side.name}_{i}", "Identity", dtype, placed.results[i],
                           after=placed.targets)
                for side, placed in ways
            ),
        )
        for i, dtype in enumerate(dtypes)
    ]  # fmt: skip
    acts = any(placed.targets for _, placed in ways)
    done = outputs
    if acts and not outputs:
        ends = (
            made.constant(f"{side.name}_done", 0, (side.pivot, *placed.targets))
            for side, placed in ways
        )
        done = [made.merge(f"{prefix}done", op_facts.DT_INT32, *ends)]
    return Placed(made.nodes, tuple(outputs), tuple(ref.node for ref in done) if acts else ())
