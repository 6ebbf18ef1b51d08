import os

import pytest
from google.protobuf import text_format

from converter import errors
from converter.formats import hub_protos
from converter.formats.registry import read_module


def _write_module_def(module, **fields):
    message = hub_protos.ModuleDef(**fields)
    (module / "tfhub_module.pb").write_bytes(message.SerializeToString())


# tfhub_module.pb.


def test_a_feature_of_the_future_is_refused(half_plus_two, refusal):
    _write_module_def(half_plus_two, format=3, required_features=["teleport", "flight"])
    error = refusal(half_plus_two)
    assert "['flight', 'teleport']" in str(error)
    assert "newer version of the converter" in error.remedy


@pytest.mark.parametrize("number", [0, 2, 4])
def test_another_format_number_is_refused(number, half_plus_two, refusal):
    _write_module_def(half_plus_two, format=number)
    assert f"tfhub_module.pb names format {number}, expected 3" in str(refusal(half_plus_two))


def test_a_damaged_module_def_is_refused(half_plus_two, refusal):
    (half_plus_two / "tfhub_module.pb").write_bytes(b"\xff\xff\xff")
    assert "tfhub_module.pb is damaged" in str(refusal(half_plus_two))


# saved_model.pb.


@pytest.mark.parametrize("name", ["saved_model.pb", "tfhub_module.pb", "saved_model.pbtxt"])
def test_files_of_gigabytes_are_not_read(name, half_plus_two, refusal):
    if name.endswith("pbtxt"):
        (half_plus_two / "saved_model.pb").rename(half_plus_two / name)
    os.truncate(half_plus_two / name, 3 << 30)
    assert f"{name} has 3,221,225,472 bytes, expected" in str(refusal(half_plus_two))


def test_text_that_is_nested_deeper_than_the_stack(half_plus_two, refusal):
    (half_plus_two / "saved_model.pb").unlink()
    text = "attr { value { func { " * 3000
    (half_plus_two / "saved_model.pbtxt").write_text(
        f"meta_graphs {{ graph_def {{ node {{ attr {{ value {{ func {{ {text}"
    )
    assert "saved_model.pb is damaged" in str(refusal(half_plus_two))


def test_pbtxt_in_place_of_pb(half_plus_two, edit):
    before = read_module(half_plus_two)
    with edit(half_plus_two) as saved_model:
        (half_plus_two / "saved_model.pbtxt").write_text(text_format.MessageToString(saved_model))
    (half_plus_two / "saved_model.pb").unlink()
    assert read_module(half_plus_two) == before


@pytest.mark.parametrize(
    "content", [b"graph {", b"\xff\xfe", "meta_graphs { ä }".encode("latin-1")]
)
def test_a_damaged_pbtxt_is_refused(content, half_plus_two, refusal):
    (half_plus_two / "saved_model.pb").unlink()
    (half_plus_two / "saved_model.pbtxt").write_bytes(content)
    error = refusal(half_plus_two)
    assert "is damaged" in str(error)
    assert error.remedy


def test_a_truncated_saved_model_is_refused(half_plus_two, refusal):
    path = half_plus_two / "saved_model.pb"
    path.write_bytes(path.read_bytes()[:-10])
    error = refusal(half_plus_two)
    assert "saved_model.pb is damaged" in str(error)
    assert "Copy the module again" in error.remedy


def test_no_saved_model_is_refused(half_plus_two, refusal):
    (half_plus_two / "saved_model.pb").unlink()
    error = refusal(half_plus_two)
    assert "there is no saved_model.pb" in str(error)
    assert error.remedy


def test_an_empty_saved_model_is_refused(half_plus_two, refusal):
    (half_plus_two / "saved_model.pb").write_bytes(b"")
    assert "holds no graph" in str(refusal(half_plus_two))


def test_a_tag_set_that_occurs_twice_is_refused(golden_module, edit, refusal):
    module = golden_module("image_bn_dropout")
    with edit(module) as saved_model:
        for graph in saved_model.meta_graphs:
            graph.meta_info_def.tags[:] = ["b", "a"]
    assert "tag set ['a', 'b'] occurs twice" in str(refusal(module))


# Links.


def test_a_link_to_an_asset_outside_is_refused(golden_module, tmp_path, refusal):
    module = golden_module("table_file")
    (tmp_path / "secret").write_text("x")
    (module / "assets" / "words.txt").unlink()
    (module / "assets" / "words.txt").symlink_to(tmp_path / "secret")
    error = refusal(module, errors.UnsafeModuleError)
    assert "'assets/words.txt' is a link to a place outside of the module" in str(error)
    assert error.remedy


@pytest.mark.parametrize("name", ["variables/variables.index", "variables", "saved_model.pb"])
def test_a_link_to_weights_or_graphs_outside_is_refused(name, half_plus_two, tmp_path, refusal):
    (half_plus_two / name).rename(tmp_path / "elsewhere")
    (half_plus_two / name).symlink_to(tmp_path / "elsewhere")
    assert repr(name) in str(refusal(half_plus_two, errors.UnsafeModuleError))


def test_a_link_within_the_module_is_followed(golden_module):
    module = golden_module("table_file")
    (module / "assets" / "words.txt").rename(module / "assets" / "other.txt")
    (module / "assets" / "words.txt").symlink_to("other.txt")
    assert read_module(module).asset_path("words.txt").is_file()
