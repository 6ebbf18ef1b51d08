"""The unsafe ops that a user lets through; apart from the checks, which import TensorFlow."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection


@dataclasses.dataclass(frozen=True, slots=True)
class AllowedOps:
    """The ops that the user lets through.

    Attributes:
      names: The ops named by `--allow-op`.
      unknown: Whether those that TensorFlow itself does not register, since a package of
        `--import-ops` does.
    """

    names: Collection[str] = ()
    unknown: bool = False


NONE = AllowedOps()
