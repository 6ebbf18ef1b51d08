"""Which serving signatures there are, and what each runs; nothing is traced here."""

from __future__ import annotations

import dataclasses

from converter.compile.computations import (
    Arguments,
    CallableGraphs,
    Computation,
    prepare_computation,
)
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


def prepare_served(attribute: str, graphs: CallableGraphs) -> ServedSignature:
    """Finds or makes what the signature of a callable runs.

    Raises:
      ConversionError: if it cannot be carried over exactly.
    """
    call = _find_call(graphs)
    if call is not None:
        return ServedSignature(attribute, call, graphs.get(call))
    signature, program = graphs.signature, graphs.program(training=False)
    computation = prepare_computation(program, signature.inputs, signature.outputs, updates=False)
    return ServedSignature(attribute, None, computation)


def _find_call(graphs: CallableGraphs) -> Arguments | None:
    """The call of the callable that does what the signature does, if there is one."""
    signature = graphs.signature
    if any(info.kind is not Kind.DENSE for info in signature.inputs.values()):
        return None  # A composite made of its parts has lost its static shape.
    keywords = frozenset(h.keyword for h in graphs.plan.hparams if h.input in signature.inputs)
    for arguments in graphs.combinations():
        computation = graphs.get(arguments)
        if (
            not arguments.training
            and arguments.given <= keywords
            and computation.inputs == signature.inputs
            and computation.outputs == signature.outputs
        ):
            return arguments
    return None
