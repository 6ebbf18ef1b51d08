"""Chooses the callable that the module itself runs when it is called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from converter import errors
from converter.compile.variants import format_option

if TYPE_CHECKING:
    from converter.compile.plan import CallablePlan

# The main signatures of modules without a `default`, the likelier ones first: BERT's, and TF Hub's
# common signatures (https://www.tensorflow.org/hub/common_signatures).
COMMON_SIGNATURES = ("serving_default", "tokens", "image_feature_vector", "image_classification")


def find_root(candidates: Sequence[CallablePlan]) -> CallablePlan | None:
    """Returns the obvious callable, or None if there is none.

    It runs the signature `default`; else it is the only one that takes inputs; else it runs a
    common signature.

    Args:
      candidates: The callables of the inference variant.
    """
    by_signature = {plan.signature: plan for plan in candidates}
    if "default" in by_signature:
        return by_signature["default"]
    # A signature that only adds hyperparameters to another one is the same computation.
    extended = {plan.source for plan in candidates if plan.source != plan.signature}
    with_inputs = {
        name: plan
        for name, plan in by_signature.items()
        if _takes_inputs(plan) and name not in extended
    }
    if len(with_inputs) == 1:
        return next(iter(with_inputs.values()))
    return next((with_inputs[name] for name in COMMON_SIGNATURES if name in with_inputs), None)


def get_root(candidates: Sequence[CallablePlan], signature: str) -> CallablePlan:
    """Returns the callable of the signature that the user names.

    Raises:
      UsageError: if there is none, or there are several.
    """
    found = [plan for plan in candidates if plan.signature == signature]
    if len(found) == 1:
        return found[0]
    if found:
        raise errors.UsageError(
            f"{len(found)} graph variants have a signature {signature!r}",
            remedy=f"Choose one: {_list_commands(found, by_tags=True)}.",
        )
    names = sorted({plan.signature for plan in candidates})
    raise errors.UsageError(
        f"the module has no signature {signature!r} to be called",
        remedy=f"It has {', '.join(map(repr, names))}.",
    )


def explain_no_root(candidates: Sequence[CallablePlan], *, by_tags: bool) -> str:
    """Returns a warning that says how to choose: by graph variant, or by signature."""
    callable_ = [plan for plan in candidates if _takes_inputs(plan)] or candidates
    commands = _list_commands(callable_, by_tags=by_tags)
    what = "graph variant" if by_tags else "signature"
    return (
        f"The module itself cannot be called: no {what} is the obvious one. Use its named callables"
        + (f", or choose one: {commands}." if commands else ".")
    )


def _takes_inputs(plan: CallablePlan) -> bool:
    return bool(plan.inputs or plan.hparams)


def _list_commands(candidates: Sequence[CallablePlan], *, by_tags: bool) -> str:
    commands = [
        format_option("--tags", plan.tags)
        if by_tags
        else format_option("--call-signature", plan.signature)
        for plan in candidates
    ]
    return " or ".join(dict.fromkeys(commands))
