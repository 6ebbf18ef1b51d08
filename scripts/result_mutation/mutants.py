"""The wrong results: each is one small edit of a right one, of the kinds that bugs make."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from result_mutation.files import Result

_OTHER_OP = {
    "Add": "Sub", "AddV2": "Sub", "Sub": "AddV2", "Mul": "AddV2", "RealDiv": "Mul",
    "Relu": "Relu6", "LeakyRelu": "Relu", "Tanh": "Sigmoid", "Sigmoid": "Tanh",
    "Maximum": "Minimum", "Minimum": "Maximum", "Mean": "Sum", "Sum": "Mean", "Max": "Min",
    "Less": "LessEqual", "Greater": "GreaterEqual", "Square": "Neg", "Exp": "Neg", "Sqrt": "Square",
    "AssignAddVariableOp": "AssignSubVariableOp", "AssignSubVariableOp": "AssignAddVariableOp",
}  # fmt: skip
_ASSIGNS = frozenset({"AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp"})
_FLIPPED = ("transpose_a", "transpose_b", "keep_dims", "exclusive", "reverse", "half_pixel_centers")


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One edit.

    Attributes:
      kind: What kind of bug it is.
      where: What it edits.
      edit: Does it.
      function: The function that it edits, if it edits one.
      node: The node in it.
    """

    kind: str
    where: str
    edit: Callable[[Result], None] = dataclasses.field(compare=False)
    function: str = ""
    node: str = ""


def find_mutants(result: Result) -> Iterator[Mutant]:
    """All wrong results that can be made of a right one."""
    for find in _FINDERS:
        yield from find(result)


# Functions.


def _nodes(result: Result) -> Iterator[tuple[Any, Any]]:
    for function in result.functions:
        for node in function.node_def:
            yield function, node


def _on_node(
    kind: str, function: Any, node: Any, change: Callable[[Any, Any], None], detail: str = ""
) -> Mutant:
    name, node_name = function.signature.name, node.name

    def edit(result: Result) -> None:
        mine = result.function(name)
        change(mine, next(n for n in mine.node_def if n.name == node_name))

    where = f"{name}/{node_name} ({node.op}){detail}"
    return Mutant(kind, where, edit, name, node_name)


def _constants(result: Result) -> Iterator[Mutant]:
    for function, node in _nodes(result):
        if node.op != "Const":
            continue
        value = tf.make_ndarray(node.attr["value"].tensor)
        if value.size and value.dtype.kind == "f":
            yield _on_node("constant by one ULP", function, node, _set_constant(_one_ulp))
            yield _on_node("constant doubled", function, node, _set_constant(_doubled))
        elif value.size and value.dtype.kind in "iu":
            yield _on_node("integer constant by one", function, node, _set_constant(_plus_one))
        elif value.dtype == object and value.size > 1:
            yield _on_node("table row moved", function, node, _set_constant(_first_two_swapped))


def _set_constant(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Any, Any], None]:
    def edit(function: Any, node: Any) -> None:
        del function
        old = node.attr["value"].tensor
        new = tf.make_tensor_proto(change(tf.make_ndarray(old)), dtype=old.dtype)
        old.CopyFrom(new)

    return edit


def _one_ulp(value: np.ndarray) -> np.ndarray:
    flat = np.array(value).reshape(-1)
    flat[-1] = np.nextafter(flat[-1], flat.dtype.type(np.inf))
    return flat.reshape(value.shape)


def _doubled(value: np.ndarray) -> np.ndarray:
    return np.where(value == 0, np.ones_like(value), value * 2).astype(value.dtype)


def _plus_one(value: np.ndarray) -> np.ndarray:
    flat = np.array(value).reshape(-1)
    flat[-1] += 1
    return flat.reshape(value.shape)


def _first_two_swapped(value: np.ndarray) -> np.ndarray:
    flat = np.array(value).reshape(-1)
    flat[[0, 1]] = flat[[1, 0]]
    return flat.reshape(value.shape)


def _ops(result: Result) -> Iterator[Mutant]:
    for function, node in _nodes(result):
        if node.op in _OTHER_OP:
            other = _OTHER_OP[node.op]
            yield _on_node("op replaced", function, node, _rename_op(other), f" to {other}")


def _rename_op(op: str) -> Callable[[Any, Any], None]:
    def edit(function: Any, node: Any) -> None:
        del function
        node.op = op
        known = {attr.name for attr in getattr(_op_def(op), "attr", ())}
        for key in [key for key in node.attr if key not in known and not key.startswith("_")]:
            del node.attr[key]

    return edit


def _op_def(op: str) -> Any:
    from converter import tf_private

    return tf_private.get_op_def(op)


def _attributes(result: Result) -> Iterator[Mutant]:
    for function, node in _nodes(result):
        for key in _FLIPPED:
            if key in node.attr:
                yield _on_node("attribute changed", function, node, _flip(key), f" {key}")
        for key in ("epsilon", "alpha", "seed", "seed2", "strides", "padding"):
            if key in node.attr and node.attr[key].WhichOneof("value"):
                yield _on_node("attribute changed", function, node, _bump(key), f" {key}")


def _flip(key: str) -> Callable[[Any, Any], None]:
    def edit(function: Any, node: Any) -> None:
        del function
        node.attr[key].b = not node.attr[key].b

    return edit


def _bump(key: str) -> Callable[[Any, Any], None]:
    def edit(function: Any, node: Any) -> None:
        del function
        value = node.attr[key]
        kind = value.WhichOneof("value")
        if kind == "f":
            value.f = float(np.float32(value.f) * np.float32(2))
        elif kind == "i":
            value.i += 1
        elif kind == "s":
            value.s = b"VALID" if value.s == b"SAME" else b"SAME"
        else:
            value.list.i[1] += 1

    return edit


def _swapped_inputs(result: Result) -> Iterator[Mutant]:
    for function, node in _nodes(result):
        data = [name for name in node.input if not name.startswith("^")]
        pairs = [(i, i + 1) for i in range(len(data) - 1) if data[i] != data[i + 1]]
        for one, other in pairs[:2]:
            detail = f" {one}, {other}"
            yield _on_node("inputs swapped", function, node, _swap(one, other), detail)


def _swap(one: int, other: int) -> Callable[[Any, Any], None]:
    def edit(function: Any, node: Any) -> None:
        del function
        node.input[one], node.input[other] = node.input[other], node.input[one]

    return edit


def _dropped_updates(result: Result) -> Iterator[Mutant]:
    for function, node in _nodes(result):
        if node.op in _ASSIGNS:
            yield _on_node("update dropped", function, node, _remove)


def _remove(function: Any, node: Any) -> None:
    control = f"^{node.name}"
    for other in function.node_def:
        kept = [name for name in other.input if name != control]
        del other.input[:]
        other.input.extend(kept)
    for key in [key for key, name in function.control_ret.items() if name == node.name]:
        del function.control_ret[key]
        function.signature.control_output.remove(key)
    function.node_def.remove(node)


def _dropped_controls(result: Result) -> Iterator[Mutant]:
    for function, node in _nodes(result):
        for name in [name for name in node.input if name.startswith("^")][:2]:
            yield _on_node(
                "control dependency dropped", function, node, _drop_control(name), f" on {name}"
            )


def _drop_control(name: str) -> Callable[[Any, Any], None]:
    def edit(function: Any, node: Any) -> None:
        del function
        node.input.remove(name)

    return edit


def _stopped_gradients(result: Result) -> Iterator[Mutant]:
    for function, node in _nodes(result):
        if node.op == "ReadVariableOp" and node.attr["dtype"].type == tf.float32.as_datatype_enum:
            for op in ("StopGradient", "PreventGradient"):
                yield _on_node("gradient stopped", function, node, _stop(op), f" by {op}")


def _stop(op: str) -> Callable[[Any, Any], None]:
    def edit(function: Any, node: Any) -> None:
        name, read = f"{node.name}_stopped", f"{node.name}:value:0"
        for other in function.node_def:
            for index, ref in enumerate(other.input):
                if ref == read:
                    other.input[index] = f"{name}:output:0"
        for key, ref in function.ret.items():
            if ref == read:
                function.ret[key] = f"{name}:output:0"
        stop = function.node_def.add(name=name, op=op, input=[read])
        stop.attr["T"].type = node.attr["dtype"].type

    return edit


def _function_outputs(result: Result) -> Iterator[Mutant]:
    for function in result.functions:
        name = function.signature.name
        args = {arg.name: arg.type for arg in function.signature.output_arg}
        for one, other in itertools.pairwise(sorted(args)):
            if args[one] == args[other] and function.ret[one] != function.ret[other]:
                yield Mutant(
                    "function's outputs swapped", f"{name}: {one}, {other}",
                    _swap_outputs(name, one, other), name,
                )  # fmt: skip


def _swap_outputs(name: str, one: str, other: str) -> Callable[[Result], None]:
    def edit(result: Result) -> None:
        ret = result.function(name).ret
        ret[one], ret[other] = ret[other], ret[one]

    return edit


# Signatures.


def _signatures(result: Result) -> Iterator[Mutant]:
    signatures = result.meta_graph.signature_def
    names = sorted(name for name in signatures if not name.startswith("__"))
    for name in names:
        for side in ("inputs", "outputs"):
            keys = sorted(getattr(signatures[name], side))
            for one, other in itertools.pairwise(keys):
                yield Mutant(
                    f"signature's {side} swapped", f"{name}: {one}, {other}",
                    _swap_infos(name, side, one, other),
                )  # fmt: skip
            for key in keys[:2]:
                yield Mutant(
                    f"signature's {side[:-1]} renamed", f"{name}: {key}",
                    _rename_info(name, side, key),
                )  # fmt: skip
        yield Mutant("signature removed", name, lambda r, n=name: _remove_signature(r, n))
    for one, other in itertools.pairwise(names):
        if signatures[one] != signatures[other]:
            yield Mutant(
                "signature points to another function", f"{one}, {other}",
                lambda r, a=one, b=other: _swap_signatures(r, a, b),
            )  # fmt: skip


def _swap_infos(name: str, side: str, one: str, other: str) -> Callable[[Result], None]:
    def edit(result: Result) -> None:
        infos = getattr(result.meta_graph.signature_def[name], side)
        kept = type(infos[one])()
        kept.CopyFrom(infos[one])
        infos[one].CopyFrom(infos[other])
        infos[other].CopyFrom(kept)

    return edit


def _rename_info(name: str, side: str, key: str) -> Callable[[Result], None]:
    def edit(result: Result) -> None:
        infos = getattr(result.meta_graph.signature_def[name], side)
        infos[f"{key}_renamed"].CopyFrom(infos[key])
        del infos[key]

    return edit


def _remove_signature(result: Result, name: str) -> None:
    del result.meta_graph.signature_def[name]


def _swap_signatures(result: Result, one: str, other: str) -> None:
    signatures = result.meta_graph.signature_def
    kept = type(signatures[one])()
    kept.CopyFrom(signatures[one])
    signatures[one].CopyFrom(signatures[other])
    signatures[other].CopyFrom(kept)


# Objects of the Python loader.


def _child(node: Any, name: str) -> Any:
    return next((child for child in node.children if child.local_name == name), None)


def _objects(result: Result) -> Iterator[Mutant]:
    nodes = result.objects.nodes
    for number, node in enumerate(nodes):
        kind = node.WhichOneof("kind")
        if kind == "variable":
            yield Mutant("trainable flipped", node.variable.name, _flip_trainable(number))
        for name in ("variables", "trainable_variables", "regularization_losses"):
            child = _child(node, name)
            if child is not None and nodes[child.node_id].children:
                yield Mutant(
                    "dropped from a list", f"node {number}.{name}", _drop_last(child.node_id)
                )
        if kind == "function" and len(node.function.concrete_functions) > 1:
            yield from _ignored_arguments(result, number)
    child = _child(nodes[0], "signatures")
    signatures = nodes[child.node_id].children
    for one, other in itertools.pairwise(range(len(signatures))):
        if signatures[one].node_id != signatures[other].node_id:  # `serving_default` is an alias.
            yield Mutant(
                "signature in Python points to another", f"{one}, {other}",
                _swap_children(child.node_id, one, other),
            )  # fmt: skip


def _flip_trainable(number: int) -> Callable[[Result], None]:
    def edit(result: Result) -> None:
        variable = result.objects.nodes[number].variable
        variable.trainable = not variable.trainable

    return edit


def _drop_last(number: int) -> Callable[[Result], None]:
    def edit(result: Result) -> None:
        del result.objects.nodes[number].children[-1]

    return edit


def _swap_children(number: int, one: int, other: int) -> Callable[[Result], None]:
    def edit(result: Result) -> None:
        children = result.objects.nodes[number].children
        kept = children[one].node_id
        children[one].node_id, children[other].node_id = children[other].node_id, kept

    return edit


def _ignored_arguments(result: Result, number: int) -> Iterator[Mutant]:
    """One trace answers for another: `training`, or `return_endpoints`, is ignored."""
    traces = list(result.objects.nodes[number].function.concrete_functions)
    known = result.objects.concrete_functions
    for one, other in itertools.pairwise(sorted(traces)):
        same = (
            known[one].output_signature == known[other].output_signature
        )  # Else TensorFlow cannot make the answer.
        if same:
            for kept, lost in ((one, other), (other, one)):
                yield Mutant(
                    "argument ignored", f"{kept} runs for {lost}", _answer_for(kept, lost), lost
                )


def _answer_for(kept: str, lost: str) -> Callable[[Result], None]:
    def edit(result: Result) -> None:
        concrete = result.objects.concrete_functions
        del concrete[lost].bound_inputs[:]
        concrete[lost].bound_inputs.extend(concrete[kept].bound_inputs)
        function = result.function(lost)
        function.CopyFrom(result.function(kept))
        function.signature.name = lost

    return edit


def _captures(result: Result) -> Iterator[Mutant]:
    nodes = result.objects.nodes
    for name, concrete in sorted(result.objects.concrete_functions.items()):
        bound = list(concrete.bound_inputs)
        for one, other in itertools.combinations(range(len(bound)), 2):
            first, second = nodes[bound[one]].variable, nodes[bound[other]].variable
            if bound[one] != bound[other] and _alike(first, second):
                yield Mutant(
                    "variables exchanged in a call", f"{name}: {first.name}, {second.name}",
                    _swap_bound(name, one, other), name,
                )  # fmt: skip


def _alike(first: Any, second: Any) -> bool:
    return bool(first.dtype) and (first.dtype, first.shape) == (second.dtype, second.shape)


def _swap_bound(name: str, one: int, other: int) -> Callable[[Result], None]:
    def edit(result: Result) -> None:
        bound = result.objects.concrete_functions[name].bound_inputs
        bound[one], bound[other] = bound[other], bound[one]

    return edit


def _losses(result: Result) -> Iterator[Mutant]:
    nodes = result.objects.nodes
    child = _child(nodes[0], "regularization_losses")
    names = {
        name
        for loss in (nodes[child.node_id].children if child is not None else ())
        for name in nodes[loss.node_id].function.concrete_functions
    }
    for name in sorted(names):
        for key in result.function(name).ret:
            yield Mutant("loss scaled", f"{name}: {key}", _scale(name, key), name)


def _scale(name: str, key: str) -> Callable[[Result], None]:
    def edit(result: Result) -> None:
        function = result.function(name)
        ref = function.ret[key]
        node = function.node_def.add(name="scaled_by_mutant", op="AddV2", input=[ref, ref])
        node.attr["T"].type = function.signature.output_arg[0].type
        function.ret[key] = "scaled_by_mutant:z:0"

    return edit


# Files.


def _weights(result: Result) -> Iterator[Mutant]:
    values = {k: v for k, v in result.weights().items() if k.endswith("VARIABLE_VALUE")}
    for key, value in sorted(values.items()):
        if value.dtype.kind == "f" and value.size:
            yield Mutant("variable by one ULP", key, _change_weight(key, _one_ulp))
        elif value.dtype.kind in "iu" and value.size:
            yield Mutant("integer variable by one", key, _change_weight(key, _plus_one))
    for one, other in itertools.combinations(sorted(values), 2):
        a, b = values[one], values[other]
        if a.dtype == b.dtype and a.shape == b.shape and not np.array_equal(a, b):
            yield Mutant("variables' values exchanged", f"{one}, {other}", _exchange(one, other))


def _change_weight(key: str, change: Callable[[np.ndarray], np.ndarray]) -> Any:
    def edit(result: Result) -> None:
        values = result.weights()
        result.write_weights({**values, key: change(values[key])})

    return edit


def _exchange(one: str, other: str) -> Callable[[Result], None]:
    def edit(result: Result) -> None:
        values = result.weights()
        result.write_weights({**values, one: values[other], other: values[one]})

    return edit


def _asset_files(result: Result) -> Iterator[Mutant]:
    for path in result.assets():
        name = str(path.relative_to(result.directory))
        lines = path.read_bytes().splitlines(keepends=True)
        for at in {0, len(lines) // 2 - 1, len(lines) - 2}:
            if 0 <= at < len(lines) - 1 and lines[at] != lines[at + 1]:
                yield Mutant("asset's lines swapped", f"{name}:{at + 1}", _swap_lines(name, at))


def _swap_lines(name: str, at: int) -> Callable[[Result], None]:
    def edit(result: Result) -> None:
        path = result.directory / name
        lines = [line + b"\n" for line in path.read_bytes().splitlines()]
        lines[at], lines[at + 1] = lines[at + 1], lines[at]
        path.unlink()
        path.write_bytes(b"".join(lines))

    return edit


def _record(result: Result) -> Iterator[Mutant]:
    record = result.read_record()
    yield Mutant("record changed", "source.digest", _edit_record(_other_digest))
    if record["root"] is not None:
        yield Mutant("record changed", "root", _edit_record(lambda r: r.update(root=None)))
    for number, variable in enumerate(record["variables"][:3]):
        yield Mutant(
            "record changed", f"variables[{number}].trainable ({variable['name']})",
            _edit_record(lambda r, n=number: _negate(r["variables"][n], "trainable")),
        )  # fmt: skip
    for name in list(record["callables"])[:2]:
        yield Mutant(
            "record changed", f"callables.{name}.outputs",
            _edit_record(lambda r, n=name: r["callables"][n].update(outputs={})),
        )  # fmt: skip
        yield Mutant(
            "record changed", f"callables.{name} dropped",
            _edit_record(lambda r, n=name: r["callables"].pop(n)),
        )  # fmt: skip


def _edit_record(change: Callable[[dict[str, Any]], Any]) -> Callable[[Result], None]:
    def edit(result: Result) -> None:
        record = result.read_record()
        change(record)
        result.write_record(record)

    return edit


def _other_digest(record: dict[str, Any]) -> None:
    record["source"]["digest"] = "0" * 64


def _negate(values: dict[str, Any], key: str) -> None:
    values[key] = not values[key]


_FINDERS: tuple[Callable[[Result], Iterator[Mutant]], ...] = (
    _constants, _ops, _attributes, _swapped_inputs, _dropped_updates, _dropped_controls,
    _stopped_gradients, _function_outputs, _signatures, _objects, _captures, _losses, _weights,
    _asset_files, _record,
)  # fmt: skip
