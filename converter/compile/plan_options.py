"""The options of the compiler.

They are apart from the plan so that the command line has them without importing TensorFlow.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from converter.safety.allowed_ops import NONE, AllowedOps


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """The user's choices that affect the interface, or whether there is one.

    Attributes:
      tags: The tag set for inference; None for the one found by rule.
      training_tags: The tag set for training; None for the one found by rule.
      call_signature: The signature that the module itself runs when called; None for the one
        found by rule.
      trainable: A regular expression that is found in the names of the variables to train; None
        for those that the module lists.
      allowed_ops: The unsafe ops that the user lets through.
      conventions: Whether to follow the conventions of TF2 models beside TF1's names.
    """

    tags: Collection[str] | None = None
    training_tags: Collection[str] | None = None
    call_signature: str | None = None
    trainable: str | None = None
    allowed_ops: AllowedOps = NONE
    conventions: bool = True
