"""What is no converted module, or cannot be called, is refused with a remedy."""

import pathlib

import pytest
import tensorflow as tf
from golden.golden_values import GOLDEN

import converter
from converter.export.record import read_record
from converter.keras import ModuleLayer
from converter.keras.interface import read_interface


@pytest.fixture
def refusal():
    def refuse(*args, kind=converter.UsageError, **kwargs):
        with pytest.raises(kind) as info:
            ModuleLayer(*args, **kwargs)
        return info.value

    return refuse


def test_nothing_at_the_path(refusal, tmp_path):
    error = refusal(tmp_path / "absent", kind=converter.PathNotFoundError)
    assert "is not a directory" in error.message


def test_a_module_that_is_not_converted(refusal):
    error = refusal(GOLDEN / "half_plus_two" / "module")
    assert "is a TF1 Hub module that is not converted yet" in error.message
    assert "tf1hub convert" in error.remedy


def test_the_savedmodel_of_another_program(refusal, tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path))
    error = refusal(tmp_path)
    assert "is not a module that tf1hub converted" in error.message
    assert "TFSMLayer" in error.remedy


def test_a_damaged_record(refusal, own):
    path = own("half_plus_two")
    with open(f"{path}/assets.extra/conversion.json", "w") as file:
        file.write("{}")
    error = refusal(path, kind=converter.ParityError)
    assert "the record of" in error.message


def test_a_module_without_a_default_signature(refusal, converted):
    error = refusal(converted("odd_two_with_inputs"))
    assert error.message == "the module has no signature that is called by default"
    assert "Pass signature=, one of " in error.remedy


def test_a_signature_that_it_does_not_have(refusal, converted):
    error = refusal(converted("image_bn_dropout"), "images")
    assert error.message == "the module has no signature 'images'"
    assert "'image_classification'" in error.remedy


def test_a_signature_without_inputs(refusal, converted):
    error = refusal(converted("bert_tiny"), "tokenization_info")
    assert "'tokenization_info' has no required input" in error.message
    assert "tf.saved_model.load(path).tokenization_info()" in error.remedy


def test_a_trainable_variable_that_keras_cannot_have(refusal, converted):
    error = refusal(converted("unknown_shape_variable"), kind=converter.ConversionError)
    assert "variable 'kernel', float32 of shape None, cannot be a weight" in error.message


def test_a_signature_is_found_under_its_tf1_name(converted):
    path = pathlib.Path(converted("odd_signature_names"))
    callables = read_record(path).callables.items()
    renamed = {c.signature: name for name, c in callables if c.inputs and c.signature != name}
    assert renamed
    for signature, attribute in renamed.items():
        assert read_interface(path, signature) == read_interface(path, attribute)
