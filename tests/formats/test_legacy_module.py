import contextlib
import hashlib
import shutil

import pytest

from converter import errors
from converter.formats.legacy_module import digest, list_files
from converter.formats.registry import read_module


@pytest.fixture
def table_file(golden_module):
    return golden_module("table_file")


def test_asset_path(table_file):
    path = read_module(table_file).asset_path("words.txt")
    assert path == table_file / "assets" / "words.txt"


@pytest.mark.parametrize("name", ["../saved_model.pb", "../../x", "/etc/passwd", "a/../../x", ".."])
def test_an_asset_outside_of_assets_is_unsafe(name, table_file):
    module = read_module(table_file)
    with pytest.raises(errors.UnsafeModuleError, match="lies outside of the module's assets") as e:
        module.asset_path(name)
    assert repr(name) in str(e.value)
    assert e.value.remedy


@pytest.mark.parametrize("name", ["gone.txt", "", "."])
def test_a_missing_asset_is_named(name, table_file):
    module = read_module(table_file)
    with pytest.raises(errors.FormatError, match="is missing") as caught:
        module.asset_path(name)
    assert repr(name) in str(caught.value)
    assert "assets/" in caught.value.remedy


def test_list_files_is_sorted_and_has_files_only(table_file):
    names = [path.relative_to(table_file).as_posix() for path in list_files(table_file)]
    assert names == [
        "assets/words.txt",
        "saved_model.pb",
        "tfhub_module.pb",
        "variables/variables.data-00000-of-00001",
        "variables/variables.index",
    ]


def test_list_files_leaves_broken_links_out_but_not_those_that_lead_out(table_file):
    (table_file / "broken").symlink_to("nowhere")
    assert table_file / "broken" not in list_files(table_file)
    (table_file / "out").symlink_to("/nowhere/at/all")
    with pytest.raises(errors.UnsafeModuleError, match="'out' is a link"):
        list_files(table_file)


def test_a_link_that_leads_to_itself_does_no_harm(table_file):
    (table_file / "loop").symlink_to("loop")
    # Python 3.13 resolves it to itself, earlier ones cannot.
    with contextlib.suppress(errors.FormatError):
        assert table_file / "loop" not in list_files(table_file)


def test_digest_is_of_names_and_contents_and_not_of_the_place(table_file, tmp_path):
    first = digest(table_file)
    assert len(first) == 64
    copy = shutil.copytree(table_file, tmp_path / "another" / "place")
    assert digest(copy) == first
    (copy / "assets" / "words.txt").rename(copy / "assets" / "word.txt")
    renamed = digest(copy)
    assert renamed != first
    (copy / "assets" / "word.txt").write_text("changed")
    assert digest(copy) not in (first, renamed)


def test_digest_is_as_documented(tmp_path):
    (tmp_path / "a").write_bytes(b"content")
    inner = hashlib.sha256(b"content").hexdigest()
    assert digest(tmp_path) == hashlib.sha256(f"a\0{inner}\n".encode()).hexdigest()
