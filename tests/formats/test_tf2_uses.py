"""What is said of TF2 SavedModels works."""

import pytest
import tensorflow as tf
import tensorflow_hub as hub

from converter.formats.hub_module import read_saved_model
from converter.formats.tf2_uses import describe_uses


class Scaled(tf.Module):
    def __init__(self, *, trainable):
        super().__init__()
        self.scale = tf.Variable(2.0, trainable=trainable)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def __call__(self, x):
        return self.scale * x


class Attributes(Scaled):
    __call__ = None

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def double(self, x):
        return {"y": self.scale * x}


@pytest.fixture
def save(tmp_path):
    def call(module, **options):
        tf.saved_model.save(module, str(tmp_path / "tf2"), **options)
        return str(tmp_path / "tf2"), describe_uses(read_saved_model(tmp_path / "tf2"))

    return call


def test_a_callable_model_is_a_layer_that_trains(save):
    path, said = save(Scaled(trainable=True))
    assert said.endswith("hub.KerasLayer(PATH, trainable=True) fine-tunes it.")
    assert hub.load(path)(tf.constant([3.0])).numpy() == [6.0]


def test_a_model_without_variables_to_train_says_so(save):
    path, said = save(Scaled(trainable=False))
    assert said.endswith("it has no variables to train.")
    assert not hub.KerasLayer(path, trainable=True).trainable_variables


def test_a_model_with_signatures_alone(save):
    module = Attributes(trainable=True)
    path, said = save(module, signatures=module.double.get_concrete_function())
    assert "tf.saved_model.load(PATH).signatures['serving_default']" in said
    assert "which cannot train" in said
    layer = hub.KerasLayer(path, signature="serving_default", signature_outputs_as_dict=True)
    assert layer(tf.constant([3.0]))["y"].numpy() == [6.0]
    layer.trainable = True
    with pytest.raises(ValueError, match="signature"):
        layer(tf.constant([3.0]))


def test_a_model_of_other_functions(save):
    module = Attributes(trainable=True)
    module.double = tf.function(lambda x: {"y": module.scale * x})
    module.double(tf.constant([3.0]))
    path, said = save(module)
    assert said == "Nothing needs converting: use the attributes of tf.saved_model.load(PATH)."
    loaded = tf.saved_model.load(path)
    assert loaded.double(tf.constant([3.0]))["y"].numpy() == [6.0]
