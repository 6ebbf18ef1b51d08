"""Refuses reads of variables whose gradients TensorFlow would lose.

After save and load, the gradient of a read in a loop or branch inside of a loop is silently wrong
or an error (TensorFlow 2.15 and 2.21; plain TF2 code shows it too). Reads of variables that a call
does not change are hoisted, and those of others matter only if the variable is trained.
"""

from __future__ import annotations

from collections.abc import Mapping

from converter import errors
from converter.ir import op_facts
from converter.ir.attributes import get_key
from converter.ir.graph import VARIABLE_OP, Node, Program
from converter.ir.region import Loop, Region


def check_reads(region: Region, program: Program) -> None:
    """Checks that the gradients of all trainable variables survive save and load.

    Raises:
      UnsupportedOpError: if one does not.
    """
    trainable = {spec.name for spec in program.variables.values() if spec.trainable}
    handles = {node.name: get_key(node) for node in region.nodes() if node.op == VARIABLE_OP}
    trained = {name: key for name, key in handles.items() if key in trainable}
    if trained:
        _check(region, trained, in_loop=False, is_lost=False)


def _check(region: Region, handles: Mapping[str, str], *, in_loop: bool, is_lost: bool) -> None:
    for item in region.items:
        if not isinstance(item, Node):
            for inner in item.regions:
                is_inner = in_loop or isinstance(item, Loop)
                _check(inner, handles, in_loop=is_inner, is_lost=in_loop)
        elif is_lost and item.op in op_facts.VALUE_READS and item.inputs[0].node in handles:
            raise errors.UnsupportedOpError(
                f"trainable variable {handles[item.inputs[0].node]!r} is changed by the call, and"
                " read in a loop or branch inside of a loop, where TensorFlow loses its gradient",
                node=item.name,
            )
