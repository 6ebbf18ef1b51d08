"""Names that every exporter takes, for inputs and outputs of any name."""

from __future__ import annotations

import re
from collections.abc import Iterable

_UNSAFE = re.compile(r"\W", re.ASCII)


def choose_names(
    inputs: Iterable[str], outputs: Iterable[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Chooses names of letters, digits and underscores, by the TF1 name.

    All differ, also in lower case: to some formats, an input and an output of one name are one
    tensor, and TensorFlow derives names of nodes from them.

    Args:
      inputs: The TF1 names of the inputs; they keep their names where these are safe.
      outputs: The TF1 names of the outputs.
    """
    taken: set[str] = set()
    safe_inputs = {name: _choose(name, "", taken) for name in inputs}
    return safe_inputs, {name: _choose(name, "_output", taken) for name in outputs}


def _choose(name: str, suffix: str, taken: set[str]) -> str:
    safe = _UNSAFE.sub("_", name)
    if not safe[:1].isalpha():
        safe = f"t{safe}"
    wanted, number = safe, 1
    if wanted.lower() in taken and suffix:
        safe = wanted = f"{safe}{suffix}"
    while wanted.lower() in taken:
        wanted, number = f"{safe}_{number}", number + 1
    taken.add(wanted.lower())
    return wanted
