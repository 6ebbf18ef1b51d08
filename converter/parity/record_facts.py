"""The facts in the record of a conversion, as comparable texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from converter.compile.conventions import Spelling
from converter.compile.plan import ModulePlan
from converter.export.record import Record, SpellingInfo
from converter.formats.legacy_module import LegacyModule
from converter.parity.observation import VariableFacts


def read_record_facts(record: Record) -> dict[str, str]:
    """Returns the facts of a record."""
    variables = {
        f"variable {variable.name}": _variable(variable.dtype, variable.shape, variable.trainable)
        for variable in record.variables
    }
    callables = {
        f"callable {name}": _callable(
            part.signature, part.tags, part.training_tags, part.inputs, part.hparams, part.outputs
        )
        for name, part in record.callables.items()
    }
    told = record.conventions
    text = _conventions({}, ()) if told is None else _conventions(told.endpoints, told.spellings)
    return {"root": str(record.root), "conventions": text, **callables, **variables}


def expected_record_facts(
    legacy: LegacyModule, plan: ModulePlan, variables: Mapping[str, VariableFacts]
) -> dict[str, str]:
    """The facts that the record of a module should have."""
    callables = {
        f"callable {name}": _callable(
            part.signature,
            sorted(part.tags),
            None if part.training_tags is None else sorted(part.training_tags),
            part.inputs,
            [hparam.keyword for hparam in part.hparams],
            legacy.variants[part.tags].signatures[part.signature].outputs,
        )
        for name, part in plan.callables.items()
    }
    described = {
        f"variable {name}": _variable(facts.dtype, facts.shape, facts.trainable)
        for name, facts in variables.items()
    }
    spellings = () if plan.root is None else plan.callables[plan.root].spellings
    conventions = _conventions(plan.endpoints, spellings)
    return {"root": str(plan.root), "conventions": conventions, **callables, **described}


def _conventions(
    endpoints: Mapping[str, bool], spellings: Iterable[Spelling | SpellingInfo]
) -> str:
    written = [f"{s.kind} {dict(s.inputs)} to {dict(s.outputs)}" for s in spellings]
    return f"endpoints {dict(endpoints)}, spellings {written}"


def _variable(dtype: str, shape: Iterable[int | None] | None, trainable: bool) -> str:
    listed = "unknown" if shape is None else list(shape)
    return f"{dtype} {listed} {'trainable' if trainable else 'not trainable'}"


def _callable(
    signature: str,
    tags: Iterable[str],
    training_tags: Iterable[str] | None,
    inputs: Iterable[str],
    hparams: Iterable[str],
    outputs: Iterable[str],
) -> str:
    training = "" if training_tags is None else f", training {sorted(training_tags)}"
    return (
        f"{signature!r} of {sorted(tags)}{training}: takes {sorted(inputs)},"
        f" optionally {sorted(hparams)}, returns {sorted(outputs)}"
    )
