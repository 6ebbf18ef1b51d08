"""The graphs that serving signatures run."""

from __future__ import annotations

import dataclasses

from converter.compile.computations import (
    Arguments,
    CompiledCallable,
    Computation,
    compile_computation,
)
from converter.compile.lowering import Lowering
from converter.ir.graph import Kind


@dataclasses.dataclass(frozen=True, slots=True)
class ServedSignature:
    """A TF1 signature as a serving signature.

    Attributes:
      attribute: The callable that runs the same signature.
      call: The arguments with which the callable computes what the signature does; None if there
        are none.
      computation: The graph that it runs.
    """

    attribute: str
    call: Arguments | None
    computation: Computation


def compile_served(part: CompiledCallable, lowering: Lowering) -> ServedSignature:
    """Finds a call of the callable that computes what its signature does, or compiles one.

    Raises:
      ConversionError: if the graph cannot be converted exactly.
    """
    attribute, signature = part.plan.attribute, part.signature
    call = _find_call(part)
    if call is not None:
        return ServedSignature(attribute, call, part.computations[call])
    computation = compile_computation(
        part.programs[False], signature.inputs, signature.outputs, lowering, updates=False
    )
    return ServedSignature(attribute, None, computation)


def _find_call(part: CompiledCallable) -> Arguments | None:
    """The arguments of a call that computes what the signature does, if there is one."""
    signature = part.signature
    if any(info.kind is not Kind.DENSE for info in signature.inputs.values()):
        return None  # A composite that is put together from its parts loses its static shape.
    keywords = frozenset(h.keyword for h in part.plan.hparams if h.input in signature.inputs)
    for arguments, computation in part.computations.items():
        if (
            not arguments.training
            and arguments.given <= keywords
            and computation.inputs == signature.inputs
            and computation.outputs == signature.outputs
        ):
            return arguments
    return None
