"""The results of compiling a module, as frozen values that can be pickled.

Tracing needs nothing else. Protos are the only things of TensorFlow in them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from converter import errors
from converter.compile.computations import CompiledCallable, variable_names
from converter.compile.definitions import Definitions
from converter.compile.plan import ModulePlan
from converter.compile.refusals import Refusal
from converter.compile.serving import ServedSignature
from converter.compile.tokenization import TokenizationInfo
from converter.compile.variants import Tags, format_tags
from converter.formats.legacy_module import LegacyModule
from converter.ir.graph import Program, TensorRef, VariableSpec
from converter.ir.region import Region, region_digest


@dataclasses.dataclass(frozen=True, slots=True)
class LossGraph:
    """A regularization loss, as a function of the weights.

    Attributes:
      program: The first graph variant that has it.
      ref: The tensor in the graph of that variant.
      region: Computes it.
      variants: All graph variants that have it, `program` among them.
      unresolved_overrides: The gradient overrides that no library resolves, by node.
    """

    program: Program
    ref: TensorRef
    region: Region
    variants: frozenset[Tags]
    unresolved_overrides: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def variable_names(self) -> set[str]:
        """The TF1 names of the variables that it uses."""
        return variable_names(self.region)


@dataclasses.dataclass(frozen=True, slots=True)
class CompiledModule:
    """A module with every graph lowered.

    Attributes:
      legacy: The TF1 module.
      plan: The interface of the converted module.
      callables: The graphs of each callable, by attribute.
      serving: The call that each serving signature makes, by its name.
      losses: The regularization losses that are functions of the weights alone.
      definitions: The tables, and the functions with gradients, that these use.
      tokenization: The vocabulary of a BERT module.
      variables: The variables that callables use, by TF1 name, in the order of the collections.
      used: For each callable, the names of the variables that any call of it uses, in the same
        order. Those behind endpoints are among them, or else they would silently not be trained.
      unsafe_ops: The unsafe ops that the user let through, with a node of each.
    """

    legacy: LegacyModule
    plan: ModulePlan
    callables: Mapping[str, CompiledCallable]
    serving: Mapping[str, ServedSignature]
    losses: Sequence[LossGraph]
    definitions: Definitions
    tokenization: TokenizationInfo
    variables: Mapping[str, VariableSpec]
    used: Mapping[str, tuple[str, ...]]
    unsafe_ops: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def used_by_root(self) -> tuple[str, ...]:
        """The names of the variables that the module lists; all, when it cannot be called."""
        return tuple(self.variables) if self.plan.root is None else self.used[self.plan.root]

    def losses_of(self, name: str) -> list[int]:
        """The losses that a callable lists: of its training variant, those of its variables."""
        variant = self.plan.variants.loss_variant(self.plan.callables[name].tags)
        used = set(self.used[name])
        return [
            index
            for index, loss in enumerate(self.losses)
            if variant in loss.variants and loss.variable_names() <= used
        ]

    @property
    def losses_of_root(self) -> list[int]:
        """The losses that the module lists; those of all callables, when it cannot be called."""
        if self.plan.root is not None:
            return self.losses_of(self.plan.root)
        return sorted({index for name in self.callables for index in self.losses_of(name)})

    def digests(self) -> dict[str, str]:
        """The digest of each region, by the name that `regions` gives it."""
        distinct = {id(region): region for _, region in self.regions()}
        digests = {key: region_digest(region) for key, region in distinct.items()}
        return {name: digests[id(region)] for name, region in self.regions()}

    def regions(self) -> Iterator[tuple[str, Region]]:
        """Yields every region that is traced, with a name that says where it runs."""
        for name, part in self.callables.items():
            for arguments, computation in part.computations.items():
                yield arguments.format_call(name), computation.region
        for name, served in self.serving.items():
            part = self.callables[served.attribute]
            yield f"signature {name!r}", part.computations[served.arguments].region
        for loss in self.losses:
            where = format_tags(loss.program.tags)
            yield f"regularization loss '{loss.ref}' of {where}", loss.region
        for (tags, node), table in self.definitions.tables.items():
            where = f"table {node!r} of {format_tags(tags)}"
            yield f"{where}, creation", table.creation
            yield from ((f"{where}, filling {n}", r) for n, r in enumerate(table.filling))
        for (tags, key), function in self.definitions.gradients.items():
            where = f"function {key!r} of {format_tags(tags)}"
            yield where, function.forward
            yield f"{where}, gradient", function.backward


@dataclasses.dataclass(frozen=True, slots=True)
class RefusedModule:
    """A module that cannot be converted.

    Attributes:
      plan: The interface that it would have; None if the module is too damaged to tell.
      refusals: All reasons, at least one.
    """

    plan: ModulePlan | None
    refusals: tuple[Refusal, ...]

    @property
    def error(self) -> errors.ConversionError:
        """The first reason, which `compile_module` raises."""
        return self.refusals[0].error


Compilation: TypeAlias = CompiledModule | RefusedModule
