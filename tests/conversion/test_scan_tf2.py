"""No false alarms: SavedModels that Keras 3, Keras 2 and `tf.Module` write have no findings."""

import pathlib

import pytest
import tensorflow as tf

import converter

WORDS = ["cat", "dog", "a longer word"]


def _save_keras3(make):
    def save(folder):
        import keras

        keras.utils.set_random_seed(1)
        make(keras).export(folder)

    return save


def _save_keras2(make):
    def save(folder):
        import tf_keras

        tf_keras.utils.set_random_seed(1)
        make(tf_keras).save(folder, save_format="tf")

    return save


def _dense(keras):
    return keras.Sequential([keras.Input([4]), keras.layers.Dense(3, "relu")])


def _conv(keras):
    layers = [keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization()]
    layers += [keras.layers.MaxPool2D(), keras.layers.Flatten(), keras.layers.Dropout(0.5)]
    return keras.Sequential([keras.Input([8, 8, 3]), *layers, keras.layers.Dense(2)])


def _lstm(keras):
    return keras.Sequential([keras.Input([5, 3]), keras.layers.LSTM(4)])


def _gru(keras):
    recurrent = keras.layers.Bidirectional(keras.layers.GRU(4, return_sequences=True))
    return keras.Sequential([keras.Input([5, 3]), recurrent])


def _strings(keras):
    words = keras.layers.StringLookup(vocabulary=WORDS)
    embedding = keras.layers.Embedding(len(WORDS) + 1, 4)
    return keras.Sequential([keras.Input([2], dtype="string"), words, embedding])


def _vocabulary_file(keras):
    path = pathlib.Path(_vocabulary_file.folder, "words.txt")
    path.write_text("\n".join(WORDS))
    words = keras.layers.StringLookup(vocabulary=str(path))
    return keras.Sequential([keras.Input([2], dtype="string"), words])


def _vectorization(keras):
    layer = keras.layers.TextVectorization(vocabulary=WORDS, output_sequence_length=4)
    return keras.Sequential([keras.Input([], dtype="string"), layer])


def _preprocessing(keras):
    normalize = keras.layers.Normalization(mean=[1.0], variance=[2.0])
    layers = [normalize, keras.layers.Discretization([0.0, 1.0])]
    return keras.Sequential([keras.Input([1]), *layers])


def _integers(keras):
    layers = [keras.layers.IntegerLookup(vocabulary=[3, 5, 7]), keras.layers.CategoryEncoding(4)]
    return keras.Sequential([keras.Input([1], dtype="int64"), *layers])


def _augmentation(keras):
    layers = [keras.layers.Rescaling(0.5), keras.layers.RandomFlip(), keras.layers.Resizing(4, 4)]
    return keras.Sequential([keras.Input([8, 8, 3]), *layers])


def _attention(keras):
    inputs = keras.Input([5, 8])
    attended = keras.layers.MultiHeadAttention(2, 4)(inputs, inputs)
    return keras.Model(inputs, keras.layers.LayerNormalization()(attended))


def _compiled(keras):
    model = _dense(keras)
    model.compile("adam", "mse")
    model.fit(tf.ones([8, 4]), tf.ones([8, 3]), verbose=0)
    return model


class _Module(tf.Module):
    def __init__(self):
        super().__init__()
        self.weight = tf.Variable([1.0, 2.0])

    @tf.function(input_signature=[tf.TensorSpec([None, 2])])
    def __call__(self, x):
        return x * self.weight


def _plain(folder):
    tf.saved_model.save(_Module(), folder)


def _control_flow(folder):
    module = tf.Module()
    module.v = tf.Variable(1.0)

    @tf.function(input_signature=[tf.TensorSpec([])])
    def run(x):
        for i in tf.range(3):
            if x > 1.0:
                module.v.assign_add(x)
                tf.print("step", i)
        tf.debugging.assert_greater(x, 0.0)
        return tf.map_fn(lambda y: y * module.v, tf.stack([x, x]))

    module.run = run
    tf.saved_model.save(module, folder)


def _table_from_file(folder):
    path = pathlib.Path(folder + "_words.txt")
    path.write_text("\n".join(WORDS))
    module = tf.Module()
    index = tf.lookup.TextFileIndex
    initializer = tf.lookup.TextFileInitializer(
        str(path), tf.string, index.WHOLE_LINE, tf.int64, index.LINE_NUMBER
    )
    module.table = tf.lookup.StaticVocabularyTable(initializer, 2)
    module.find = tf.function(module.table.lookup, [tf.TensorSpec([None], tf.string)])
    tf.saved_model.save(module, folder)


def _table_in_memory(folder):
    module = tf.Module()
    values = tf.range(len(WORDS), dtype=tf.int64)
    initializer = tf.lookup.KeyValueTensorInitializer(WORDS, values)
    module.table = tf.lookup.StaticHashTable(initializer, -1)
    module.more = tf.lookup.experimental.DenseHashTable(tf.int64, tf.int64, -1, -2, -3)
    module.find = tf.function(module.table.lookup, [tf.TensorSpec([None], tf.string)])
    tf.saved_model.save(module, folder)


def _gradients(folder):
    module = _Module()

    @tf.custom_gradient
    def clip(x):
        return x, lambda dy: tf.clip_by_value(dy, -1.0, 1.0)

    module.clip = tf.function(clip, [tf.TensorSpec([2])])
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=True)
    tf.saved_model.save(module, folder, options=options)


def _random(folder):
    module = tf.Module()
    module.generator = tf.random.Generator.from_seed(1)
    module.draw = tf.function(lambda: module.generator.normal([2]), [])
    tf.saved_model.save(module, folder)


def _ragged(folder):
    module = tf.Module()
    spec = tf.RaggedTensorSpec([None, None], tf.float32)
    module.run = tf.function(lambda x: tf.reduce_sum(x, axis=1), [spec])
    tf.saved_model.save(module, folder)


def _sharded(folder):
    module = _Module()
    options = tf.saved_model.SaveOptions(experimental_io_device="/job:localhost")
    tf.saved_model.save(module, folder, options=options)


def _tf1_builder(folder):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, [None])
        v = tf.compat.v1.get_variable("v", [1], use_resource=False)
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.saved_model.simple_save(session, folder, {"x": x}, {"y": x * v})


_KERAS = (_dense, _conv, _lstm, _gru, _strings, _vocabulary_file, _vectorization, _preprocessing,
          _integers, _augmentation, _attention, _compiled)  # fmt: skip
_WRITERS = {
    **{f"keras3{make.__name__}": _save_keras3(make) for make in _KERAS},
    **{f"keras2{make.__name__}": _save_keras2(make) for make in _KERAS},
    **{
        f"module{save.__name__}": save
        for save in (_plain, _control_flow, _table_from_file, _table_in_memory, _gradients,
                     _random, _ragged, _sharded, _tf1_builder)
    },
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", _WRITERS)
def test_it_finds_nothing_in_a_model_that_does_no_harm(name, tmp_path):
    _vocabulary_file.folder = tmp_path
    _WRITERS[name](str(tmp_path / "model"))
    report = converter.scan(tmp_path / "model")
    assert report.findings == ()
    assert report.nodes > 0
    # The saver of each is recognized, not overlooked.
    saved = {note.op for note in report.notes}
    assert {"RestoreV2", "SaveV2", "MergeV2Checkpoints"} <= saved
    assert {run for note in report.notes for run in note.runs} == {"load", "save"}
