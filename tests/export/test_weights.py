"""Checkpoints of converted modules, by TensorFlow's own readers."""

import random
import shutil

import msgspec
import numpy as np
import pytest
import tensorflow as tf
from checkpoint_files import compress_table, swap_bytes

import converter
from converter import errors
from converter.files import byte_progress
from converter.tensor_bundle import checkpoint_index
from converter.tensor_bundle.checkpoint_index import Index

_NAME = "variables.data-00000-of-00001"


def _values(path):
    """The variables of a converted module, by their TF1 names."""
    loaded = tf.saved_model.load(str(path))
    return {v.name: v.numpy() for v in loaded.variables}


def _assert_equal_models(one, other):
    expected, actual = _values(one), _values(other)
    assert set(expected) == set(actual)
    for name, value in expected.items():
        np.testing.assert_array_equal(value, actual[name])


@pytest.fixture
def text(golden_module):
    return golden_module("text_embedding_oov")


def _index_of(out):
    return checkpoint_index.read_index((out / "variables" / "variables.index").read_bytes())


def test_parts_of_a_partitioned_variable_are_entries_of_their_own(text, tmp_path):
    converter.convert(text, tmp_path / "out")
    index = _index_of(tmp_path / "out")
    assert not any(entry.slices for entry in index.entries.values())
    keys = [key for key in index.entries if key.endswith("/.ATTRIBUTES/VARIABLE_VALUE")]
    assert len(keys) == 3


def test_a_compressed_index_gives_the_same_model(text, tmp_path):
    converter.convert(text, tmp_path / "plain")
    path = text / "variables" / "variables.index"
    path.write_bytes(compress_table(path.read_bytes()))
    converter.convert(text, tmp_path / "out")
    _assert_equal_models(tmp_path / "plain", tmp_path / "out")
    assert _index_of(tmp_path / "out").shards == 2  # The first is copied.


def test_a_variable_that_is_cut_otherwise_than_it_is_stored(text, tmp_path):
    """The parts of the table are stored as one tensor."""
    converter.convert(text, tmp_path / "plain")
    prefix = text / "variables" / "variables"
    reader = tf.train.load_checkpoint(str(prefix))
    names = list(reader.get_variable_to_shape_map())
    tensors = [tf.constant(reader.get_tensor(name)) for name in names]
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        tensors=tensors,
    )
    converter.convert(text, tmp_path / "out")
    _assert_equal_models(tmp_path / "plain", tmp_path / "out")


def test_big_endian_tensors(text, tmp_path):
    converter.convert(text, tmp_path / "plain")
    swap_bytes(text / "variables" / "variables")
    converter.convert(text, tmp_path / "out")
    _assert_equal_models(tmp_path / "plain", tmp_path / "out")
    assert _index_of(tmp_path / "out").shards == 1


def test_little_endian_tensors_that_are_said_to_be_big_endian(golden_module, tmp_path):
    source = golden_module("half_plus_two")
    prefix = source / "variables" / "variables"
    data = (source / "variables" / _NAME).read_bytes()
    swap_bytes(prefix)
    (source / "variables" / _NAME).write_bytes(data)
    # Swapped bytes have other checksums.
    with pytest.raises(errors.WeightsError, match="variable"):
        converter.convert(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_no_variable_owns_is_left_behind(golden_module, tmp_path):
    source = golden_module("half_plus_two")
    prefix = source / "variables" / "variables"
    values = {"optimizer": tf.zeros([1000]), "a": tf.constant(0.5), "b": tf.constant(2.0)}
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=list(values),
        shape_and_slices=[""] * 3,
        tensors=list(values.values()),
    )
    converter.convert(source, tmp_path / "out")
    assert (tmp_path / "out" / "variables" / "variables.data-00000-of-00002").stat().st_size == 8
    loaded = tf.saved_model.load(str(tmp_path / "out"))
    assert float(loaded(tf.constant([2.0]))[0]) == 3.0


def test_several_data_files_of_which_one_is_not_needed(golden_module, tmp_path):
    source = golden_module("half_plus_two")
    folder = source / "variables"
    parts = {
        "x": {"other": tf.zeros([8])},
        "y": {"a": tf.constant(0.5)},
        "z": {"b": tf.constant(2.0)},
    }
    for name, values in parts.items():
        tf.raw_ops.SaveV2(
            prefix=str(tmp_path / name),
            tensor_names=list(values),
            shape_and_slices=[""],
            tensors=list(values.values()),
        )
    shutil.rmtree(folder)
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=[str(tmp_path / name) for name in parts],
        destination_prefix=str(folder / "variables"),
        delete_old_dirs=False,
        allow_missing_files=False,
    )
    converter.convert(source, tmp_path / "out")
    assert _index_of(tmp_path / "out").shards == 3
    loaded = tf.saved_model.load(str(tmp_path / "out"))
    assert float(loaded(tf.constant([2.0]))[0]) == 3.0


def test_hardlinks(text, tmp_path):
    conversion = converter.convert(text, tmp_path / "out", hardlink=True)
    assert conversion.remarks == ()
    copy = tmp_path / "out" / "variables" / "variables.data-00000-of-00002"
    assert copy.samefile(text / "variables" / _NAME)
    converter.convert(text, tmp_path / "plain")
    _assert_equal_models(tmp_path / "plain", tmp_path / "out")


def test_hardlinks_that_cannot_be_are_said(text, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("another filesystem")

    monkeypatch.setattr("os.link", refuse)
    conversion = converter.convert(text, tmp_path / "out", hardlink=True)
    assert "the weights were copied" in conversion.remarks[0]
    assert msgspec.convert(conversion.to_json(), type(conversion)) == conversion
    assert conversion.warnings == ()


def test_long_copies_say_how_far_they_are(text, tmp_path, monkeypatch):
    monkeypatch.setattr(byte_progress, "_SMALL_BYTES", 1)
    said = []
    converter.convert(text, tmp_path / "out", progress=said.append)
    size = (text / "variables" / "variables.data-00000-of-00001").stat().st_size
    assert f"copying weights: {size} bytes of {size} bytes, 100%" in said


def test_any_damaged_byte_of_a_value_is_refused_by_name(golden_module, tmp_path):
    source = golden_module("dense_regularized")
    path = source / "variables" / _NAME
    content = path.read_bytes()
    index = checkpoint_index.read_index((source / "variables" / "variables.index").read_bytes())
    generator = random.Random(0)
    for position in generator.sample(range(len(content)), 12):
        damaged = bytearray(content)
        damaged[position] ^= 1 << generator.randrange(8)
        path.write_bytes(damaged)
        (name,) = (n for n, e in index.entries.items() if e.offset <= position < e.end)
        with pytest.raises(errors.WeightsError, match=f"variable '{name}' is damaged"):
            converter.convert(source, tmp_path / "out")
        assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("fixture", ["dense_regularized", "text_embedding_oov"])
def test_no_flipped_byte_makes_another_model(fixture, golden_module, tmp_path):
    """100 flips over data files and index: refused, or the same model."""
    source = golden_module(fixture)
    converter.convert(source, tmp_path / "plain")
    files = sorted((source / "variables").iterdir())
    generator = random.Random(1)
    refused = 0
    for number in range(100):
        path = generator.choice(files)
        content = path.read_bytes()
        damaged = bytearray(content)
        damaged[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
        path.write_bytes(damaged)
        try:
            converter.convert(source, tmp_path / str(number))
        except errors.ConversionError:
            refused += 1
        else:
            _assert_equal_models(tmp_path / "plain", tmp_path / str(number))
        path.write_bytes(content)
    assert refused > 50


def test_an_index_of_more_slices_than_it_has(text):
    path = text / "variables" / "variables.index"
    index = checkpoint_index.read_index(path.read_bytes())
    (whole,) = (name for name, entry in index.entries.items() if entry.slices)
    table = checkpoint_index.read_table(path.read_bytes())
    kept = {key: value for key, value in table.items() if key[:1] != b"\0"}
    path.write_bytes(checkpoint_index.write_table(kept))
    with pytest.raises(errors.WeightsError, match=f"a slice of '{whole}' is missing"):
        converter.inspect(text)
    path.write_bytes(checkpoint_index.write_index(Index(index.shards, index.entries)))
    assert converter.inspect(text).refused is None
