"""Compares a converted module with its original, by running both."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from converter import errors
from converter.compile.plan import ModulePlan, make_plan
from converter.compile.plan_options import PlanOptions
from converter.compile.trainable import choose_trainable
from converter.export.record import read_record
from converter.export.saved_model import quiet_tensorflow
from converter.files.paths import Path, as_path
from converter.files.source_files import digest
from converter.formats.hub_module import read_saved_model
from converter.formats.legacy_module import LegacyModule
from converter.formats.registry import read_module
from converter.parity.cases import CaseMaker
from converter.parity.checks import run_checks
from converter.parity.converted_process import run_in_every_way
from converter.parity.converted_runner import Request
from converter.parity.evidence import Evidence, Tolerances
from converter.parity.graph_constants import find_invented
from converter.parity.original import Original
from converter.parity.record_facts import expected_record_facts, read_record_facts
from converter.parity.report import ParityReport
from converter.parity.source_facts import read_served_signatures
from converter.parity.user_inputs import check_inputs
from converter.safety.allowed_ops import NONE, AllowedOps

StrPath = str | os.PathLike[str]
Progress = Callable[[str], None]


def verify(
    source: StrPath,
    destination: StrPath,
    *,
    inputs: Mapping[str, Any] | None = None,
    rtol: float | None = None,
    atol: float | None = None,
    import_ops: Sequence[str] = (),
    allow_op: Sequence[str] = (),
    progress: Progress | None = None,
    fresh_process: bool = True,
) -> ParityReport:
    """Runs a TF1 module and its conversion on the same inputs, and compares them.

    Args:
      source: The TF1 module.
      destination: The converted module.
      inputs: Arrays to use in place of generated ones, by `<input>` or `<signature>/<input>`.
      rtol: Relative tolerance of floats, instead of the default for their dtype.
      atol: Absolute tolerance of floats, instead of the default for their dtype.
      import_ops: Packages to import first, for the ops that they register.
      allow_op: Ops of the original to let through that could do harm, beside those in the record.
      progress: Called with the next step, in a few words.
      fresh_process: Whether the converted module runs in another process, free of the original.

    Returns:
      The report. A difference is not an error: look at `verdict`.

    Raises:
      ConversionError: if the two cannot be compared.
    """
    target, tell = as_path(destination), progress or (lambda _: None)
    with quiet_tensorflow():
        allowed = AllowedOps(tuple(allow_op), unknown=bool(import_ops))
        original = run_original(source, target, inputs, tell, allowed)
        tell("running the converted module")
        return judge(
            original,
            target,
            tolerances=Tolerances(rtol, atol),
            import_ops=tuple(import_ops),
            fresh_process=fresh_process,
        )


def run_original(
    source: StrPath,
    target: Path,
    inputs: Mapping[str, Any] | None = None,
    tell: Progress = lambda _: None,
    allowed: AllowedOps = NONE,
) -> Original:
    """Runs all that `target` should offer in the TF1 module that it was converted from.

    Ops that could do harm reach TensorFlow only if they are allowed, or were at the conversion.

    Raises:
      ConversionError: if it was not, or the original does not run.
    """
    options = read_record(target).options
    legacy = choose_trainable(read_module(source), options.get("trainable"))
    plan = read_plan(legacy, target)
    arrays = check_inputs(inputs, legacy, verify=True)
    let_through = options.get("allow_op") or ()
    allowed = AllowedOps((*allowed.names, *let_through), unknown=allowed.unknown)
    trainable = options.get("trainable")
    original = Original(legacy, plan, CaseMaker(legacy, arrays), allowed, trainable)
    original.run(tell)
    return original


def judge(
    original: Original,
    target: Path,
    *,
    tolerances: Tolerances,
    import_ops: tuple[str, ...] = (),
    fresh_process: bool = True,
) -> ParityReport:
    """Runs a converted module as its original was run, and compares the two.

    Raises:
      ParityError: if it does not run at all.
    """
    evidence = gather_evidence(
        original,
        target,
        tolerances=tolerances,
        import_ops=import_ops,
        fresh_process=fresh_process,
    )
    return ParityReport(
        rows=run_checks(evidence),
        not_compared=tuple(original.not_compared),
        random_ops=original.random_ops(),
        notes=tuple(original.notes()),
        rtol=tolerances.rtol,
        atol=tolerances.atol,
    )


def gather_evidence(
    original: Original,
    target: Path,
    *,
    tolerances: Tolerances,
    import_ops: tuple[str, ...] = (),
    fresh_process: bool = True,
) -> Evidence:
    """Runs a converted module as its original was run, and reads its files.

    Raises:
      ParityError: if it does not run at all.
    """
    request = _make_request(original, target, import_ops)
    record, saved_model = read_record_facts(read_record(target)), read_saved_model(target)
    variables = original.variables()
    observations = run_in_every_way(request, fresh_process=fresh_process)
    return Evidence(
        plan=original.plan,
        cases=tuple(original.cases),
        expected=tuple(original.observations),
        actual=observations.cases,
        variables=variables,
        losses=original.losses,
        facts=observations.facts,
        copy_facts=observations.copy_facts,
        expected_record=expected_record_facts(original.legacy, original.plan, variables),
        record=record,
        source_files=_digest_assets(original.legacy.directory, _asset_names(original)),
        files=_digest_assets(target, _names_below(target / "assets")),
        source=original.source,
        offered=original.offered(),
        signatures=read_served_signatures(saved_model),
        invented=find_invented(saved_model, original.ingredients),
        tolerances=tolerances,
    )


def _make_request(original: Original, target: Path, import_ops: tuple[str, ...]) -> Request:
    has_mutable_tables = any(
        program.nodes[table].op.startswith("Mutable")
        for program in original.legacy.variants.values()
        for table in program.tables
    )
    return Request(
        directory=str(target),
        cases=tuple(original.cases),
        attributes=tuple(original.plan.callables),
        import_ops=import_ops,
        reload=has_mutable_tables,
    )


def read_plan(legacy: LegacyModule, target: Path) -> ModulePlan:
    """Plans what `target` should offer, by the options in its record.

    Raises:
      ParityError: if it has no record, or that of another module.
    """
    record = read_record(target)
    if record.source.digest != digest(legacy.directory):
        raise errors.ParityError(
            f"{target} was not converted from {legacy.directory} as it is now",
            remedy="Convert it again, or name the module that it was converted from.",
        )
    try:
        chosen = PlanOptions(
            tags=record.options["tags"],
            training_tags=record.options["training_tags"],
            call_signature=record.options["call_signature"],
            # The first results follow none.
            conventions=record.conventions is not None and record.options.get("conventions", True),
        )
    except KeyError as error:
        raise errors.ParityError(
            f"the record of {target} has no option {error}",
            remedy="Convert the module again with this version.",
        ) from error
    plan = make_plan(legacy, chosen)
    return dataclasses.replace(plan, endpoints={}) if record.conventions is None else plan


def _asset_names(original: Original) -> list[str]:
    """The assets that graph variants of the plan name."""
    used = [original.legacy.variants[tags] for tags in original.plan.variants.used]
    return sorted({asset.filename for program in used for asset in program.assets.values()})


def _names_below(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(str(path.relative_to(folder)) for path in _walk(folder))


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir():
            yield from _walk(path)
        else:
            yield path


def _digest_assets(directory: Path, names: Sequence[str]) -> dict[str, str]:
    found = {name: directory / "assets" / name for name in names}
    return {
        f"assets/{name}": hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in found.items()
        if path.is_file()
    }
