import pytest

from converter.compile.serialized_examples import Feature, find_features
from converter.ir.graph import TensorRef

_COMMON = """
x = Placeholder[dtype=string]()
other = Placeholder[dtype=string]()
same = Identity[T=string](x)
names = Const[dtype=string, value=string[0]()]()
none = Const[dtype=float, value={tensor { dtype: DT_FLOAT tensor_shape { dim { size: 0 } } }}]()
age = Const[dtype=string, value=string("age")]()
job = Const[dtype=string, value=string("job")]()
keys = Const[dtype=string, value=string[2]("age", "job")]()
default = Const[dtype=float, value=float(0)]()
"""
_ATTRS = "Tdense=(float, float), dense_shapes=([3], [2])"
_PARSERS = {
    "ParseExample": f"ParseExample[Nsparse=1, Ndense=2, {_ATTRS}]"
    "(same, names, names, age, job, {first}, {second})",
    "ParseExampleV2": f"ParseExampleV2[{_ATTRS}]"
    "(same, names, names, keys, names, {first}, {second})",
    "ParseSingleExample": f'ParseSingleExample[dense_keys=("age", "job"), {_ATTRS}]'
    "(same, {first}, {second})",
}  # fmt: skip


@pytest.fixture
def find(make_program):
    def run(op="ParseExample", first="none", second="default", fed="x"):
        node = _PARSERS[op].format(first=first, second=second)
        return find_features(make_program(f"{_COMMON}p = {node}\n"), [TensorRef(fed)])

    return run


@pytest.mark.parametrize("op", _PARSERS)
def test_features_without_a_default_are_required(op, find):
    assert find(op) == {"age": Feature(1, 3)}
    assert find(op, "none", "none") == {"age": Feature(1, 3), "job": Feature(1, 2)}
    assert find(op, "default") == {}


def test_an_input_that_is_not_parsed_has_no_features(find):
    assert find(fed="other") is None
