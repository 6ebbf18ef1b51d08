"""Every attached message has a file of its own."""

import dataclasses
import itertools
import re

import hypothesis
import pytest
from hypothesis import strategies as st
from tensorflow.core.protobuf import saved_model_pb2

import converter
from converter.export.attachments import describe_attachments
from converter.formats import hub_protos


@pytest.fixture
def files(make_program):
    """`files({tags: keys})` returns the files of messages, in the record's order."""

    def name(keys_by_tags):
        empty = make_program("")
        variants = {
            frozenset(tags): dataclasses.replace(
                empty, tags=frozenset(tags), attachments=dict.fromkeys(keys, b"x")
            )
            for tags, keys in keys_by_tags.items()
        }
        described = describe_attachments(variants)
        return [item.file.removeprefix("attachments/") for item in described]

    return name


def test_plain_names_stay_as_they_are(files):
    assert files({(): ["info", "A.b=c-1"], ("is_training", "bs8"): ["x_1"]}) == [
        "default/A.b=c-1.pb", "default/info.pb", "bs8_is_training/x_1.pb",
    ]  # fmt: skip


def test_unsafe_characters_are_escaped_each_in_its_own_way(files):
    assert files({(): ["a/b", "a_b", "a b", "ü", "a%2Fb", ".hidden", "..", "a.b"]}) == [
        "default/%2E..pb", "default/%2Ehidden.pb", "default/a%20b.pb", "default/a%252Fb.pb",
        "default/a.b.pb", "default/a%2Fb.pb", "default/a_b.pb", "default/%C3%BC.pb",
    ]  # fmt: skip


def test_names_that_only_case_tells_apart_get_a_digest(files):
    one, other, third = files({(): ["Info", "info", "other"]})
    assert re.fullmatch(r"default/Info~[0-9a-f]{32}\.pb", one)
    assert re.fullmatch(r"default/info~[0-9a-f]{32}\.pb", other)
    assert one.lower() != other.lower()
    assert third == "default/other.pb"


def test_long_and_empty_names_get_a_digest(files):
    names = files({(): ["x" * 1000, "x" * 999 + "y", "ü" * 100, ""]})
    assert len(set(names)) == 4
    assert all(len(name) < 200 for name in names)
    assert names[0].startswith("default/~")


def test_tag_sets_that_look_alike_have_folders_of_their_own(files):
    sets = [(), ("a_b",), ("a", "b"), ("default",), ("c",), ("../up",)]
    folders = [name.partition("/")[0] for name in files({tags: ["k"] for tags in sets})]
    assert len(set(folders)) == len(sets)
    assert {"default", "c", "%2E.%2Fup"} <= set(folders)


_TEXTS = st.text(st.sampled_from("aAbB_/. ~%-ü0"), max_size=4)


@hypothesis.given(
    st.dictionaries(
        st.frozensets(_TEXTS, max_size=3), st.lists(_TEXTS, min_size=1, unique=True), max_size=8
    )
)
def test_no_two_share_a_file_on_any_filesystem(files, keys_by_tags):
    names = files(keys_by_tags)
    assert len({name.lower() for name in names}) == sum(map(len, keys_by_tags.values()))
    assert all(re.fullmatch(r"[^./][^/]*/[^./][^/]*\.pb", name) for name in names)
    for one, other in itertools.pairwise(sorted(names)):
        assert not other.startswith(one + "/")


def test_a_conversion_writes_them_all_and_the_record_says_where(golden_module, tmp_path):
    module = golden_module("attachments")
    path = module / "saved_model.pb"
    saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    values = saved_model.meta_graphs[0].collection_def["hub_module_attachments"].bytes_list.value
    added = {"a/b": b"first", "a_b": b"second", "a b": b"third", "A_B": b"fourth", "x" * 300: b"5"}
    for key, value in added.items():
        values.append(hub_protos.ModuleAttachment(key=key, value=value).SerializeToString())
    path.write_bytes(saved_model.SerializeToString())
    record = converter.convert(module, tmp_path / "out").record
    tags = sorted(saved_model.meta_graphs[0].meta_info_def.tags)
    found = {
        item.key: (tmp_path / "out/assets.extra" / item.file).read_bytes()
        for item in record.attachments
        if list(item.tags) == tags
    }
    assert found.items() >= added.items()
    image = next(item for item in record.attachments if item.json is not None)
    decoded = (tmp_path / "out/assets.extra" / image.file).with_suffix(".json")
    assert "default_image_size" in decoded.read_text()
