"""Runs all cases in the TF1 graph, choosing inputs that it takes."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Iterator

from converter.assemble.plan import ModulePlan
from converter.formats.legacy_module import LegacyModule
from converter.parity.cases import Case, CaseMaker, PlannedCase, plan_cases
from converter.parity.generate import ATTEMPTS, UnmakeableError
from converter.parity.legacy_runner import LegacyFailure, LegacyRunner
from converter.parity.observation import Loss, Observation, VariableFacts
from converter.parity.report import NotCompared
from converter.parity.values import has_nan


class Original:
    """The TF1 side of a comparison.

    Attributes:
      cases: The cases that ran.
      observations: What they showed.
      not_compared: What did not run, and why.
    """

    def __init__(self, legacy: LegacyModule, plan: ModulePlan, maker: CaseMaker) -> None:
        self._legacy = legacy
        self._plan = plan
        self._maker = maker
        self._runner = LegacyRunner(legacy)
        self.cases: list[Case] = []
        self.observations: list[Observation] = []
        self.not_compared: list[NotCompared] = []

    def run(self, tell: Callable[[str], None]) -> None:
        """Runs all cases."""
        for planned in plan_cases(self._plan):
            tell(f"running {planned.name} in TF1")
            self._run_case(planned)

    def _run_case(self, planned: PlannedCase) -> None:
        """Takes the first inputs that run without NaN, or else the first that run at all."""
        fallback: tuple[Case, Observation] | None = None
        reason = ""
        for attempt in ATTEMPTS:
            try:
                case = self._maker.make(planned, attempt)
                observation = self._runner.observe(case)
            except (LegacyFailure, UnmakeableError) as failure:
                reason = reason or str(failure)
                continue
            fallback = fallback or (case, observation)
            if not any(map(has_nan, observation.outputs.values())):
                fallback = (case, observation)
                break
        if fallback is None:
            self.not_compared.append(NotCompared(planned.name, reason))
            return
        self._keep(*fallback)

    def _keep(self, case: Case, observation: Observation) -> None:
        self.cases.append(case)
        self.observations.append(observation)
        if observation.gradient_error:
            why = f"the original has none: {observation.gradient_error}"
            self.not_compared.append(NotCompared(f"gradients of {case.name}", why))
        for name, why in observation.uncomparable_gradients.items():
            self.not_compared.append(NotCompared(f"gradient of {case.name} by {name!r}", why))
        if case.served_as is not None and not case.is_served:
            why = "TensorFlow's Python API cannot call one with an input named 'self'"
            self.not_compared.append(NotCompared(f"serving signature {case.served_as!r}", why))

    def uncovered(self) -> tuple[str, ...]:
        """The callables of which no case ran."""
        covered = {case.attribute for case in self.cases}
        return tuple(name for name in self._plan.callables if name not in covered)

    def variables(self) -> dict[str, VariableFacts]:
        """The variables of all graph variants."""
        chosen = self._plan.variants
        pair = [tags for tags in (chosen.inference, chosen.training) if tags is not None]
        found: dict[str, VariableFacts] = {}
        for tags in (*pair, *chosen.others):
            for name, facts in self._runner.variables(tags).items():
                trainable = facts.trainable or (name in found and found[name].trainable)
                found[name] = dataclasses.replace(facts, trainable=trainable)
        return found

    def losses(self) -> tuple[Loss, ...]:
        """The losses of the training variant, else of the inference one, else of all."""
        chosen = self._plan.variants
        tags = chosen.training if chosen.training is not None else chosen.inference
        variants = chosen.others if tags is None else (tags,)
        return tuple(loss for variant in variants for loss in self._runner.losses(variant))

    def notes(self) -> Iterator[str]:
        """What was changed so that the two can be compared."""
        counts = collections.Counter(self._runner.random_ops())
        if counts:
            ops = ", ".join(f"{op} ({count})" for op, count in counts.items())
            yield f"random ops were made deterministic on both sides: {ops}"
        overrides = sum(len(graph.overrides) for graph in self._runner.graphs)
        if overrides:
            yield (
                f"{overrides} gradient overrides of the TF1 graph are names of Python functions"
                " that no file holds: gradients that come through them are not compared"
            )
        gather_trees = sum(graph.gather_trees for graph in self._runner.graphs)
        if gather_trees:
            yield (
                f"GatherTree ({gather_trees}), an op of tf.contrib that TensorFlow 2 lacks, was"
                " computed by NumPy in the TF1 graph"
            )
