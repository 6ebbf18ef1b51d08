"""Lowers While to Enter, Merge, Switch, NextIteration and Exit.

Source: lower_while_op.cc of tensorflow/core/common_runtime, which keeps resources that the body
returns unchanged out of the loop's variables; this file does so for all values.

Before, with `less(i, n) { p = Less(i, n); return p }` and `double(i, n) { j = Add(i, i); \
return j, n }` in the library:
    a = _Arg[T=float]()
    n = _Arg[T=float]()
    loop = StatelessWhile[T={list { type: DT_FLOAT type: DT_FLOAT }}, \
cond={func { name: "less" }}, body={func { name: "double" }}](a, n)
    return loop, loop:1

After:
    a = _Arg[T=float]()
    n = _Arg[T=float]()
    loop/enter_0 = Enter[T=float, frame_name="loop", is_constant=false, \
parallel_iterations=10](a)
    loop/enter_1 = Enter[T=float, frame_name="loop", is_constant=true, \
parallel_iterations=10](n)
    loop/merge_0 = Merge[N=2, T=float](loop/enter_0, loop/next_0)
    loop/cond/p = Less[T=float](loop/merge_0, loop/enter_1, ^loop/merge_0)
    loop/predicate = Identity[T=bool](loop/cond/p)
    loop/loop_cond = LoopCond(loop/predicate)
    loop/switch_0 = Switch[T=float](loop/merge_0, loop/loop_cond)
    loop/pivot = Identity[T=float](loop/switch_0:1)
    loop/body/j = Add[T=float](loop/switch_0:1, loop/switch_0:1, ^loop/pivot)
    loop/result_0 = Identity[T=float](loop/body/j)
    loop/next_0 = NextIteration[T=float](loop/result_0)
    loop/exit_0 = Exit[T=float](loop/switch_0)
    return loop/exit_0, n
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from tensorflow.core.framework import tensor_shape_pb2

from converter import errors
from converter.ir import attributes, op_facts
from converter.ir.graph import AttrValue, Graph, Node, TensorRef
from converter.passes.functional_ops.place_body import (
    Body,
    Placed,
    check_body,
    check_inputs,
)
from converter.passes.functional_ops.v1_nodes import V1Nodes


def lower_while(call: Node, scope: str, condition: Body, body: Body) -> Placed:
    """Returns the nodes of a While or a StatelessWhile.

    Raises:
      FormatError: if an attribute is missing, or a function does not fit the op.
    """
    dtypes = attributes.get_dtypes(call, "T")
    check_inputs(call, len(dtypes))
    check_body(call, condition, len(dtypes), 1)
    check_body(call, body, len(dtypes), len(dtypes))
    loop = _Loop(call, scope, dtypes, _invariants(body.graph))
    decides = loop.add_condition(condition)
    acts = loop.add_body(body)
    exits = loop.add_exits()
    outputs = tuple(exits.get(i, ref) for i, ref in enumerate(call.inputs))
    targets = tuple(ref.node for ref in exits.values()) if decides or acts else ()
    return Placed(loop.made.nodes, outputs, targets)


def _invariants(body: Graph) -> set[int]:
    """The positions of the values that the body returns unchanged."""
    pairs = zip(body.args, body.results, strict=True)
    return {i for i, (arg, result) in enumerate(pairs) if result == TensorRef(arg)}


class _Loop:
    """One loop, built from its Enters to its Exits.

    Args:
      call: The While.
      scope: The prefix of its nodes, and the name of its frame.
      dtypes: The types of its values.
      invariant: The positions of the values that no iteration changes.
    """

    def __init__(
        self, call: Node, scope: str, dtypes: Sequence[int], invariant: Collection[int]
    ) -> None:
        self.made = V1Nodes(scope)
        self._call = call
        self._count = len(dtypes)
        inputs, self._dtypes = list(call.inputs), list(dtypes)
        if len(invariant) == len(dtypes):
            # A frame without a variable has nothing that begins an iteration.
            inputs.append(self.made.constant("start", 0, call.control_inputs))
            self._dtypes.append(op_facts.DT_INT32)
        self._enters = [self._add_enter(i, ref, i in invariant) for i, ref in enumerate(inputs)]
        self._variables = [i for i in range(len(inputs)) if i not in invariant]
        self._merges = {i: self._add_merge(i) for i in self._variables}
        self._switches: dict[int, str] = {}

    def _add_enter(self, i: int, ref: TensorRef, invariant: bool) -> TensorRef:
        op_def = op_facts.find_op_def(self._call.op)
        parallel = op_facts.attr_int(self._call.attrs, op_def, "parallel_iterations")
        return self.made.add(
            f"enter_{i}",
            "Enter",
            ref,
            after=self._call.control_inputs,
            T=attributes.type_attr(self._dtypes[i]),
            frame_name=attributes.string_attr(self.made.scope),
            is_constant=attributes.bool_attr(invariant),
            parallel_iterations=attributes.int_attr(parallel),
        )

    def _add_merge(self, i: int) -> TensorRef:
        following = TensorRef(f"{self.made.scope}/next_{i}")
        shapes = _merge_shapes(self._call, i) if i < self._count else {}
        return self.made.merge(f"merge_{i}", self._dtypes[i], self._enters[i], following, **shapes)

    def _typed(self, name: str, op: str, i: int, ref: TensorRef, *more: TensorRef) -> TensorRef:
        return self.made.typed(f"{name}_{i}", op, self._dtypes[i], ref, *more)

    def add_condition(self, condition: Body) -> bool:
        """Places what decides on another iteration; returns whether that has effects."""
        values = [self._merges.get(i, self._enters[i]) for i in range(self._count)]
        first = self._merges[self._variables[0]].node
        placed = self.made.place("cond", condition.graph, values, (first,))
        (dtype,) = condition.dtypes
        predicate = self.made.typed(
            "predicate", "Identity", dtype, placed.results[0], after=placed.targets
        )
        decision = self.made.add("loop_cond", "LoopCond", self.made.to_bool(predicate, dtype))
        self._switches = {
            i: self._typed("switch", "Switch", i, self._merges[i], decision).node
            for i in self._variables
        }
        return bool(placed.targets)

    def add_body(self, body: Body) -> bool:
        """Places an iteration; returns whether it has effects."""
        inside = {i: TensorRef(switch, 1) for i, switch in self._switches.items()}
        first = self._variables[0]
        pivot = self.made.typed("pivot", "Identity", self._dtypes[first], inside[first]).node
        values = [inside.get(i, self._enters[i]) for i in range(self._count)]
        placed = self.made.place("body", body.graph, values, (pivot,))
        # The variable that only keeps the loop going stays what it is.
        results = inside | dict(enumerate(placed.results))
        for i in self._variables:
            # The value of an invariant is there before the loop is known to go on.
            after = (pivot,) if results[i] in self._enters else ()
            result = self.made.typed(
                f"result_{i}", "Identity", self._dtypes[i], results[i],
                after=(*after, *placed.targets),
            )  # fmt: skip
            self._typed("next", "NextIteration", i, result)
        return bool(placed.targets)

    def add_exits(self) -> dict[int, TensorRef]:
        """Returns the last values of the variables, by their positions."""
        return {
            i: self._typed("exit", "Exit", i, TensorRef(switch, 0))
            for i, switch in self._switches.items()
        }


def _merge_shapes(call: Node, i: int) -> Mapping[str, AttrValue]:
    """The shape invariant of a value, where V1 loops have theirs: on its Merge."""
    shapes = call.attrs["output_shapes"].list.shape if "output_shapes" in call.attrs else ()
    if not shapes:
        return {}
    if len(shapes) != len(call.inputs):
        raise errors.FormatError(
            f"op {call.op!r} gives {len(shapes)} output_shapes for {len(call.inputs)} values",
            node=call.name,
        )
    scalar = tensor_shape_pb2.TensorShapeProto()  # The other output of a Merge.
    return {attributes.INFERRED_SHAPES: attributes.shapes_attr([shapes[i], scalar])}
