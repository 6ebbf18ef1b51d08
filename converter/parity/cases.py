"""The calls to compare: every callable of the converted module, in every training mode."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np
import tensorflow as tf

from converter.assemble.signatures import SERVING_DEFAULT
from converter.compile.conventions import Spelling
from converter.compile.plan import CallablePlan, HparamPlan, ModulePlan, has_endpoints
from converter.compile.signature_names import python_names, serving_names
from converter.compile.variants import Tags
from converter.formats.legacy_module import LegacyModule
from converter.ir.graph import Program, TensorInfo, TensorRef
from converter.parity.generate import (
    Attempt,
    Siblings,
    differing_scalar,
    generate,
    generate_triplet,
)
from converter.parity.sparse_triplets import find_triplets, rank_of
from converter.parity.user_inputs import describe_keys, find_value
from converter.parity.uses import Use, UseFinder
from converter.parity.values import Value


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """One call of one callable, and the TF1 signature that it stands for.

    Attributes:
      attribute: The callable, as an attribute of the converted module.
      signature: The TF1 signature.
      source: The TF1 signature that names all inputs.
      tags: The graph variant.
      training: Whether it is a training call.
      inputs: All values that are given, by TF1 name.
      positional: The inputs that are given as the callable's first argument.
      keywords: The hyperparameters that are given: keywords to TF1 names.
      takes_training: Whether the callable has argument `training`.
      takes_endpoints: Whether the callable has argument `return_endpoints`.
      is_root: Whether the module itself is this callable.
      served_as: The serving signatures that stand for the same call.
      serving_inputs: What those take, by TF1 name.
      serving_keywords: What a Python call of them gives instead of names that it cannot say.
      draws: Whether it runs random ops, which are replaced then.
      variation: How its inputs differ from those of the same call before it, so that it may take
        other branches; empty for the first.
      conventions: The ways to make the same call of the module itself by the names of TF2 models:
        its attributes and, by their kinds, spellings of the inputs.
      differentiated: The outputs whose gradients are compared, where TF1 has none of all outputs
        together; empty for all.
    """

    attribute: str
    signature: str
    source: str
    tags: Tags
    training: bool
    inputs: Mapping[str, Value]
    positional: tuple[str, ...]
    keywords: Mapping[str, str]
    takes_training: bool
    takes_endpoints: bool
    is_root: bool = False
    served_as: tuple[str, ...] = ()
    serving_inputs: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    serving_keywords: Mapping[str, str] = dataclasses.field(default_factory=dict)
    draws: bool = False
    variation: str = ""
    conventions: Mapping[str, Spelling | None] = dataclasses.field(default_factory=dict)
    differentiated: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """A short text that tells the case from others."""
        named = name_case(self.attribute, training=self.training, hparams=bool(self.keywords))
        return f"{named}, {self.variation}" if self.variation else named


def name_case(attribute: str, *, training: bool, hparams: bool) -> str:
    """Names a call: `default, training, with hparams`."""
    training_part = ["training"] if training else []
    return ", ".join([attribute, *training_part, *(["with hparams"] if hparams else [])])


@dataclasses.dataclass(frozen=True, slots=True)
class PlannedCase:
    """A case without its inputs."""

    plan: CallablePlan
    training: bool
    gives_hparams: bool
    is_root: bool
    served_as: tuple[str, ...]
    endpoints: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """A short text that tells the case from others."""
        return name_case(self.plan.attribute, training=self.training, hparams=self.gives_hparams)

    @property
    def tags(self) -> Tags:
        """The graph variant that it runs."""
        trains = self.training and self.plan.training_tags is not None
        return self.plan.training_tags or frozenset() if trains else self.plan.tags


def plan_cases(plan: ModulePlan) -> Iterator[PlannedCase]:
    """All calls that verifying a module makes."""
    served = serving_names(plan)
    for callable_plan in plan.callables.values():
        for training in plan.training_modes(callable_plan):
            served_as = () if training else _serving_names(plan, served, callable_plan.attribute)
            is_root = callable_plan.attribute == plan.root
            endpoints = tuple(
                name for name, trains in plan.endpoints.items() if is_root and trains is training
            )
            yield PlannedCase(callable_plan, training, False, is_root, served_as, endpoints)
            if callable_plan.hparams:
                yield PlannedCase(callable_plan, training, True, is_root, (), endpoints)


def _serving_names(plan: ModulePlan, served: Mapping[str, str], attribute: str) -> tuple[str, ...]:
    """The signature's own name, and `serving_default` for the root, unless another has it."""
    if attribute not in served:
        return ()
    is_default = attribute == plan.root and SERVING_DEFAULT not in served.values()
    return (served[attribute], SERVING_DEFAULT) if is_default else (served[attribute],)


class CaseMaker:
    """Fills planned cases with inputs.

    Args:
      legacy: The module.
      arrays: The user's own arrays, used in place of generated ones where a key matches.
    """

    def __init__(self, legacy: LegacyModule, arrays: Mapping[str, np.ndarray]) -> None:
        self._legacy = legacy
        self._arrays = arrays
        self._finders: dict[Tags, UseFinder] = {}

    def make(self, planned: PlannedCase, attempt: Attempt) -> Case:
        """Makes a case.

        Raises:
          UnmakeableError: if no values can be generated for an input.
          UsageError: if the user's value of an input does not fit.
        """
        plan = planned.plan
        program = self._legacy.variants[planned.tags]
        infos = known_inputs(program, plan)
        hparams = [h for h in plan.hparams if planned.gives_hparams and h.input in infos]
        values: dict[str, Value] = {}
        made = self._make_triplets(planned, program, infos, attempt)
        for name in (*plan.inputs, *(h.input for h in hparams)):
            hparam = next((h for h in hparams if h.input == name), None)
            key = infos[name].components
            # Two inputs may be one tensor, which can have one value only.
            if key not in made:
                made[key] = self._value(planned, program, infos, name, hparam, attempt)
            values[name] = made[key]
        return Case(
            attribute=plan.attribute,
            signature=plan.signature,
            source=plan.source,
            tags=planned.tags,
            training=planned.training,
            inputs=values,
            positional=plan.inputs,
            keywords={h.keyword: h.input for h in hparams},
            takes_training=plan.training_tags is not None,
            takes_endpoints=has_endpoints(self._legacy.variants[plan.tags], plan),
            is_root=planned.is_root,
            served_as=planned.served_as,
            serving_inputs=self._serving_inputs(planned, program, values, attempt),
            serving_keywords=python_names(program.signatures[plan.signature]),
            conventions={
                **dict.fromkeys(planned.endpoints),
                **{spelling.kind: spelling for spelling in plan.spellings},
            },
        )

    def sizes(self, planned: PlannedCase) -> list[int]:
        """The sizes that the graph behind the inputs shows, the most likely first."""
        program = self._legacy.variants[planned.tags]
        infos = known_inputs(program, planned.plan)
        refs = [ref for name in planned.plan.inputs for ref in infos[name].components]
        return self._finder(program).sizes(refs)

    def has_own(self, planned: PlannedCase) -> bool:
        """Whether the user gave any of the inputs."""
        plan = planned.plan
        infos = known_inputs(self._legacy.variants[planned.tags], plan)
        own = (find_value(self._arrays, plan.signature, k, infos[k]) for k in plan.inputs)
        return any(value is not None for value in own)

    def describe_inputs(self, planned: PlannedCase) -> str:
        """Says what a user has to pass where no generated inputs will do."""
        plan = planned.plan
        infos = known_inputs(self._legacy.variants[planned.tags], plan)
        keys = [
            key for name in plan.inputs for key in describe_keys(plan.signature, name, infos[name])
        ]
        if not keys:
            return ""
        return f"Pass --inputs FILE.npz (in Python: inputs=) with {', '.join(keys)}."

    def _serving_inputs(
        self,
        planned: PlannedCase,
        program: Program,
        values: Mapping[str, Value],
        attempt: Attempt,
    ) -> dict[str, Value]:
        """A serving signature takes all inputs, those with defaults included."""
        if not planned.served_as:
            return {}
        infos = program.signatures[planned.plan.signature].inputs
        hparams = {h.input: h for h in planned.plan.hparams}
        return {
            name: values[name]
            if name in values
            else self._value(planned, program, infos, name, hparams.get(name), attempt)
            for name in infos
        }

    def _value(
        self,
        planned: PlannedCase,
        program: Program,
        infos: Mapping[str, TensorInfo],
        name: str,
        hparam: HparamPlan | None,
        attempt: Attempt,
    ) -> Value:
        info, signature = infos[name], planned.plan.signature
        own = find_value(self._arrays, signature, name, info)
        if own is not None:
            return own
        if hparam is not None and hparam.default is not None:
            # What the default becomes may not suit the graph; the default does.
            default = hparam.default if attempt.simple_ids else differing_scalar(hparam.default)
            return _scalar(default, info)
        siblings = find_siblings(infos, name, attempt)
        return generate(f"{signature}/{name}", info, self._use(program, info), attempt, siblings)

    def _make_triplets(
        self,
        planned: PlannedCase,
        program: Program,
        infos: Mapping[str, TensorInfo],
        attempt: Attempt,
    ) -> dict[tuple[TensorRef, ...], Value]:
        """Sparse tensors that are three dense inputs, unless the user gives them."""
        made: dict[tuple[TensorRef, ...], Value] = {}
        signature = planned.plan.signature
        given = {name: infos[name] for name in planned.plan.inputs}
        for triplet in find_triplets(given, self._finder(program).walk):
            parts = [infos[name] for name in dataclasses.astuple(triplet)]
            use = self._use(program, infos[triplet.values])
            seed = f"{signature}/{triplet.values}"
            arrays = generate_triplet(seed, parts, rank_of(triplet, infos), use, attempt)
            for name, part, array in zip(dataclasses.astuple(triplet), parts, arrays, strict=True):
                own = find_value(self._arrays, signature, name, part)
                made[part.components] = array if own is None else own
        return made

    def _use(self, program: Program, info: TensorInfo) -> Use:
        values = info.components[1] if info.kind.value == "sparse" else info.components[0]
        return self._finder(program).find(values)

    def _finder(self, program: Program) -> UseFinder:
        if program.tags not in self._finders:
            self._finders[program.tags] = UseFinder(self._legacy, program)
        return self._finders[program.tags]


def known_inputs(program: Program, plan: CallablePlan) -> dict[str, TensorInfo]:
    """All inputs of a callable, hyperparameters included."""
    own = program.signatures[plan.signature].inputs
    more = program.signatures[plan.source].inputs if plan.source in program.signatures else {}
    return {**more, **own}


def _scalar(value: bool | int | float | str, info: TensorInfo) -> np.ndarray:
    if isinstance(value, str):
        return np.array(value.encode(), dtype=object)
    return np.array(value).astype(tf.as_dtype(info.dtype).as_numpy_dtype)


def find_siblings(infos: Mapping[str, TensorInfo], name: str, attempt: Attempt) -> Siblings:
    """The sizes that the other inputs of a signature suggest for one."""
    sizes: dict[int, int] = {}
    for other, info in infos.items():
        for axis, size in enumerate(info.shape or ()):
            if other != name and size is not None:
                sizes.setdefault(axis, size)
    # Nothing but the name tells the lengths of sequences from other integers.
    longest = sizes.get(1, attempt.size) if "len" in name.lower() else None
    return Siblings(sizes, longest)
