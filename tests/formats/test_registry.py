import os

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from converter import errors
from converter.compile.computations import compile_computation
from converter.compile.lowering import Lowering
from converter.compile.plan import make_plan
from converter.formats import registry
from converter.formats.registry import FORMATS, read_module


def test_every_golden_module_is_read_and_planned(fixture_name, golden_module):
    module = read_module(golden_module(fixture_name))
    assert module.is_hub_module == (not fixture_name.startswith(("saved_model_", "served_")))
    assert make_plan(module).callables


def test_a_path_may_be_a_string(half_plus_two):
    assert read_module(str(half_plus_two)).directory == half_plus_two


def test_formats_have_names_of_their_own():
    assert len({candidate.name for candidate in FORMATS}) == len(FORMATS)


def test_reading_changes_nothing(half_plus_two):
    def snapshot():
        return {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in half_plus_two.rglob("*.*")}

    before = snapshot()
    make_plan(read_module(half_plus_two))
    assert snapshot() == before


# Not a module.


def test_absent(tmp_path, refusal):
    error = refusal(tmp_path / "gone", errors.PathNotFoundError)
    assert "gone does not exist" in str(error)
    assert error.remedy


def test_empty(tmp_path, refusal):
    error = refusal(tmp_path)
    assert "is empty" in str(error)
    assert error.remedy


@pytest.mark.parametrize("name", ["module.tar.gz", "saved_model.pb"])
def test_a_file(name, tmp_path, refusal):
    (tmp_path / name).write_bytes(b"")
    error = refusal(tmp_path / name)
    assert f"{name} is a file, expected the directory" in str(error)
    assert error.remedy


def test_a_directory_of_something_else(tmp_path, refusal):
    (tmp_path / "readme.txt").write_text("hello")
    error = refusal(tmp_path)
    assert "neither tfhub_module.pb nor saved_model.pb" in str(error)
    assert error.remedy


def test_the_parent_of_a_module(half_plus_two, refusal):
    assert "neither tfhub_module.pb nor" in str(refusal(half_plus_two.parent))


def test_already_tf2(tmp_path, refusal):
    tf.saved_model.save(tf.Module(), str(tmp_path / "tf2"))
    error = refusal(tmp_path / "tf2")
    assert "is a TF2 SavedModel already" in str(error)
    assert "tf.saved_model.load" in error.remedy


def test_a_directory_that_may_not_be_read(half_plus_two, refusal, monkeypatch):
    def deny(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(type(half_plus_two), "read_bytes", deny)
    assert "cannot be read: Permission denied" in str(refusal(half_plus_two))


# Whatever bytes a file holds, reading ends in a module or in a ConversionError.

_FILES = ("saved_model.pb", "tfhub_module.pb", "variables/variables.index")


def _read_and_run_passes(directory):
    legacy = read_module(directory)
    plan = make_plan(legacy)
    for part in plan.callables.values():
        program = legacy.variants[part.tags]
        signature = program.signatures[part.signature]
        compile_computation(program, signature.inputs, signature.outputs, Lowering(), updates=True)


def _attempt(directory):
    try:
        _read_and_run_passes(directory)
    except errors.ConversionError as error:
        return str(error)
    return "read"


@pytest.mark.parametrize("name", _FILES)
@settings(max_examples=200)
@given(data=st.data())
def test_damaged_bytes_end_in_a_conversion_error(name, data, golden_module, tmp_path):
    module = tmp_path / "half_plus_two"
    if not module.exists():
        golden_module("half_plus_two")
        (tmp_path / "intact").write_bytes((module / name).read_bytes())
    content = bytearray((tmp_path / "intact").read_bytes())
    flips = st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255))
    for position, value in data.draw(st.lists(flips, max_size=4)):
        content[position] = value
    length = data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))
    (module / name).write_bytes(content[:length])
    assert "\n" not in _attempt(module)


@pytest.mark.parametrize("name", _FILES)
def test_every_truncation_ends_in_a_conversion_error(name, half_plus_two):
    content = (half_plus_two / name).read_bytes()
    for length in range(0, len(content), max(1, len(content) // 60)):
        os.truncate(half_plus_two / name, 0)
        (half_plus_two / name).write_bytes(content[:length])
        assert "\n" not in _attempt(half_plus_two)


def test_the_intact_module_passes_the_same_way(half_plus_two):
    _read_and_run_passes(half_plus_two)
    assert registry.read_module(half_plus_two).checkpoint.entries
