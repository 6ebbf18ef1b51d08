"""What a comparison runs of a TF1 graph, by the names of its nodes.

Works on the messages of the file, with the rules by which a session prunes a graph.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from converter.compile.plan import ModulePlan
from converter.compile.variants import Tags
from converter.formats.legacy_module import LegacyModule
from converter.ir.attributes import Shape
from converter.ir.graph import Program, Signature, TensorInfo, TensorRef
from converter.parity.cases import PlannedCase

PLACEHOLDERS = ("Placeholder", "PlaceholderV2")


@dataclasses.dataclass(frozen=True, slots=True)
class NeededCall:
    """A call of a signature.

    Attributes:
      outputs: The tensors that it returns.
      given: The tensors that each such call feeds.
      training: Whether it runs update ops.
    """

    outputs: tuple[TensorRef, ...]
    given: frozenset[TensorRef]
    training: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Needs:
    """What a comparison runs of one graph variant.

    Attributes:
      calls: The calls.
      fed: The tensors that some call feeds, with dtype and static shape.
      losses: Whether it computes the regularization losses.
    """

    calls: tuple[NeededCall, ...]
    fed: Mapping[TensorRef, tuple[int, Shape]]
    losses: bool


def needs_of_cases(
    legacy: LegacyModule, plan: ModulePlan, cases: Iterable[PlannedCase]
) -> dict[Tags, Needs]:
    """What the cases of a plan run, by graph variant."""
    cases = list(cases)
    trained = {plan.variants.loss_variant(part.tags) for part in plan.callables.values()}
    found = {}
    for tags in {case.tags for case in cases} | trained:
        here = [case for case in cases if case.tags == tags]
        signatures = legacy.variants[tags].signatures
        calls = [_call(signatures, case) for case in here]
        fed = [_inputs(signatures, case) for case in here]
        found[tags] = Needs(tuple(calls), _components(fed), tags in trained)
    return found


def needs_of_signatures(program: Program) -> Needs:
    """What calls of all signatures run, for inference and for training."""
    calls = tuple(
        NeededCall(_refs(signature.outputs.values()), _required(program, signature), training=True)
        for signature in program.signatures.values()
    )
    fed = _components(signature.inputs for signature in program.signatures.values())
    return Needs(calls, fed, losses=True)


def _call(signatures: Mapping[str, Signature], case: PlannedCase) -> NeededCall:
    outputs = signatures[case.plan.signature].outputs.values()
    inputs = _inputs(signatures, case)
    given = frozenset(_refs(inputs[name] for name in case.plan.inputs))
    return NeededCall(_refs(outputs), given, case.training)


def _inputs(signatures: Mapping[str, Signature], case: PlannedCase) -> dict[str, TensorInfo]:
    source = signatures.get(case.plan.source)
    more = source.inputs if source else {}
    return {**more, **signatures[case.plan.signature].inputs}


def _required(program: Program, signature: Signature) -> frozenset[TensorRef]:
    return frozenset(
        ref
        for ref in _refs(signature.inputs.values())
        if ref.node in program.nodes and program.nodes[ref.node].op != "PlaceholderWithDefault"
    )


def _refs(infos: Iterable[TensorInfo]) -> tuple[TensorRef, ...]:
    return tuple(ref for info in infos for ref in info.components)


def _components(
    inputs: Iterable[Mapping[str, TensorInfo]],
) -> dict[TensorRef, tuple[int, Shape]]:
    return {
        ref: (dtype, shape)
        for infos in inputs
        for info in infos.values()
        for ref, dtype, shape in zip(
            info.components, info.component_dtypes, info.component_shapes, strict=True
        )
    }


def find_needed(
    nodes: Mapping[str, Any], roots: Iterable[str | TensorRef], fed: Collection[TensorRef] = ()
) -> set[str]:
    """The nodes that a session runs for `roots` when some tensors are fed.

    Args:
      nodes: The NodeDefs of a graph by name.
      roots: Tensors, or names of ops.
      fed: The tensors that are fed.
    """
    # A session takes a fed placeholder for done; it waits for other ops even if they are fed.
    done = {ref.node for ref in fed if ref.node in nodes and nodes[ref.node].op in PLACEHOLDERS}
    waiting = [
        root if isinstance(root, str) else root.node
        for root in roots
        if isinstance(root, str) or root not in fed
    ]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in found or name not in nodes:
            continue
        found.add(name)
        for source in nodes[name].input:
            if source.startswith("^"):
                waiting.extend({source[1:]} - done)
            elif not fed or TensorRef.parse(source) not in fed:
                waiting.append(source.partition(":")[0])  # In functions, `node:output:0`.
    return found


def needs_placeholder(nodes: Mapping[str, Any], needed: Iterable[str]) -> bool:
    """Whether nodes that run need a placeholder that nobody feeds."""
    return any(nodes[name].op in PLACEHOLDERS for name in needed)
