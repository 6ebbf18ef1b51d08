"""Modules and results on filesystems that only TensorFlow speaks to."""

import json

import pytest
import tensorflow as tf
from export.test_saved_model import files
from golden.golden_values import GOLDEN

import converter
from converter import errors
from converter.files.source_files import list_files
from converter.formats.registry import read_module


def _upload(source, target):
    for path in list_files(source):
        copy = target / path.relative_to(source).as_posix()
        copy.parent.mkdir()
        copy.write_bytes(path.read_bytes())
    return target


@pytest.fixture
def text(remote):
    return _upload(GOLDEN / "text_embedding_oov" / "module", remote / "module")


@pytest.mark.slow
def test_from_and_to_a_remote_place(text, remote, tmp_path):
    """All bytes are those of a local conversion."""
    converter.convert(text, remote / "out", verify=True)
    converter.convert(GOLDEN / "text_embedding_oov" / "module", tmp_path / "out", verify=True)
    (remote / "out").download(tmp_path / "downloaded")
    assert files(tmp_path / "downloaded") == files(tmp_path / "out")
    assert sorted(path.name for path in remote.iterdir()) == ["module", "out"]


def test_it_loads_from_there(text, remote):
    converter.convert(text, remote / "out", hardlink=True)
    loaded = tf.saved_model.load(str(remote / "out"))
    assert loaded(tf.constant(["a cat"])).shape == [1, 6]


def test_from_remote_to_local(text, tmp_path):
    conversion = converter.convert(text, tmp_path / "out", hardlink=True)
    assert "the weights were copied" in conversion.remarks[0]
    assert converter.verify(text, tmp_path / "out").passed


def test_inspect_and_load(text):
    here = GOLDEN / "text_embedding_oov" / "module"
    assert converter.inspect(text).to_json() == converter.inspect(here).to_json()
    assert converter.load(text)(tf.constant(["a cat"])).shape == [1, 6]


def test_an_existing_destination_is_kept_or_replaced(text, remote):
    converter.convert(text, remote / "out")
    with pytest.raises(errors.DestinationError, match="exists already"):
        converter.convert(text, remote / "out")
    half = _upload(GOLDEN / "half_plus_two" / "module", remote / "half")
    converter.convert(half, remote / "out", overwrite=True)
    record = json.loads((remote / "out" / "assets.extra" / "conversion.json").read_bytes())
    assert record["source"]["name"] == "half"
    names = {path.relative_to(remote / "out").as_posix() for path in list_files(remote / "out")}
    assert "assets/words.txt" not in names


def test_a_scheme_that_tensorflow_does_not_know(tmp_path):
    with pytest.raises(errors.FormatError, match="cannot be read"):
        converter.inspect("nosuchscheme://x")
    with pytest.raises(errors.FormatError, match="cannot be read"):
        converter.convert("nosuchscheme://x", tmp_path / "out")


def test_a_missing_remote_module(remote):
    with pytest.raises(errors.UsageError, match="does not exist"):
        converter.inspect(remote / "none")


def test_an_asset_that_leads_out_of_the_module(remote):
    source = _upload(GOLDEN / "table_file" / "module", remote / "module")
    legacy = read_module(source)
    with pytest.raises(errors.UnsafeModuleError):
        legacy.asset_path("../saved_model.pb")
