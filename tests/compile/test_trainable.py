import pytest
import tensorflow as tf

import converter
from converter import errors
from converter.compile.trainable import choose_trainable


@pytest.fixture
def stripped(golden_module, edit):
    """A SavedModel without collections, as an exporter with `clear_extraneous` writes it."""
    path = golden_module("saved_model_simple_save")
    with edit(path) as saved_model:
        saved_model.meta_graphs[0].collection_def.clear()
    return path


def test_without_a_pattern_nothing_changes(make_legacy, make_variant):
    legacy = make_legacy(make_variant())
    assert choose_trainable(legacy, None) is legacy


def test_it_does_nothing_to_names_in_which_it_is_not_found(make_legacy, make_variant):
    legacy = make_legacy(make_variant(variables=("w/kernel", "b")), keys=("w/kernel", "b"))
    (program,) = choose_trainable(legacy, "kern").variants.values()
    assert {s.name: s.trainable for s in program.variables.values()} == {
        "w/kernel": True, "b": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "trainable='\\(' is not a regular expression"),
        ("zzz", "matches no variable of floating-point numbers"),
    ],
)
def test_a_pattern_that_is_no_use(pattern, message, make_legacy, make_variant):
    with pytest.raises(errors.UsageError, match=message):
        choose_trainable(make_legacy(make_variant()), pattern)


def test_a_module_that_lists_its_own_is_left_alone(make_legacy, make_variant):
    legacy = make_legacy(make_variant(trainable=("w",)))
    with pytest.raises(errors.UsageError, match="that itself lists 1 trainable ones, such as 'w'"):
        choose_trainable(legacy, "w")


def test_a_stripped_model_trains(stripped, tmp_path):
    converter.convert(stripped, tmp_path / "frozen")
    assert not tf.saved_model.load(str(tmp_path / "frozen")).trainable_variables
    conversion = converter.convert(stripped, tmp_path / "out", trainable="kernel|bias")
    assert conversion.record.options["trainable"] == "kernel|bias"
    model = tf.saved_model.load(str(tmp_path / "out"))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(tf.ones([4, 3]))["y"])
    assert len(model.trainable_variables) == 2
    assert None not in tape.gradient(loss, model.trainable_variables)
    report = converter.verify(stripped, tmp_path / "out")
    assert report.passed, report.sentence()


def test_without_the_option_the_record_does_not_name_it(stripped, tmp_path):
    assert "trainable" not in converter.convert(stripped, tmp_path / "out").record.options
