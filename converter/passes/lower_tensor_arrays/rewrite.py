"""Replaces each op on a TensorArray with ops on a list."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from converter import errors
from converter.ir import attributes, op_facts
from converter.ir.attributes import Shape
from converter.ir.graph import BOUND_OPS, AttrValue, Graph, Node, TensorRef
from converter.ir.needs import Needs
from converter.ir.rewrite import GraphEditor
from converter.passes.lower_tensor_arrays.facts import Facts
from converter.passes.lower_tensor_arrays.flows import CLOSE, CREATION, PASSED_ON, Arrays, flow_of
from converter.passes.lower_tensor_arrays.order import is_dynamic

_Attrs = Mapping[str, AttrValue]

_LARGEST_SIZE = 2**31 - 1
_INT32 = attributes.type_attr(op_facts.DT_INT32)
_VARIANT = attributes.type_attr(op_facts.DT_VARIANT)


class Rewrite:
    """Rewrites the nodes of one graph, whose arrays are found and whose order is checked."""

    def __init__(self, graph: Graph, arrays: Arrays) -> None:
        self._before = graph.nodes
        self._arrays = arrays
        self._facts = Facts(graph.nodes, arrays)
        self._editor = GraphEditor(graph)
        self._branches: dict[TensorRef, str] = {}
        self._effects = Needs(
            graph.nodes, (node.name for node in graph.nodes.values() if _has_effect(node))
        )
        self._plain = self._facts.find_plain_tensors()

    def run(self) -> Graph:
        """The graph with lists, which flow where the flows of the arrays did."""
        rules: Mapping[str, Callable[[Node], Node]] = {
            CREATION: self._reserve,
            CLOSE: lambda node: self._made(node, "NoOp", ()),
            "TensorArrayConcatV3": self._concat,
            "TensorArrayGatherV3": self._gather,
            "TensorArrayReadV3": self._read,
            "TensorArrayScatterV3": self._scatter,
            "TensorArraySizeV3": self._size,
            "TensorArraySplitV3": self._split,
            "TensorArrayWriteV3": self._write,
            **dict.fromkeys(PASSED_ON, self._pass_on),
        }
        creations = [node.name for node in self._before.values() if node.op == CREATION]
        for node in self._before.values():
            if node.op in rules:
                self._editor.replace(rules[node.op](node))
        # The flow is the second output of an array's op, and the list the first of a list's.
        self._editor.replace_uses({TensorRef(name, 1): TensorRef(name) for name in creations})
        return self._editor.finish(drop_dead=True)

    # One rule for each op.

    def _reserve(self, node: Node) -> Node:
        (size,) = node.inputs
        inputs = (self._shape(node, _element_shape(node), size), size)
        return self._made(node, "TensorListReserve", inputs, _list_attrs(node, "dtype", shape=True))

    def _write(self, node: Node) -> Node:
        _, index, value, flow = node.inputs
        attrs = _list_attrs(node, "T")
        if is_dynamic(self._facts.creation_of(node)):
            attrs["resize_if_index_out_of_bounds"] = attributes.bool_attr(True)
        return self._made(node, "TensorListSetItem", (flow, index, value), attrs)

    def _read(self, node: Node) -> Node:
        _, index, flow = node.inputs
        if self._is_plain(node):
            return self._rows(node, index)
        inputs = (flow, index, self._shape(node, self._known_shape(node), flow, index))
        return self._made(node, "TensorListGetItem", inputs, _list_attrs(node, "dtype"))

    def _gather(self, node: Node) -> Node:
        _, indices, flow = node.inputs
        if self._is_plain(node):
            return self._rows(node, indices)
        attrs = _list_attrs(node, "dtype")
        if self._facts.is_stack(node):
            shape = self._shape(node, self._known_shape(node), flow)
            return self._made(node, "TensorListStack", (flow, shape), attrs)
        shape = self._shape(node, self._known_shape(node), flow, indices)
        if self._facts.may_repeat(node):
            return self._gather_again(node, shape)
        return self._made(node, "TensorListGather", (flow, indices, shape), attrs)

    def _gather_again(self, node: Node, shape: TensorRef) -> Node:
        """A gather that may take an element twice, which needs elements of one shape.

        The gradient of TensorListGather loses all but one of the two (TensorFlow 2.21).
        """
        _, indices, flow = node.inputs
        if not self._facts.has_one_shape(self._facts.creation_of(node)):
            raise errors.UnsupportedOpError(
                "a gather may take an element twice from a TensorArray with elements of several"
                " shapes, and TensorFlow's lists have no correct gradient for that",
                node=node.name,
            )
        attrs = _list_attrs(node, "dtype")
        stack = self._new(node, "stack", "TensorListStack", (flow, shape), attrs)
        inputs = (stack, indices, self._number(node, 0, flow, indices))
        return self._made(node, "GatherV2", inputs, _gather_attrs(node.attrs["dtype"]))

    def _concat(self, node: Node) -> Node:
        flow = flow_of(node)
        lengths = self._constant(
            node, "leading_dims", attributes.int_vector_attr((), op_facts.DT_INT64), flow
        )
        inputs = (flow, self._shape(node, self._known_shape(node), flow), lengths)
        attrs = _list_attrs(node, "dtype", shape=True)
        return self._made(node, "TensorListConcatV2", inputs, attrs)

    def _size(self, node: Node) -> Node:
        flow = flow_of(node)
        if not self._is_plain(node):
            return self._made(node, "TensorListLength", (flow,))
        attrs = {"T": self._flow_type(flow), "out_type": _INT32}
        sizes = self._new(node, "sizes", "Shape", (flow,), attrs)
        first = self._number(node, 0, flow)
        return self._made(node, "GatherV2", (sizes, first, first), _gather_attrs(_INT32))

    def _split(self, node: Node) -> Node:
        _, value, lengths, flow = node.inputs
        if not self._facts.is_fresh(flow):
            raise errors.UnsupportedOpError(
                "a split writes into a TensorArray that may already hold elements", node=node.name
            )
        creation = self._facts.creation_of(node)
        inputs = (value, self._shape(node, _element_shape(creation), value, lengths), lengths)
        return self._made(node, "TensorListSplit", inputs, _list_attrs(node, "T", shape=True))

    def _scatter(self, node: Node) -> Node:
        _, indices, value, flow = node.inputs
        creation = self._facts.creation_of(node)
        if creation.name in self._plain:
            return self._made(node, "Identity", (value,), {"T": node.attrs["T"]})
        if not self._facts.is_fresh(flow):
            return self._scatter_more(node)
        shape = self._shape(node, _element_shape(creation), value)
        attrs = _list_attrs(node, "T", shape=True)
        if self._facts.is_unstack(node):
            return self._made(node, "TensorListFromTensor", (value, shape), attrs)
        if not is_dynamic(creation):
            size = self._length(node)
        elif self._facts.is_empty(creation):
            size = self._number(node, -1, value)
        else:
            raise _unchecked_scatter(node)
        return self._made(node, "TensorListScatterV2", (value, indices, shape, size), attrs)

    def _scatter_more(self, node: Node) -> Node:
        """A scatter beside elements. The list op does not check its indices: another op has to."""
        _, indices, value, flow = node.inputs
        if is_dynamic(self._facts.creation_of(node)):
            raise _unchecked_scatter(node)
        zero, one = self._number(node, 0, flow, value), self._number(node, 1, flow, value)
        limits = (zero, self._length(node), one)
        numbers = self._new(node, "range", "Range", limits, {"Tidx": _INT32})
        inputs = (numbers, indices, zero)
        checked = self._new(node, "indices", "GatherV2", inputs, _gather_attrs(_INT32))
        inputs = (flow, value, checked)
        attrs = _list_attrs(node, "T")
        return self._made(node, "TensorListScatterIntoExistingList", inputs, attrs)

    def _pass_on(self, node: Node) -> Node:
        made = TensorRef(node.name)
        if made in self._arrays.flows:
            dtype = self._flow_type(made)
        elif made in self._arrays.handles:
            dtype = _VARIANT
        else:
            return node
        attrs = {**node.attrs, "T": dtype}
        if attrs.pop(attributes.INFERRED_SHAPES, None) and dtype is _VARIANT:
            attrs[attributes.INFERRED_SHAPES] = attributes.scalar_shapes_attr(
                op_facts.output_count(node) or 0
            )
        return dataclasses.replace(node, attrs=attrs)

    # Shared by the rules.

    def _is_plain(self, node: Node) -> bool:
        return self._arrays.of(node) in self._plain

    def _flow_type(self, flow: TensorRef) -> AttrValue:
        """The type of the tensor that replaces a flow."""
        creation = self._before[self._arrays.flows[flow]]
        is_list = creation.name not in self._plain or self._facts.is_fresh(flow)
        return _VARIANT if is_list else creation.attrs["dtype"]

    def _known_shape(self, node: Node) -> Shape:
        """The shape of elements, as the array and the op declare it."""
        return _merge(_element_shape(self._facts.creation_of(node)), _element_shape(node))

    def _rows(self, node: Node, index: TensorRef) -> Node:
        """A read or gather as the op that takes rows of a tensor."""
        flow = flow_of(node)
        inputs = (flow, index, self._number(node, 0, flow, index))
        return self._made(node, "GatherV2", inputs, _gather_attrs(node.attrs["dtype"]))

    def _made(
        self, node: Node, op: str, inputs: tuple[TensorRef, ...], attrs: _Attrs | None = None
    ) -> Node:
        return Node(node.name, op, inputs, self._waits_for(node, inputs), attrs or {})

    def _waits_for(self, node: Node, inputs: tuple[TensorRef, ...]) -> tuple[str, ...]:
        """The control inputs of `node`, and what it no longer takes but has effects behind it.

        A handle has the same behind it as a flow: the op that makes the array.
        """
        kept = {ref.node for ref in inputs}
        if any(ref in self._arrays.flows for ref in inputs):
            kept.add(self._arrays.of(node))
        dropped = [ref.node for ref in node.inputs if ref.node not in kept]
        loses = self._effects.need_more(dropped, [*kept, *node.control_inputs])
        return tuple(dict.fromkeys((*node.control_inputs, *(dropped if loses else ()))))

    def _shape(self, node: Node, shape: Shape, *beside: TensorRef) -> TensorRef:
        """A shape as the list ops take it: -1 for an unknown size, or for an unknown rank."""
        if shape is None:
            value = attributes.int_scalar_attr(-1)
        else:
            sizes = [-1 if size is None else size for size in shape]
            if max(sizes, default=0) > _LARGEST_SIZE:
                raise errors.UnsupportedOpError(
                    f"the elements of a TensorArray have a size of {max(sizes)}, which is above"
                    f" {_LARGEST_SIZE}",
                    node=node.name,
                )
            value = attributes.int_vector_attr(sizes)
        return self._constant(node, "dims", value, *beside)

    def _number(self, node: Node, number: int, *beside: TensorRef) -> TensorRef:
        return self._constant(node, "number", attributes.int_scalar_attr(number), *beside)

    def _length(self, node: Node) -> TensorRef:
        return self._new(node, "length", "TensorListLength", (flow_of(node),))

    def _constant(self, node: Node, what: str, value: AttrValue, *beside: TensorRef) -> TensorRef:
        """A constant in the loop and in the branch of `beside`, which control edges tell."""
        attrs = {"dtype": attributes.type_attr(value.tensor.dtype), "value": value}
        anchors = dict.fromkeys(
            self._anchor(node, ref) for ref in beside if self._before[ref.node].op not in BOUND_OPS
        )
        return self._new(node, what, "Const", (), attrs, tuple(anchors))

    def _anchor(self, node: Node, ref: TensorRef) -> str:
        """A node that runs when `ref` is live. A Switch runs before either of its branches."""
        switch = self._before[ref.node]
        if switch.op != "Switch":
            return ref.node
        if ref not in self._branches:
            dtype = self._flow_type(ref) if ref in self._arrays.flows else switch.attrs["T"]
            self._branches[ref] = self._new(node, "branch", "Identity", (ref,), {"T": dtype}).node
        return self._branches[ref]

    def _new(
        self,
        node: Node,
        what: str,
        op: str,
        inputs: tuple[TensorRef, ...],
        attrs: _Attrs | None = None,
        control_inputs: tuple[str, ...] = (),
    ) -> TensorRef:
        """Adds a node that `node` will use, and returns its output."""
        new = Node(f"{node.name}/{what}", op, inputs, control_inputs, attrs or {})
        return self._editor.insert_fresh(node.name, new)


def _has_effect(node: Node) -> bool:
    """Whether a node has an effect, but for those on arrays."""
    return node.op not in op_facts.TENSOR_ARRAY_OPS and op_facts.has_effect(node.op)


def _list_attrs(node: Node, key: str, *, shape: bool = False) -> dict[str, AttrValue]:
    attrs = {"element_dtype": node.attrs[key]}
    return {**attrs, "shape_type": _INT32} if shape else attrs


def _gather_attrs(dtype: AttrValue) -> _Attrs:
    return {"Tparams": dtype, "Tindices": _INT32, "Taxis": _INT32}


def _element_shape(node: Node) -> Shape:
    """The shape of elements in an op's attributes."""
    if "element_shape" in node.attrs:
        return attributes.find_shape(node, "element_shape")
    rest = attributes.find_shape(node, "element_shape_except0")
    return None if rest is None else (None, *rest)


def _merge(shape: Shape, other: Shape) -> Shape:
    """Merges two shapes. Where they differ the list op fails either way, like the array op."""
    if shape is None or other is None or len(shape) != len(other):
        return shape if other is None else other
    return tuple(b if a is None else a for a, b in zip(shape, other, strict=True))


def _unchecked_scatter(node: Node) -> errors.UnsupportedOpError:
    return errors.UnsupportedOpError(
        "a scatter writes into a growing TensorArray that may already hold elements, and"
        " TensorFlow's lists would not check its indices",
        node=node.name,
        remedy="Write the elements one by one, or fill an array that does not grow.",
    )
