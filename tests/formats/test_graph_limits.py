import pytest

from converter import limits
from converter.formats.registry import read_module

_LONG = "n" * (limits.MAX_NAME_BYTES + 1)


def test_a_long_name_is_refused_and_not_repeated(half_plus_two, edit, refusal):
    with edit(half_plus_two) as saved_model:
        saved_model.meta_graphs[0].graph_def.node[0].name = _LONG
    error = refusal(half_plus_two)
    assert "name of a node takes 4097 bytes" in error.message
    assert len(str(error)) < 400


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("a tag", lambda m: m.meta_info_def.tags.append(_LONG)),
        ("a function", lambda m: m.graph_def.library.function.add().signature.MergeFromString(
            b"\x0a\x81\x20" + _LONG.encode())),
        ("a node of a function", lambda m: m.graph_def.library.function.add().node_def.add(
            name=_LONG)),
        ("a signature", lambda m: m.signature_def[_LONG].SetInParent()),
        ("an input", lambda m: m.signature_def["default"].inputs[_LONG].SetInParent()),
        ("an output", lambda m: m.signature_def["default"].outputs[_LONG].SetInParent()),
        ("a collection", lambda m: m.collection_def[_LONG].SetInParent()),
    ],
)  # fmt: skip
def test_every_kind_of_name_is_bounded(what, change, half_plus_two, edit, refusal):
    with edit(half_plus_two) as saved_model:
        change(saved_model.meta_graphs[0])
    assert f"name of {what} takes" in refusal(half_plus_two).message


def test_bytes_count_and_not_characters(half_plus_two, edit, refusal):
    with edit(half_plus_two) as saved_model:
        saved_model.meta_graphs[0].signature_def["\u00e4" * 2049].SetInParent()
    assert "takes 4098 bytes" in refusal(half_plus_two).message


def test_many_signatures_are_refused(half_plus_two, edit, refusal):
    with edit(half_plus_two) as saved_model:
        signatures = saved_model.meta_graphs[0].signature_def
        for number in range(limits.MAX_SIGNATURES):
            signatures[f"s{number}"].CopyFrom(signatures["default"])
    assert "has 1001 signatures, more than 1000" in refusal(half_plus_two).message


def test_it_does_nothing_because_a_name_has_just_the_length(half_plus_two, edit):
    with edit(half_plus_two) as saved_model:
        signatures = saved_model.meta_graphs[0].signature_def
        signatures[_LONG[1:]].CopyFrom(signatures["default"])
    assert _LONG[1:] in next(iter(read_module(half_plus_two).variants.values())).signatures
