import dataclasses

import pytest

from converter.compile.plan import make_plan
from converter.compile.plan_options import PlanOptions
from converter.compile.tokenization import (
    TokenizationInfo,
    find_tokenization_info,
    is_sentencepiece_model,
)
from converter.ir.graph import AssetSpec

_TEXT = """
    x = Placeholder[dtype=float]()
    y = Neg[T=float](x)
    vocabulary = Const[dtype=string, value={tensor { dtype: DT_STRING tensor_shape { } }}]()
    other = Const[dtype=string, value={tensor { dtype: DT_STRING tensor_shape { } }}]()
    lower = Const[dtype=bool, value={tensor { dtype: DT_BOOL tensor_shape { } bool_val: true }}]()
    one = Const[dtype=int32, value={tensor { dtype: DT_INT32 tensor_shape { } int_val: 1 }}]()
"""


@pytest.fixture
def find(make_legacy, make_variant, signature, tmp_path):
    """`find(outputs, name)` reads the module whose signature `name` returns `outputs`."""

    def make(outputs, name="tokenization_info", content=b"[PAD]\nthe\n", **options):
        signatures = [signature("default", {"x": "x"}), signature(name, {}, outputs)]
        assets = {"vocabulary": AssetSpec("vocabulary", "vocab.txt")}
        variant = make_variant(text=_TEXT, signatures=signatures, variables=(), assets=assets)
        legacy = dataclasses.replace(make_legacy(variant), directory=tmp_path)
        (tmp_path / "assets").mkdir(exist_ok=True)
        (tmp_path / "assets" / "vocab.txt").write_bytes(content)
        return find_tokenization_info(legacy, make_plan(legacy, PlanOptions(**options)))

    return make


def test_the_vocabulary_and_the_case(find):
    outputs = {"vocab_file": "vocabulary", "do_lower_case": "lower"}
    assert find(outputs) == TokenizationInfo("vocab.txt", do_lower_case=True)
    assert find({"do_lower_case": "lower"}) == TokenizationInfo(do_lower_case=True)


@pytest.mark.parametrize(
    "outputs",
    [
        {"vocab_file": "other"},  # No asset.
        {"do_lower_case": "one"},  # A number.
        {"do_lower_case": "y"},
        {"default": "vocabulary", "lower": "lower"},
    ],
)
def test_nothing_is_known_because_the_outputs_are_others(outputs, find):
    assert find(outputs) == TokenizationInfo()


def test_nothing_is_known_because_the_signature_is_another(find):
    assert find({"vocab_file": "vocabulary"}, name="info") == TokenizationInfo()


# A ModelProto: a piece `<unk>` with score 0 and the type of unknown pieces.
_MODEL = b"\x0a\x0e\x0a\x05<unk>\x15\x00\x00\x00\x00\x18\x02"


def test_a_sentencepiece_model_is_a_vocabulary_and_itself(find):
    found = find({"vocab_file": "vocabulary"}, content=_MODEL)
    assert found.files == {"vocab_file": "vocab.txt", "sp_model_file": "vocab.txt"}
    assert find({"vocab_file": "vocabulary"}).files == {"vocab_file": "vocab.txt"}


def test_no_sentencepiece_model_because_conventions_are_left_out(find):
    found = find({"vocab_file": "vocabulary"}, content=_MODEL, conventions=False)
    assert found.files == {"vocab_file": "vocab.txt"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (_MODEL, True),
        (_MODEL + _MODEL, True),
        (b"", False),
        (b"\x0a\x0e", False),
        (_MODEL[:9], False),
        (_MODEL.replace(b"\x15", b"\x1d"), False),
        (_MODEL.replace(b"\x05", b"\x04"), False),
        (b"\x0a\x06" + _MODEL[2:], False),  # The score lies outside of the piece.
        (b"\n\n\n\n" + b"the\n" * 40, False),
        (b"[PAD]\n[UNK]\n", False),
        (bytes(range(256)), False),
    ],
)
def test_how_a_sentencepiece_model_begins(content, expected, tmp_path):
    (tmp_path / "file").write_bytes(content)
    assert is_sentencepiece_model(tmp_path / "file") is expected
