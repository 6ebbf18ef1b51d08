"""Emits regions into the function that is being traced.

Plain nodes are imported in as few runs as possible, because every import has a cost. Loops,
branches and functions with their own gradients end a run. Loops and branches are created by
`tf.while_loop` and `tf.cond`, so that TensorFlow differentiates them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import itertools
from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import tensorflow as tf

from converter import errors, tf_private
from converter.assemble.cell_gradients import cell
from converter.assemble.gather_tree import gather_tree
from converter.assemble.overridden_gradients import with_gradient
from converter.compile.custom_gradients import CustomGradient
from converter.ir import attributes, constants, gradient_overrides, op_facts, query, serde
from converter.ir.graph import (
    ASSET_OP,
    BOUND_OPS,
    CUSTOM_GRADIENT_OP,
    TABLE_OP,
    VARIABLE_VALUE_OP,
    Node,
    TensorRef,
)
from converter.ir.region import Branch, Item, Loop, Region, used_refs

# Nodes keep their TF1 names below this scope, so that error messages point to the module's nodes.
_SCOPE = "tf1"

Tensors = ChainMap[TensorRef, tf.Tensor]


class Bindings(Protocol):
    """The objects that pseudo-ops stand for."""

    @property
    def producer(self) -> int:
        """The GraphDef version of the TensorFlow that built the nodes."""

    def variable(self, key: str) -> tf.Variable:
        """The variable with the TF1 name `key`."""

    def table_handle(self, key: str) -> tf.Tensor:
        """The handle of the table that node `key` creates."""

    def asset_path(self, key: str) -> tf.Tensor:
        """The path of the asset that node `key` names."""

    def custom_gradient(self, key: str) -> CustomGradient:
        """The library function `key`, and its gradient."""


def emit(region: Region, args: Sequence[tf.Tensor], bindings: Bindings) -> list[tf.Tensor]:
    """Adds `region` to the function being traced.

    Args:
      region: A whole computation.
      args: One tensor for each argument.
      bindings: The module's state.

    Returns:
      One tensor for each result.

    Raises:
      ConversionError: if TensorFlow rejects a node, such as one with a bad attribute.
    """
    captured = [tf_private.capture(arg) for arg in args]
    return _Emission(region, captured, ChainMap(), bindings).run()


class _Emission:
    """Emits one region.

    `tensors` holds the tensors emitted so far, here and in the regions around. `anchors` holds one
    tensor of each node or output of this region that a later item waits for, because
    `import_graph_def` finds the ops of other imports only by their tensors.
    """

    def __init__(
        self,
        region: Region,
        args: Iterable[tf.Tensor],
        outer: Tensors,
        bindings: Bindings,
    ) -> None:
        self._region = region
        self._bindings = bindings
        self._tensors: Tensors = outer.new_child()
        self._anchors: dict[str, tf.Tensor] = {}
        for name, tensor in zip(region.args, args, strict=True):
            self._tensors[TensorRef(name)] = tensor

    def run(self) -> list[tf.Tensor]:
        runs = _split_runs([self._bind(item) for item in self._region.items])
        for items, uses in zip(runs, _find_uses(self._region, runs), strict=True):
            first = items[0]
            if isinstance(first, Loop):
                self._emit_loop(first)
            elif isinstance(first, Branch):
                self._emit_branch(first)
            elif op_facts.is_called(first):
                self._call(first)
            else:
                self._import([node for node in items if isinstance(node, Node)], uses)
        return [tf_private.capture(self._tensors[ref]) for ref in self._region.results]

    def _bind(self, item: Item) -> Item | None:
        """Returns the item, or None if it is a pseudo-op, after capturing its tensor."""
        if not isinstance(item, Node) or item.op not in BOUND_OPS:
            return item
        key = attributes.get_key(item)
        if item.op == VARIABLE_VALUE_OP:
            # The read becomes a node of the first import.
            variable = self._bindings.variable(key)
            handle = TensorRef(f"{item.name}/handle")
            self._tensors[handle] = self._capture_variable(variable)
            dtype = attributes.type_attr(variable.dtype.as_datatype_enum)
            return Node(item.name, "ReadVariableOp", (handle,), attrs={"dtype": dtype})
        if item.op == TABLE_OP:
            tensor = tf_private.capture(self._bindings.table_handle(key))
        elif item.op == ASSET_OP:
            tensor = tf_private.capture(self._bindings.asset_path(key))
        else:
            tensor = self._capture_variable(self._bindings.variable(key))
        self._tensors[TensorRef(item.name)] = tensor
        return None

    def _capture_variable(self, variable: tf.Variable) -> tf.Tensor:
        tf_private.watch_variable(variable)
        return tf_private.capture(variable.handle)

    # Items.

    def _inner(self, region: Region, args: Iterable[tf.Tensor] = ()) -> list[tf.Tensor]:
        """Emits an inner region of this one into the function that is being traced."""
        return _Emission(region, args, self._tensors, self._bindings).run()

    def _waiting_for(self, item: Item) -> Any:
        return tf.control_dependencies([self._anchors[name] for name in item.control_inputs])

    def _emit_loop(self, loop: Loop) -> None:
        shapes = [tf.TensorShape(value.shape) for value in loop.carried]
        initial = [self._tensors[value.initial] for value in loop.carried]

        def predicate(*values: tf.Tensor) -> tf.Tensor:
            return _check_bool(self._inner(loop.predicate, values)[0])

        def body(*values: tf.Tensor) -> list[tf.Tensor]:
            return list(map(_fit, self._inner(loop.body, values), shapes))

        limit = loop.maximum_iterations
        with self._waiting_for(loop), _rejections():
            results = tf.while_loop(
                predicate,
                body,
                list(map(_fit, initial, shapes)),
                shape_invariants=shapes,
                parallel_iterations=loop.parallel_iterations,
                maximum_iterations=self._tensors[limit] if isinstance(limit, TensorRef) else limit,
            )
        for value, result in zip(loop.carried, results, strict=True):
            if value.output is not None:
                result = result if loop.has_gradient else tf.stop_gradient(result)
                self._add_output(value.output, result)

    def _emit_branch(self, branch: Branch) -> None:
        def side(region: Region) -> Callable[[], list[tf.Tensor]]:
            # `tf.cond` needs a result, and items that wait for the branch need a tensor.
            return lambda: self._inner(region) or [tf.constant(0)]

        with self._waiting_for(branch), _rejections():
            results = tf.cond(
                _check_bool(self._tensors[branch.predicate]),
                side(branch.then),
                side(branch.otherwise),
            )
        for ref, result in zip(branch.outputs, results, strict=False):
            self._add_output(ref, result)

    def _add_output(self, ref: TensorRef, tensor: tf.Tensor) -> None:
        """Adds an output of a loop or branch.

        Lists of strings or integers have no gradient. TensorFlow (2.15 and 2.21) loses that fact
        when the function is loaded, and then fails to differentiate the ops around them.
        """
        if tensor.dtype == tf.variant and not tf_private.is_differentiable(tensor):
            tensor = tf.stop_gradient(tensor)
        self._tensors[ref] = self._anchors[ref.node] = tensor

    def _call(self, node: Node) -> None:
        """Emits a node as a call of a function, which may have its own gradient.

        Bodies of loops are read again for their gradients, and TensorFlow (2.15 and 2.21) then
        finds the node's gradient only if the node is in a separate function.
        """
        call = self._called(node)
        inputs = [tf_private.capture(self._tensors[ref]) for ref in node.inputs]
        with self._waiting_for(node), _rejections():
            outputs = tf.function(call, autograph=False)(*inputs)
        for index, output in enumerate(outputs):
            self._tensors[TensorRef(node.name, index)] = output
        self._anchors[node.name] = outputs[0]

    def _called(self, node: Node) -> Callable[..., Sequence[tf.Tensor]]:
        """Returns the function of its inputs that a node computes."""
        if node.op == CUSTOM_GRADIENT_OP:
            return self._custom_gradient(node)
        if node.op == op_facts.GATHER_TREE:
            return gather_tree
        if gradient_overrides.ATTRIBUTE in node.attrs:
            return with_gradient(node, functools.partial(self._import_alone, node))
        return cell(node)

    def _import_alone(self, node: Node, inputs: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Imports a node with other inputs and the natural gradient of its op."""
        refs = tuple(TensorRef(f"{node.name}/input", index) for index in range(len(inputs)))
        alone = query.without_attr(node, gradient_overrides.ATTRIBUTE)
        alone = dataclasses.replace(alone, inputs=refs, control_inputs=())
        given = {str(ref): tensor for ref, tensor in zip(refs, inputs, strict=True)}
        count = op_facts.output_count(node) or 0
        outputs = [TensorRef(node.name, index) for index in range(count)]
        return _import_nodes([alone], given, outputs, self._bindings.producer)

    def _custom_gradient(self, node: Node) -> Callable[..., Sequence[tf.Tensor]]:
        made = self._bindings.custom_gradient(attributes.get_key(node))

        @tf.custom_gradient
        def with_gradient(*inputs: tf.Tensor) -> object:
            def gradient(*upstream: tf.Tensor) -> list[tf.Tensor]:
                return emit(made.backward, [*inputs, *upstream], self._bindings)

            return emit(made.forward, inputs, self._bindings), gradient

        def call(*inputs: tf.Tensor) -> Sequence[tf.Tensor]:
            outputs: Sequence[tf.Tensor] = with_gradient(*inputs)
            # Otherwise only saving would trace the gradient, and fail with TensorFlow's message.
            specs = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in (*inputs, *outputs)]
            tf.function(
                lambda *args: emit(made.backward, args, self._bindings), autograph=False
            ).get_concrete_function(*specs)
            return outputs

        return call

    def _import(self, nodes: Sequence[Node], uses: _RunUses) -> None:
        """Imports plain nodes at once; their inputs from elsewhere are in `tensors`."""
        names = {node.name for node in nodes}
        # In the order of the nodes, which decides that of a function's captures, and so its bytes.
        inputs = (ref for node in nodes for ref in node.inputs)
        used = dict.fromkeys(ref for ref in inputs if ref.node not in names)
        controls = {name for node in nodes for name in node.control_inputs if name not in names}
        anchors = dict(_anchors(nodes, uses.controls))
        anchoring = [node for node in anchors.values() if node.name not in names]
        imported = _import_nodes(
            [*nodes, *anchoring],
            {str(ref): tf_private.capture(self._tensors[ref]) for ref in used}
            | {f"^{name}": self._anchors[name] for name in sorted(controls)},
            [*uses.refs, *(TensorRef(node.name) for node in anchors.values())],
            self._bindings.producer,
        )
        self._tensors.update(zip(uses.refs, imported[: len(uses.refs)], strict=True))
        self._anchors.update(zip(anchors, imported[len(uses.refs) :], strict=True))


class _RunUses:
    """The tensors of one run that other runs use, and its nodes that they wait for."""

    def __init__(self) -> None:
        self.refs: dict[TensorRef, None] = {}
        self.controls: set[str] = set()


def _find_uses(region: Region, runs: Sequence[Sequence[Item]]) -> list[_RunUses]:
    """Finds what other runs and the region's results use of each run."""
    uses = [_RunUses() for _ in runs]
    home = {
        item.name: index
        for index, items in enumerate(runs)
        for item in items
        if isinstance(item, Node)
    }
    for index, items in enumerate(runs):
        for item in items:
            for ref in used_refs(item):
                if home.get(ref.node, index) != index:
                    uses[home[ref.node]].refs[ref] = None
            for name in item.control_inputs:
                if home.get(name, index) != index:
                    uses[home[name]].controls.add(name)
    for ref in region.results:
        if ref.node in home:
            uses[home[ref.node]].refs[ref] = None
    return uses


def _split_runs(items: Iterable[Item | None]) -> list[list[Item]]:
    """Groups neighbouring plain nodes; each other item is a run by itself."""
    runs: list[list[Item]] = []
    kept = (item for item in items if item is not None)
    for is_plain, group in itertools.groupby(
        kept, lambda item: isinstance(item, Node) and not op_facts.is_called(item)
    ):
        together = list(group)
        runs += [together] if is_plain else [[item] for item in together]
    return runs


def _check_bool(predicate: tf.Tensor) -> tf.Tensor:
    if predicate.dtype != tf.bool:
        raise TypeError(f"a condition has dtype {predicate.dtype.name}, expected bool")
    return predicate


def _fit(tensor: tf.Tensor, shape: tf.TensorShape) -> tf.Tensor:
    """Gives a tensor a static shape at least as specific as `shape`, checked when it runs."""
    known = shape.rank is None or (
        tensor.shape.rank == shape.rank
        and all(
            wanted is None or wanted == size
            for wanted, size in zip(shape.as_list(), tensor.shape.as_list(), strict=True)
        )
    )
    return tensor if known else tf.ensure_shape(tensor, shape)


def _anchors(nodes: Sequence[Node], waited_for: set[str]) -> Iterator[tuple[str, Node]]:
    """Finds for each node of `waited_for` a node with an output that runs with or after it."""
    for node in nodes:
        if node.name in waited_for:
            if op_facts.output_count(node):
                yield node.name, node
            else:
                yield node.name, constants.int_constant(f"{node.name}/done", 0, (node.name,))


def _import_nodes(
    nodes: Sequence[Node],
    given: Mapping[str, tf.Tensor],
    wanted: Sequence[TensorRef],
    producer: int,
) -> list[tf.Tensor]:
    with _rejections():
        tensors = tf.graph_util.import_graph_def(
            serde.graph_def_from_nodes(nodes, producer),
            input_map=dict(given),
            return_elements=[str(ref) for ref in wanted],
            name=_SCOPE,
        )
    return list(tensors or [])


@contextlib.contextmanager
def _rejections() -> Iterator[None]:
    """Raises a ConversionError in place of TensorFlow's exceptions."""
    try:
        yield
    except (ValueError, TypeError, KeyError, RecursionError, tf.errors.OpError) as error:
        what = errors.first_line(error)
        raise errors.ConversionError(f"TensorFlow rejects the graph: {what}") from error
