"""The attributes by which TF2 code for BERT finds a model's vocabulary and whether to fold case.

Source: `export_tfhub_lib.py` of tensorflow/models. TF1's ALBERT modules have a SentencePiece model
as `vocab_file`; TF2's have it as `sp_model_file`.
"""

from __future__ import annotations

import dataclasses

from converter.compile.plan import ModulePlan
from converter.files.paths import Path
from converter.formats.legacy_module import LegacyModule
from converter.ir import constants
from converter.ir.graph import Kind

_SIGNATURE = "tokenization_info"
# Field 1 (a piece) of a ModelProto, and field 1 (its text) of that, then 2 (its score, a float).
# Source: sentencepiece_model.proto.
_PIECE, _TEXT, _SCORE = b"\x0a", b"\x0a", b"\x15"


@dataclasses.dataclass(frozen=True, slots=True)
class TokenizationInfo:
    """The outputs of the signature `tokenization_info` that are constants.

    Attributes:
      vocab_file: The vocabulary's file name below `assets/`; None where there is none.
      do_lower_case: Whether text is folded to lower case; None where the graph does not say.
      sp_model_file: The same file name, if the vocabulary is a SentencePiece model.
    """

    vocab_file: str | None = None
    do_lower_case: bool | None = None
    sp_model_file: str | None = None

    @property
    def files(self) -> dict[str, str]:
        """The file names below `assets/`, by attribute."""
        named = {"vocab_file": self.vocab_file, "sp_model_file": self.sp_model_file}
        return {name: file for name, file in named.items() if file is not None}


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
    is_new = plan.conventions and found.vocab_file is not None
    if is_new and is_sentencepiece_model(legacy.asset_path(str(found.vocab_file))):
        found = dataclasses.replace(found, sp_model_file=found.vocab_file)
    return found


def is_sentencepiece_model(path: Path) -> bool:
    """Whether a file begins as a SentencePiece model does, with a piece: a text and a score."""
    with path.open("rb") as file:
        start = file.read(256)
    if len(start) < 4 or start[0:1] != _PIECE or start[2:3] != _TEXT:
        return False
    end = 4 + start[3]
    # The lengths fit into one byte each: the first piece is a short one, such as `<unk>`.
    return max(start[1], start[3]) < 0x80 and start[end : end + 1] == _SCORE and end < 2 + start[1]
