"""Runs all cases in the TF1 graph, choosing inputs that it takes."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping

import tensorflow as tf

from converter import errors
from converter.compile.plan import ModulePlan
from converter.compile.variants import Tags
from converter.files.byte_progress import Amount
from converter.formats.hub_module import read_saved_model
from converter.formats.legacy_module import LegacyModule
from converter.ir.counts import count_control_flow
from converter.parity.cases import Case, CaseMaker, PlannedCase, plan_cases
from converter.parity.generate import (
    ATTEMPTS,
    SMALL_BATCHES,
    Attempt,
    UnmakeableError,
    attempts_at_sizes,
)
from converter.parity.graph_constants import find_ingredients
from converter.parity.legacy_failure import LegacyFailure, UnrepeatableError
from converter.parity.legacy_needs import needs_of_cases
from converter.parity.legacy_runner import LegacyRunner
from converter.parity.legacy_tables import restore_tables
from converter.parity.observation import Loss, Observation, VariableFacts, digest
from converter.parity.source_facts import read_source_facts
from converter.parity.values import has_nan, to_parts
from converter.parity.verdict import NotCompared
from converter.quantities import count
from converter.safety.allowed_ops import NONE, AllowedOps

# Of the inputs of a call: nested branches may ask for both, in any combination.
_VARIATIONS: Mapping[str, Mapping[str, bool]] = {
    "opposite numbers": {"opposite": True},
    "opposite flags": {"flipped": True},
    "opposite inputs": {"opposite": True, "flipped": True},
}
_MOST_SIZES = 12  # Each is tried in three ways, and each way runs the graph.


class Original:
    """The TF1 side of a comparison.

    Attributes:
      legacy: The module.
      plan: What its conversion should offer.
      cases: The cases that ran.
      observations: One for each case.
      not_compared: The calls that did not run, and why.
      source: The facts in the module's files.
      ingredients: The constants, seeds and comparisons of its graphs.
    """

    def __init__(
        self,
        legacy: LegacyModule,
        plan: ModulePlan,
        maker: CaseMaker,
        allowed: AllowedOps = NONE,
        trainable: str | None = None,
    ) -> None:
        self.legacy = legacy
        self.plan = plan
        self._maker = maker
        self._planned = tuple(plan_cases(plan))
        self._runner = LegacyRunner(legacy, needs_of_cases(legacy, plan, self._planned), allowed)
        saved_model = read_saved_model(legacy.directory)
        self.source = read_source_facts(saved_model, is_hub_module=legacy.is_hub_module)
        self._trainable = trainable
        if not legacy.is_hub_module:
            for graph in saved_model.meta_graphs:
                restore_tables(graph, legacy.checkpoint)
        self.ingredients = find_ingredients(saved_model)
        self.cases: list[Case] = []
        self.observations: list[Observation] = []
        self.not_compared: list[NotCompared] = []
        self.losses: tuple[Loss, ...] = ()

    def run(self, tell: Callable[[str], None]) -> None:
        """Runs all cases and losses.

        Raises:
          ParityError: if a graph variant does not even load, as when making a variable needs an
            input.
        """
        total = len(self._planned)
        for done, planned in enumerate(self._planned):
            what = f"running {planned.name} in TF1"
            tell(Amount.of(f"{what} ({done + 1} of {total})", what, done, total))
            self._run_case(planned)
        try:
            self.losses = self._run_losses()
        except LegacyFailure as failure:
            raise errors.ParityError(f"the original does not run: {failure}") from failure

    def _run_case(self, planned: PlannedCase) -> None:
        """Takes the first inputs that run without NaN, or else the first that run at all.

        Where there are branches, others as well: what no input takes, none can compare.
        """
        fallback: tuple[Case, Observation] | None = None
        chosen = ATTEMPTS[0]
        reasons: list[str] = []
        for attempt in self._attempts(planned):
            if fallback is not None and attempt not in ATTEMPTS:
                break
            try:
                case = self._maker.make(planned, attempt)
                observation = self._runner.observe(case)
            except UnrepeatableError as failure:
                self.not_compared.append(NotCompared(planned.name, "all", str(failure)))
                return
            except (LegacyFailure, UnmakeableError) as failure:
                reasons.append(str(failure))
                continue
            is_sound = not any(map(has_nan, observation.outputs.values()))
            if fallback is None or is_sound:
                fallback, chosen = (case, observation), attempt
            if is_sound:
                break
        if fallback is None:
            self.not_compared.append(self._describe_failure(planned, reasons[0]))
            return
        self._keep(*fallback)
        if count_control_flow(self.legacy.variants[planned.tags])["conditionals"]:
            self._vary(planned, fallback[0], chosen)

    def _describe_failure(self, planned: PlannedCase, reason: str) -> NotCompared:
        origin = "given" if self._maker.has_own(planned) else "generated"
        why = f"the original does not run with the {origin} inputs: {reason}"
        return NotCompared(planned.name, "all", why, self._maker.describe_inputs(planned))

    def _vary(self, planned: PlannedCase, first: Case, attempt: Attempt) -> None:
        """Runs the call with other inputs, as far as the graph takes them."""
        seen = [_digests(first)]
        for variation, changes in _VARIATIONS.items():
            with contextlib.suppress(LegacyFailure, UnmakeableError):
                case = self._maker.make(planned, dataclasses.replace(attempt, **changes))
                if _digests(case) not in seen:
                    seen.append(_digests(case))
                    named = dataclasses.replace(case, variation=variation)
                    self._keep(named, self._runner.observe(case))

    def _attempts(self, planned: PlannedCase) -> Iterator[Attempt]:
        yield from ATTEMPTS
        yield from SMALL_BATCHES
        yield from attempts_at_sizes(self._maker.sizes(planned)[:_MOST_SIZES])

    def _keep(self, case: Case, observation: Observation) -> None:
        draws, differentiated = bool(observation.drawn), observation.differentiated
        self.cases.append(dataclasses.replace(case, draws=draws, differentiated=differentiated))
        self.observations.append(observation)
        self.not_compared += _lacking_gradients(case, observation)

    def offered(self) -> frozenset[tuple[Tags, str]]:
        """The graph variants and signatures of all calls, whether they ran or not."""
        return frozenset((planned.tags, planned.plan.signature) for planned in self._planned)

    def random_ops(self) -> dict[str, int]:
        """How many random ops of each kind the cases ran, and were replaced."""
        return dict(sorted(collections.Counter(self._runner.random_ops()).items()))

    def variables(self) -> dict[str, VariableFacts]:
        """The variables of all graph variants."""
        used = self.plan.variants.used
        trainable = frozenset().union(*self.source.trainable.values())
        return {
            name: dataclasses.replace(facts, trainable=self._is_trained(name, facts, trainable))
            for tags in used
            for name, facts in self._runner.variables(tags).items()
            if name in self.source.variables[tags]
        }

    def _is_trained(self, name: str, facts: VariableFacts, listed: frozenset[str]) -> bool:
        """Whether the file lists a variable as trainable, or else the user's pattern names it."""
        if listed or self._trainable is None:
            return name in listed
        dtype = tf.as_dtype(facts.dtype)
        is_number = dtype.is_floating or dtype.is_complex
        return is_number and re.search(self._trainable, name) is not None

    def _run_losses(self) -> tuple[Loss, ...]:
        """The losses of the variants that some callable trains with."""
        variants = self.plan.variants
        trained = {variants.loss_variant(p.tags): None for p in self.plan.callables.values()}
        return tuple(loss for tags in trained for loss in self._runner.losses(tags))

    def notes(self) -> Iterator[str]:
        """The changes to the TF1 graph that let it run here."""
        for graph in self._runner.graphs:
            left_out = len(graph.reduction.left_out)
            if left_out:
                were = "was" if left_out == 1 else "were"
                yield (
                    f"{count(left_out, 'node')} of the TF1 graph that no call runs {were} left out"
                    f" before TensorFlow imported it: {graph.reduction.reason}"
                )
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


def _digests(case: Case) -> dict[str, str]:
    return {name: digest(array) for name, array in to_parts(case.inputs).items()}


def _lacking_gradients(case: Case, observation: Observation) -> Iterator[NotCompared]:
    lost = observation.gradients_lost
    lacking = {f"gradients of output {k}": v for k, v in observation.undifferentiated.items()}
    if observation.gradient_error:
        lacking["gradients"] = observation.gradient_error
    for what, error in lacking.items():
        why = error if lost else f"the original has none: {error}"
        yield NotCompared(case.name, what, why, leaves_open=lost)
    reasons = collections.defaultdict(list)
    for variable, reason in observation.unresolved.items():
        reasons[reason].append(variable)
    for reason, variables in reasons.items():
        yield NotCompared(case.name, f"gradients of {', '.join(variables)}", reason)
