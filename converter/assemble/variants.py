"""Which graph variants serve inference and training, and which can be used at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

from converter import errors
from converter.formats.legacy_module import LegacyModule
from converter.ir import query
from converter.ir.graph import Program, VariableSpec

Tags = frozenset[str]

_INFERENCE = tuple(
    frozenset(tags) for tags in ((), ("inference",), ("serve",), ("batch_norm_fixed",))
)
_INFERENCE_MARKS = frozenset({"inference", "serve", "batch_norm_fixed"})
TRAINING_MARKS = ("train", "training", "is_training", "batch_norm_trains")


@dataclasses.dataclass(frozen=True, slots=True)
class VariantChoice:
    """The roles of a module's graph variants.

    Attributes:
      inference: The tag set that plain calls run; None when several could.
      training: The tag set that `training=True` runs, if there is one.
      others: The remaining tag sets that can be used.
      left_out: For each tag set that cannot be used, why.
    """

    inference: Tags | None
    training: Tags | None
    others: tuple[Tags, ...]
    left_out: Mapping[Tags, str]


def format_tags(tags: Collection[str]) -> str:
    """Prints a tag set: `{gen, bs8}`, `{}` when it is empty."""
    return "{" + ", ".join(sorted(tags)) + "}"


def choose_variants(
    legacy: LegacyModule,
    tags: Collection[str] | None = None,
    training_tags: Collection[str] | None = None,
) -> VariantChoice:
    """Assigns a role to every graph variant.

    Args:
      legacy: The module.
      tags: The tag set for inference, when the user names one.
      training_tags: The tag set for training, when the user names one.

    Raises:
      UsageError: if the module has no graph variant with the tags named.
      WeightsError: if the checkpoint lacks variables of the inference variant.
    """
    names = list(legacy.variants)
    inference = _find_inference(names) if tags is None else _named(names, tags)
    training = _find_training(names, inference) if inference is not None else None
    if training_tags is not None:
        training = _named(names, training_tags)
    left_out = {
        name: reason
        for name, program in legacy.variants.items()
        if (reason := _missing_weights(program, legacy))
    }
    needed = [inference] if training_tags is None else [inference, training]
    for variant in needed if len(left_out) < len(names) else names:
        if variant in left_out:
            raise errors.WeightsError(
                f"graph variant {format_tags(variant or ())} cannot be used: {left_out[variant]}",
                remedy="Copy the module again, or choose another variant with --tags.",
            )
    if training in left_out:
        training = None
    taken = {inference, training, *left_out}
    others = sorted((name for name in names if name not in taken), key=sorted)
    return VariantChoice(inference, training, tuple(others), left_out)


def _named(names: Collection[Tags], tags: Collection[str]) -> Tags:
    wanted = frozenset(tags)
    if wanted not in names:
        raise errors.UsageError(
            f"the module has no graph variant with tags {format_tags(wanted)}",
            remedy=f"It has {', '.join(sorted(map(format_tags, names)))}.",
        )
    return wanted


def _find_inference(names: Collection[Tags]) -> Tags | None:
    for wanted in _INFERENCE:
        if wanted in names:
            return wanted
    if len(names) == 1:
        return next(iter(names))
    plain = [name for name in names if not name.intersection(TRAINING_MARKS)]
    return plain[0] if len(plain) == 1 else None


def _find_training(names: Collection[Tags], inference: Tags) -> Tags | None:
    for base in (inference, inference - _INFERENCE_MARKS):
        for mark in TRAINING_MARKS:
            if base | {mark} in names and base | {mark} != inference:
                return base | {mark}
    return None


def _missing_weights(program: Program, legacy: LegacyModule) -> str | None:
    """Why the checkpoint cannot serve what the variant's signatures use, or None."""
    for variable in reachable_variables(program):
        try:
            legacy.checkpoint.check(variable)
        except errors.WeightsError as error:
            return error.message
    return None


def reachable_variables(program: Program) -> list[VariableSpec]:
    """The variables that signatures, update ops or losses of the variant use."""
    refs = [
        ref
        for signature in program.signatures.values()
        for info in signature.outputs.values()
        for ref in info.components
    ]
    roots = {ref.node for ref in (*refs, *program.regularization_losses)}
    needed = query.reachable(program.nodes, roots.union(program.update_ops))
    return [spec for node, spec in program.variables.items() if node in needed]
