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


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("a\0b", "has a NUL"),
        ("a" * 256, "more than 255 bytes"),
        ("a/" * 1500 + "b", "more than 64 folders"),
    ],
)
def test_names_that_no_asset_has(name, fault, table_file):
    module = read_module(table_file)
    with pytest.raises(errors.FormatError, match=fault) as caught:
        module.asset_path(name)
    assert "\n" not in str(caught.value)


def test_a_name_that_is_too_long_with_the_path_of_the_module(table_file):
    module = read_module(table_file)
    with pytest.raises(errors.FormatError, match="is missing"):
        module.asset_path("/".join(["a" * 99] * 40) + "/" + "b" * (4087 - 40 * 100))


@pytest.mark.parametrize("name", ["gone.txt", "", "."])
def test_a_missing_asset_is_named(name, table_file):
    module = read_module(table_file)
    with pytest.raises(errors.FormatError, match="is missing") as caught:
        module.asset_path(name)
    assert repr(name) in str(caught.value)
    assert "assets/" in caught.value.remedy
