"""Library functions that come with a gradient function (`Defun(grad_func=…)` in TF1).

The gradient of `f(x…) -> y…` takes `x…, dy…` and returns `dx…` (source: GradientDef in
function.proto).
"""

from __future__ import annotations

import dataclasses

from converter import errors
from converter.compile.lowering import Lowering
from converter.ir import op_facts, serde
from converter.ir.graph import ARG_OP, BOUND_OPS, Program
from converter.ir.region import Region


@dataclasses.dataclass(frozen=True, slots=True)
class CustomGradient:
    """A function without state or effects, and its gradient function."""

    forward: Region
    backward: Region


def compile_custom_gradient(program: Program, key: str, lowering: Lowering) -> CustomGradient:
    """Reads a function and its gradient from the library, and lowers both.

    Args:
      program: The graph variant.
      key: The function's name.
      lowering: Runs the passes.

    Raises:
      UnsupportedOpError: if one of them has effects, or reads the module's state.
      FormatError: if the gradient does not fit the function.
    """
    forward = _lower_pure(program, key, lowering)
    backward = _lower_pure(program, program.gradients[key], lowering)
    takes, gives = len(backward.args), len(backward.results)
    if (takes, gives) != (len(forward.args) + len(forward.results), len(forward.args)):
        raise errors.FormatError(
            f"function {program.gradients[key]!r} takes {takes} tensors and gives {gives}; as"
            f" the gradient of {key!r} it should take {len(forward.args) + len(forward.results)}"
            f" and give {len(forward.args)}"
        )
    return CustomGradient(forward, backward)


def _lower_pure(program: Program, name: str, lowering: Lowering) -> Region:
    function = program.functions.get(name)
    if function is None:
        raise errors.FormatError(f"function {name!r} is not in the library")
    body = serde.graph_from_function_def(function, program.functions, {})
    region = lowering.lower(body, program).region
    state = [
        node.name
        for node in region.nodes()
        if node.op in BOUND_OPS - {ARG_OP} or op_facts.has_effect(node.op)
    ]
    if state:
        raise errors.UnsupportedOpError(
            f"function {name!r}, which has or is a gradient function, has effects or reads state",
            node=state[0],
        )
    return region
