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
    """A signature of the TF1 module, as a serving signature.

    Attributes:
      attribute: The callable that offers the same signature.
      call: The arguments with which that callable does what the signature does, if there are any.
      computation: What it runs.
    """

    attribute: str
    call: Arguments | None
    computation: Computation


def compile_served(part: CompiledCallable, lowering: Lowering) -> ServedSignature:
    """Finds what the signature of a callable runs among its calls, or else compiles it.

    Raises:
      ConversionError: if it cannot be carried over exactly.
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
    """The arguments of the call that does what the signature does, if there is one."""
    signature = part.signature
    if any(info.kind is not Kind.DENSE for info in signature.inputs.values()):
        return None  # A composite made of its parts has lost its static shape.
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
