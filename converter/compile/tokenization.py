"""The attributes by which TF2 code for BERT finds a model's vocabulary and whether to fold case.

Source: `export_tfhub.py` of tensorflow/models.
"""

from __future__ import annotations

import dataclasses

from converter.compile.plan import ModulePlan
from converter.formats.legacy_module import LegacyModule
from converter.ir import constants
from converter.ir.graph import Kind

_SIGNATURE = "tokenization_info"


@dataclasses.dataclass(frozen=True, slots=True)
class TokenizationInfo:
    """The outputs of the signature `tokenization_info` that are constants.

    Attributes:
      vocab_file: The vocabulary's file name below `assets/`; None where there is none.
      do_lower_case: Whether text is folded to lower case; None where the graph does not say.
    """

    vocab_file: str | None = None
    do_lower_case: bool | None = None


def find_tokenization_info(legacy: LegacyModule, plan: ModulePlan) -> TokenizationInfo:
    """Reads the constants that the first callable of the signature `tokenization_info` returns."""
    found = TokenizationInfo()
    for part in plan.callables.values():
        if part.signature != _SIGNATURE:
            continue
        program = legacy.variants[part.tags]
        for name, info in program.signatures[_SIGNATURE].outputs.items():
            node = program.nodes[info.components[0].node]
            if name == "vocab_file" and info.kind is Kind.DENSE and node.name in program.assets:
                found = dataclasses.replace(found, vocab_file=program.assets[node.name].filename)
            value = constants.find_scalar(node)
            if name == "do_lower_case" and isinstance(value, bool):
                found = dataclasses.replace(found, do_lower_case=value)
        break
    return found
