"""Facts about the uses of a TensorArray that allow a simpler list op than the general one."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

from converter.ir import attributes, op_facts
from converter.ir.graph import Node, Nodes, TensorRef
from converter.passes.lower_tensor_arrays.flows import ALIASES, CREATION, WRITES, Arrays, flow_of
from converter.passes.lower_tensor_arrays.lengths import find_constant, length_of, range_limit
from converter.passes.lower_tensor_arrays.order import find_version, is_dynamic, origin_of


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """Answers questions about the arrays of `nodes`."""

    nodes: Nodes
    arrays: Arrays

    def creation_of(self, node: Node) -> Node:
        """The op that makes the array that the array op `node` uses."""
        return self.nodes[self.arrays.of(node)]

    def is_fresh(self, flow: TensorRef) -> bool:
        """Whether nothing has been written to the array yet."""
        return self.nodes[find_version(self.nodes, flow).origin.node].op == CREATION

    def is_empty(self, creation: Node) -> bool:
        """Whether the array has no elements but those that writes add."""
        return is_dynamic(creation) and length_of(self.nodes, creation.inputs[0]) == 0

    def fills_rows(self, scatter: Node) -> bool:
        """Whether a scatter into a fresh array gives its first elements the rows of a value.

        V1 checks that there are as many rows as indices, so that needs no proof.
        """
        is_in_order = range_limit(self.nodes, scatter.inputs[1]) is not None
        return is_in_order and self.is_fresh(flow_of(scatter))

    def is_unstack(self, scatter: Node) -> bool:
        """Whether a scatter fills a whole fresh array with the rows of a value."""
        limit = range_limit(self.nodes, scatter.inputs[1])
        if limit is None or not self.is_fresh(flow_of(scatter)):
            return False
        creation = self.creation_of(scatter)
        return self.is_empty(creation) or self._has_size(creation, limit)

    def is_stack(self, gather: Node) -> bool:
        """Whether a gather takes all elements, in order."""
        limit = range_limit(self.nodes, gather.inputs[1])
        if limit is None:
            return False
        creation = self.creation_of(gather)
        asked = self.nodes[limit.node]
        if asked.op != "TensorArraySizeV3" or self.creation_of(asked) is not creation:
            return not is_dynamic(creation) and self._has_size(creation, limit)
        versions = [find_version(self.nodes, flow_of(node)) for node in (asked, gather)]
        return not is_dynamic(creation) or versions[0].origin == versions[1].origin

    def _has_size(self, creation: Node, length: TensorRef) -> bool:
        return length_of(self.nodes, creation.inputs[0]) == length_of(self.nodes, length)

    def has_one_shape(self, creation: Node) -> bool:
        """Whether V1 makes sure that all elements have the same shape."""
        if attributes.find_bool(creation, "identical_element_shapes"):
            return True
        shape = attributes.find_shape(creation, "element_shape")
        return shape is not None and None not in shape

    def may_repeat(self, gather: Node) -> bool:
        """Whether a gather may take one element twice, and has a gradient.

        An array clears what was read unless it is told not to.
        """
        clears = attributes.find_bool(self.creation_of(gather), "clear_after_read", default=True)
        if clears or not _is_differentiable(gather):
            return False
        indices = gather.inputs[1]
        constant = find_constant(self.nodes, indices)
        if constant is not None:
            return len(set(constant.ravel().tolist())) < constant.size
        return self.nodes[origin_of(self.nodes, indices).node].op != "Range"

    def find_plain_tensors(self) -> set[str]:
        """The ops that make arrays that can stay the tensors that fill them: see below."""
        users: dict[str, list[Node]] = {
            node.name: [] for node in self.nodes.values() if node.op == CREATION
        }
        for node in self.nodes.values():
            if node.op not in ALIASES:
                flows = self.arrays.flows
                for array in dict.fromkeys(flows[ref] for ref in node.inputs if ref in flows):
                    users[array].append(node)
        return {array for array in users if self._is_plain_tensor(array, users[array])}

    def _is_plain_tensor(self, array: str, users: Sequence[Node]) -> bool:
        """Whether an array can stay the tensor that fills it, whose rows are then read.

        A list of strings breaks under a gradient tape after save and load (TensorFlow 2.21), and
        a list of numbers without gradients gains nothing. For others a list is better: the
        gradient of a row is as large as the tensor, that of a list's element is not.
        """
        if _is_differentiable(self.nodes[array]):
            return False
        fresh = [node for node in users if self._takes_fresh(node, array)]
        writes = [node for node in users if node.op in WRITES]
        if fresh != writes or [node.op for node in writes] != ["TensorArrayScatterV3"]:
            return False
        return self._can_read_rows(writes[0], {node.op for node in users})

    def _takes_fresh(self, user: Node, array: str) -> bool:
        """Whether a node takes a flow of the array to which nothing has been written yet."""
        flows = self.arrays.flows
        return any(self.is_fresh(ref) for ref in user.inputs if flows.get(ref) == array)

    def _can_read_rows(self, scatter: Node, users: Collection[str]) -> bool:
        if "TensorArrayConcatV3" in users or not self.fills_rows(scatter):
            return False
        # An array with more elements than rows has another size. To read one that no row
        # fills is an error then, where V1 may give zeros.
        is_fixed = not is_dynamic(self.creation_of(scatter))
        return self.is_unstack(scatter) or (is_fixed and "TensorArraySizeV3" not in users)


def _is_differentiable(node: Node) -> bool:
    return attributes.get_dtype(node, "dtype") in op_facts.DIFFERENTIABLE
