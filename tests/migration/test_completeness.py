"""Whether an output is all there."""

import pathlib

import pytest

import converter
from converter.migration.completeness import is_complete

GOLDEN = pathlib.Path(__file__).parents[2] / "legacy_fixtures" / "golden"


@pytest.fixture
def output(tmp_path):
    converter.convert(GOLDEN / "text_embedding_oov/module", tmp_path / "output")
    return tmp_path / "output"


def test_what_was_converted_is_complete(output):
    assert is_complete(output)


def test_what_has_neither_variables_nor_assets_is_complete(tmp_path):
    converter.convert(GOLDEN / "no_variables/module", tmp_path / "output")
    assert is_complete(tmp_path / "output")


@pytest.mark.parametrize(
    "pattern", ["saved_model.pb", "variables/variables.index", "variables/*.data-*", "assets/*"]
)
def test_without_a_file_it_is_not(output, pattern):
    for path in output.glob(pattern):
        content = path.read_bytes()
        path.unlink()
        assert not is_complete(output)
        path.write_bytes(content)
    assert list(output.glob(pattern))
    assert is_complete(output)


@pytest.mark.parametrize(
    "pattern", ["saved_model.pb", "variables/variables.index", "variables/*.data-*"]
)
def test_with_a_file_that_is_cut_off_it_is_not(output, pattern):
    for path in output.glob(pattern):
        content = path.read_bytes()
        path.write_bytes(content[:-1])
        assert not is_complete(output)
        path.write_bytes(content)
    assert list(output.glob(pattern))


def test_other_things_are_not(tmp_path):
    assert not is_complete(tmp_path / "nowhere")
    assert not is_complete(tmp_path)
    assert not is_complete(GOLDEN / "half_plus_two/module")
