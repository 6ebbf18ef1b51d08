import pytest

from converter.compile.plan import make_plan
from converter.compile.tokenization import TokenizationInfo, find_tokenization_info
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
def find(make_legacy, make_variant, signature):
    """`find(outputs, name)` reads the module whose signature `name` returns `outputs`."""

    def make(outputs, name="tokenization_info"):
        signatures = [signature("default", {"x": "x"}), signature(name, {}, outputs)]
        assets = {"vocabulary": AssetSpec("vocabulary", "vocab.txt")}
        variant = make_variant(text=_TEXT, signatures=signatures, variables=(), assets=assets)
        legacy = make_legacy(variant)
        return find_tokenization_info(legacy, make_plan(legacy))

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
