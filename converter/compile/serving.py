"""The calls that serving signatures make."""

from __future__ import annotations

import dataclasses

from converter.compile.computations import Arguments, CompiledCallable
from converter.compile.plan import needs_trace_per_call


@dataclasses.dataclass(frozen=True, slots=True)
class ServedSignature:
    """A TF1 signature as a serving signature.

    Attributes:
      attribute: The callable that runs the same signature.
      arguments: The arguments with which the callable computes what the signature does. Hparams
        that the signature does not have are given their defaults.
    """

    attribute: str
    arguments: Arguments


def serve_signature(part: CompiledCallable) -> ServedSignature:
    """Finds the call of a callable that computes what its signature does."""
    given = frozenset(
        hparam.keyword
        for hparam in part.plan.hparams
        if needs_trace_per_call(hparam) and hparam.input in part.signature.inputs
    )
    arguments = Arguments(endpoints=part.takes_endpoints, given=given)
    return ServedSignature(part.plan.attribute, arguments)
