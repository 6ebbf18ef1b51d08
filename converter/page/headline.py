"""The result of a migration in one line: how many modules are converted and proven equal."""

from __future__ import annotations

from converter.page.document import Totals


def describe_result(*, modules: int, converted: int, equal: int, not_compared: int) -> str:
    """Describes a migration: `63 of 73 modules converted, 61 proven equal, 2 not compared`.

    Args:
      modules: How many TF1 modules there are.
      converted: How many of them have a SavedModel.
      equal: How many SavedModels were proven equal to their originals.
      not_compared: How many were compared, and not in full.
    """
    parts = [_describe_converted(modules, converted)]
    if converted:
        parts += _describe_proofs(modules, converted, equal, not_compared)
    return ", ".join(parts)


def describe_totals(totals: Totals) -> str:
    """Describes the migration that a report is of."""
    return describe_result(
        modules=totals.legacy,
        converted=totals.saved_models,
        equal=totals.equal,
        not_compared=totals.counts.get("not_compared", 0),
    )


def _describe_converted(modules: int, converted: int) -> str:
    if converted < modules or not modules:
        noun = "module" if modules == 1 else "modules"
        return f"{converted:,} of {modules:,} {noun} converted"
    return f"All {modules:,} modules converted" if modules > 1 else "The one module converted"


def _describe_proofs(modules: int, converted: int, equal: int, not_compared: int) -> list[str]:
    if modules == converted == equal:
        return ["proven equal" if converted == 1 else "all proven equal"]
    if not equal + not_compared:
        return ["not verified" if converted == 1 else "none of them verified"]
    counts = {
        "proven equal": equal,
        "not compared": not_compared,
        "not verified": max(0, converted - equal - not_compared),
    }
    return [f"{n:,} {what}" for what, n in counts.items() if n or what == "proven equal"]
