"""Assigns roles to graph variants: inference, training, others, and those that are unusable."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Collection, Iterable, Mapping

from converter import errors
from converter.formats.legacy_module import LegacyModule
from converter.ir import query
from converter.ir.graph import Program, VariableSpec
from converter.passes.prune_unreachable import needing_placeholders

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
      inference: The tag set that plain calls run; None if there are several candidates.
      training: The tag set that `training=True` runs, if there is one; `inference` itself if it
        has update ops and no training variant.
      others: The other tag sets that plain calls of named callables run.
      left_out: The unusable tag sets, each with the reason.
      trains_as: The training variants of tag sets other than `inference`.
    """

    inference: Tags | None
    training: Tags | None
    others: tuple[Tags, ...]
    left_out: Mapping[Tags, str]
    trains_as: Mapping[Tags, Tags] = dataclasses.field(default_factory=dict)

    def training_of(self, tags: Tags) -> Tags | None:
        """The training variant of `tags`, if there is one."""
        return self.training if tags == self.inference else self.trains_as.get(tags)

    def loss_variant(self, tags: Tags) -> Tags:
        """The tag set whose losses count for calls that run `tags`."""
        training = self.training_of(tags)
        return tags if training is None else training

    @property
    def used(self) -> tuple[Tags, ...]:
        """The tag sets that callables run."""
        found: dict[Tags, None] = {}
        for tags in (self.inference, *self.others):
            if tags is not None:
                found[tags] = found[self.loss_variant(tags)] = None
        return tuple(found)

    @property
    def training_graphs(self) -> frozenset[Tags]:
        """The tag sets that train another one."""
        pairs = [*self.trains_as.items(), (self.inference, self.training)]
        return frozenset(twin for tags, twin in pairs if twin is not None and twin != tags)


def format_tags(tags: Collection[str]) -> str:
    """Prints a tag set: `{bs8, gen}`, or `{}` for the empty one."""
    return "{" + ", ".join(sorted(tags)) + "}"


def format_option(option: str, value: str | Tags) -> str:
    """Prints an option of `tf1hub convert` as users type it: `--tags bs8,gen`, `--tags ''`."""
    text = value if isinstance(value, str) else ",".join(sorted(value))
    return f"{option} {shlex.quote(text)}"


def choose_variants(
    legacy: LegacyModule,
    tags: Collection[str] | None = None,
    training_tags: Collection[str] | None = None,
) -> VariantChoice:
    """Assigns a role to every graph variant.

    Args:
      legacy: The module.
      tags: The tag set for inference, if the user names one.
      training_tags: The tag set for training, if the user names one.

    Raises:
      UsageError: if the module has no graph variant with the tags named.
      WeightsError: if the checkpoint lacks variables of the inference variant.
    """
    names = list(legacy.variants)
    inference = _find_inference(names) if tags is None else _named(names, tags)
    wanted = None if training_tags is None else _named(names, training_tags)
    left_out = {
        name: reason
        for name, program in legacy.variants.items()
        if (reason := _missing_weights(program, legacy))
    }
    needed = [inference, wanted] if len(left_out) < len(names) else names
    for variant in needed:
        if variant in left_out:
            raise errors.WeightsError(
                f"graph variant {format_tags(variant or ())} cannot be used: {left_out[variant]}",
                remedy="Copy the module again, or choose another variant with --tags.",
            )
    usable = {name: legacy.variants[name] for name in names if name not in left_out}
    return _assign_roles(usable, inference, wanted, left_out)


def _assign_roles(
    usable: Mapping[Tags, Program],
    inference: Tags | None,
    training: Tags | None,
    left_out: Mapping[Tags, str],
) -> VariantChoice:
    """Pairs the tag sets that have no role yet; those without a partner may train themselves."""
    if training is None and inference is not None:
        others = [name for name in usable if name != inference]
        training = _find_twin(others, inference) or _find_twin(others, inference - _INFERENCE_MARKS)
    rest = sorted((name for name in usable if name not in (inference, training)), key=sorted)
    twins = _pair_up(rest)
    self_trained = {name: name for name in usable if has_runnable_updates(usable[name])}
    if training is None and inference in self_trained:
        training = inference
    return VariantChoice(
        inference,
        training,
        tuple(name for name in rest if name not in twins.values()),
        left_out,
        {name: twin for name, twin in {**self_trained, **twins}.items() if name != inference},
    )


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


def _find_twin(names: Collection[Tags], base: Tags) -> Tags | None:
    """Returns the first of `names` that is `base` with a training mark."""
    return next((base | {mark} for mark in TRAINING_MARKS if base | {mark} in names), None)


def _pair_up(names: Collection[Tags]) -> dict[Tags, Tags]:
    """Returns the training variant of each tag set that has one.

    Tag sets that differ in the training mark alone are paired first, then those of which one has
    an inference mark.
    """
    twins: dict[Tags, Tags] = {}
    plain = [name for name in names if not name.intersection(TRAINING_MARKS)]
    for marks in (frozenset[str](), _INFERENCE_MARKS):
        for name in plain:
            free = [n for n in names if n != name and n not in twins.values()]
            twin = _find_twin(free, name - marks)
            if name not in twins and twin is not None:
                twins[name] = twin
    return twins


def has_runnable_updates(program: Program) -> bool:
    """Whether some signature has all inputs that one of the update ops needs."""
    updates = set(program.update_ops)
    fed = [
        {ref for info in signature.inputs.values() for ref in info.components}
        for signature in program.signatures.values()
    ]
    return bool(updates) and any(updates - needing_placeholders(program, refs) for refs in fed)


def _missing_weights(program: Program, legacy: LegacyModule) -> str | None:
    """Returns why the checkpoint lacks a variable that the variant uses, or None."""
    for variable in reachable_variables(program):
        try:
            legacy.checkpoint.check(variable)
        except errors.WeightsError as error:
            return error.message
    return None


def merge_variables(programs: Iterable[Program]) -> dict[str, VariableSpec]:
    """Returns the variables of graph variants by TF1 name, trainable if any variant says so."""
    found: dict[str, VariableSpec] = {}
    for program in programs:
        for spec in program.variables.values():
            known = found.setdefault(spec.name, spec)
            if spec.trainable and not known.trainable:
                found[spec.name] = dataclasses.replace(known, trainable=True)
    return found


def reachable_variables(program: Program) -> list[VariableSpec]:
    """Returns the variables that signatures, update ops or losses of the variant use."""
    refs = [
        ref
        for signature in program.signatures.values()
        for info in signature.outputs.values()
        for ref in info.components
    ]
    roots = {ref.node for ref in (*refs, *program.regularization_losses)}
    needed = query.reachable(program.nodes, roots.union(program.update_ops))
    return [spec for node, spec in program.variables.items() if node in needed]
