"""Makes variables trainable that the user names, where the module does not say which are."""

from __future__ import annotations

import dataclasses
import re

from converter import errors
from converter.formats.legacy_module import LegacyModule
from converter.ir import op_facts
from converter.ir.graph import Program


def choose_trainable(legacy: LegacyModule, pattern: str | None) -> LegacyModule:
    """Returns the module with other variables trainable; the same object without a pattern.

    TF1 lists trainable variables in a collection, which some exporters strip.

    Args:
      legacy: The module.
      pattern: A regular expression that is found in the names of those variables.

    Raises:
      UsageError: if the module says itself which are trainable, or the pattern is not a regular
        expression, or is found in no name.
    """
    if pattern is None:
        return legacy
    try:
        regex = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise errors.UsageError(
            f"--trainable {pattern!r} is not a regular expression: {error}"
        ) from error
    specs = [s for program in legacy.variants.values() for s in program.variables.values()]
    listed = sorted({spec.name for spec in specs if spec.trainable})
    if listed:
        raise errors.UsageError(
            f"--trainable names variables of a module that itself lists {len(listed)} trainable"
            f" ones, such as {listed[0]!r}",
            remedy="Leave the option out, and choose variables where you train.",
        )
    found = {s.name for s in specs if s.dtype in op_facts.DIFFERENTIABLE and regex.search(s.name)}
    if not found:
        names = ", ".join(repr(name) for name in sorted({spec.name for spec in specs})[:3])
        raise errors.UsageError(
            f"--trainable {pattern!r} matches no variable of floating-point numbers",
            remedy=f"Names of variables are {names or 'missing: there are no variables'}.",
        )
    variants = {tags: _with_trainable(p, found) for tags, p in legacy.variants.items()}
    return dataclasses.replace(legacy, variants=variants)


def _with_trainable(program: Program, names: set[str]) -> Program:
    variables = {
        node: dataclasses.replace(spec, trainable=spec.name in names)
        for node, spec in program.variables.items()
    }
    return dataclasses.replace(program, variables=variables)
