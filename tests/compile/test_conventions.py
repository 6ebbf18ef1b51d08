import pytest
from tensorflow.core.framework import types_pb2

from converter.compile.conventions import find_spellings
from converter.ir.graph import Kind, Signature, TensorInfo, TensorRef

IDS = {"input_ids": "ids", "input_mask": "mask", "segment_ids": "types"}
RESULTS = {"pooled_output": "pooled", "sequence_output": "sequence"}
TF2 = ["input_word_ids", "input_mask", "input_type_ids"]


def _infos(names, dtype, kind=Kind.DENSE):
    return {name: TensorInfo(kind, dtype, (None, None), (TensorRef(name),)) for name in names}


def _signature(inputs=IDS, outputs=RESULTS, name="tokens", kind=Kind.DENSE):
    return Signature(
        name, _infos(inputs, types_pb2.DT_INT32, kind), _infos(outputs, types_pb2.DT_FLOAT)
    )


def _find(kind="dict", **changes):
    found = find_spellings(_signature(**changes), tuple(IDS))
    return next(spelling for spelling in found if spelling.kind == kind)


def test_tf2_s_names_stand_for_tf1_s():
    inputs = {"input_type_ids": 3, "input_word_ids": 1, "input_mask": 2}
    assert _find().read(inputs) == {"input_ids": 1, "input_mask": 2, "segment_ids": 3}
    assert _find("list").read([1, 2, 3]) == {"input_ids": 1, "input_mask": 2, "segment_ids": 3}


def test_inputs_are_written_as_they_are_read():
    values = {"segment_ids": 3, "input_ids": 1, "input_mask": 2}
    assert _find().write(values) == dict(zip(TF2, [1, 2, 3], strict=True))
    assert _find("list").write(values) == [1, 2, 3]


def test_outputs_of_a_dict_have_a_default_beside_their_names():
    values = {"sequence_output": "s", "pooled_output": "p"}
    expected = {"sequence_output": "s", "pooled_output": "p", "default": "p"}
    assert _find().write_outputs(values) == expected


def test_outputs_in_order_are_two():
    more = {**RESULTS, "attention": "attention"}
    values = {"attention": "a", "sequence_output": "s", "pooled_output": "p"}
    assert _find("list", outputs=more).write_outputs(values) == ("p", "s")
    assert _find("dict", outputs=more).write_outputs(values) == {**values, "default": "p"}


def test_a_spelling_fits_its_own_inputs():
    assert _find().fits(dict.fromkeys(TF2))
    assert _find("list").fits([1, 2, 3])


@pytest.mark.parametrize(
    "inputs",
    [dict.fromkeys(IDS), dict.fromkeys(TF2[:2]), dict.fromkeys([*TF2, "x"]), [1, 2], (1, 2, 3), 5],
)
def test_no_spelling_fits_because_the_inputs_are_others(inputs):
    assert not any(s.fits(inputs) for s in find_spellings(_signature(), tuple(IDS)))


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "default"},
        {"inputs": {"input_ids": "ids", "input_mask": "mask"}},
        {"outputs": {"pooled_output": "pooled"}},
        {"outputs": {**RESULTS, "default": "pooled"}},  # Calls return that alone.
        {"kind": Kind.SPARSE},
    ],
)
def test_there_is_none_because_it_is_no_encoder(changes):
    signature = _signature(**changes)
    assert find_spellings(signature, tuple(signature.inputs)) == ()


def test_there_is_none_because_calls_take_more():
    signature = _signature(inputs={**IDS, "positions": "positions"})
    assert find_spellings(signature, tuple(signature.inputs)) == ()
    # What need not be given is another matter.
    assert find_spellings(signature, tuple(IDS))
