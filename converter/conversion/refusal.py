"""Reasons why a module cannot be converted, as `inspect` and dry runs of migrations list them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:  # Imports TensorFlow, which the readers of outcomes do without.
    from converter.compile import refusals


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A reason why a module cannot be converted.

    Attributes:
      error: The message.
      type: The name of the exception.
      callables: The parts of the module that are affected: names of callables, and `table 'x'`,
        `signature 'x'`, `regularization loss 'x'` and `asset 'x'`.
    """

    error: str
    type: str
    callables: tuple[str, ...]

    @classmethod
    def of(cls, refusal: refusals.Refusal) -> Refusal:
        """Describes what the compiler found."""
        error = refusal.error
        return cls(error=str(error), type=type(error).__name__, callables=refusal.parts)
