import pytest

from converter import errors
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
