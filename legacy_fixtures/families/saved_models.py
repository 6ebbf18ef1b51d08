"""TF1 SavedModels as programs wrote them that never heard of TF Hub."""

from __future__ import annotations

import os
import tempfile
from unittest import mock

import numpy as np
import tensorflow.compat.v1 as tf
import tensorflow_hub as hub
from tensorflow.python.keras import backend
from tensorflow.python.ops import lookup_ops

from legacy_fixtures import examples
from legacy_fixtures.exporting import SESSION_CONFIG
from legacy_fixtures.fixture import Call, Fixture, module_path, vocabulary_path
from legacy_fixtures.weights import seeded_value

SERVE = frozenset({"serve"})
_X = examples.normal(4, 3)
_WORDS = np.array([b"hello", b"world", b"unheard-of", b"hello"], dtype=object)


def _signature(inputs, outputs, method=tf.saved_model.PREDICT_METHOD_NAME):
    build = tf.saved_model.build_tensor_info
    return tf.saved_model.build_signature_def(
        {name: build(tensor) for name, tensor in inputs.items()},
        {name: build(tensor) for name, tensor in outputs.items()},
        method,
    )


def _session():
    """A session of the default graph with seeded weights, and local variables and tables ready."""
    session = tf.Session(config=SESSION_CONFIG)
    session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
    session.run(tf.tables_initializer())
    for variable in tf.global_variables():
        initial = np.asarray(session.run(variable), variable.dtype.base_dtype.as_numpy_dtype)
        variable.load(seeded_value(variable.op.name, initial), session)
    return session


def _build(fixture, path, *, as_text=False):
    """Writes a SavedModel whose `module_fn` returns signatures, and options of the builder."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with tf.Graph().as_default():
        signatures, options = fixture.module_fn()
        with _session() as session:
            builder = tf.saved_model.Builder(path)
            builder.add_meta_graph_and_variables(
                session, [tf.saved_model.tag_constants.SERVING], signatures, **options
            )
    builder.save(as_text=as_text)


def _dense(x, units=2, **options):
    kernel = tf.get_variable("kernel", [x.shape[-1], units], **options)
    return tf.matmul(x, kernel) + tf.get_variable("bias", [units], **options)


# Models.


def _export_simple(fixture, path):
    """`simple_save`, which writes no op that initializes anything."""
    del fixture
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        regularizer = tf.keras.regularizers.l2(0.1)
        with tf.variable_scope("layer", regularizer=regularizer):
            y = tf.nn.relu(_dense(x))
        with _session() as session:
            tf.saved_model.simple_save(session, path, {"x": x}, {"y": y})


def _table_signatures():
    words = tf.placeholder(tf.string, [None], name="words")
    table = tf.lookup.StaticVocabularyTable(
        tf.lookup.TextFileInitializer(
            vocabulary_path("words.txt"),
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        ),
        num_oov_buckets=1,
    )
    ids = table.lookup(words)
    embeddings = tf.get_variable("embeddings", [20, 4])
    vectors = tf.nn.embedding_lookup(embeddings, ids)
    signatures = {
        "serving_default": _signature({"words": words}, {"vectors": vectors}),
        "ids": _signature({"words": words}, {"ids": ids}),
        "mean": _signature({"words": words}, {"default": tf.reduce_mean(vectors, 0)}),
    }
    return signatures, {"assets_collection": tf.get_collection(tf.GraphKeys.ASSET_FILEPATHS)}


def _main_op_and_table():
    signatures, options = _table_signatures()
    return signatures, {**options, "main_op": tf.tables_initializer()}


def _legacy_init_op_and_table():
    signatures, options = _table_signatures()
    # The builder of TF 1.15 writes another collection, which older ones did not know.
    tf.add_to_collection("legacy_init_op", tf.tables_initializer())
    return signatures, options


def _normalized(training):
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    with tf.variable_scope("model", use_resource=True):
        y = tf.layers.batch_normalization(_dense(x, 4), training=training, name="norm")
    return {"serving_default": _signature({"x": x}, {"default": y})}


def _export_train_pair(fixture, path):
    """Two graph variants, {serve} and {serve, train}, as text."""
    del fixture
    os.makedirs(os.path.dirname(path), exist_ok=True)
    builder = tf.saved_model.Builder(path)
    with tf.Graph().as_default():
        signatures = _normalized(training=False)
        with _session() as session:
            builder.add_meta_graph_and_variables(session, ["serve"], signatures)
    with tf.Graph().as_default():
        builder.add_meta_graph(["serve", "train"], _normalized(training=True))
    builder.save(as_text=True)


def _partitioned():
    x = tf.placeholder(tf.int64, [None], name="ids")
    partitioner = tf.fixed_size_partitioner(3)
    embeddings = tf.get_variable("embeddings", [10, 4], partitioner=partitioner)
    vectors = tf.nn.embedding_lookup(embeddings, x, partition_strategy="div")
    return {"serving_default": _signature({"ids": x}, {"default": vectors})}, {}


def _control_flow():
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    steps = tf.placeholder_with_default(3, [], name="steps")
    kernel = tf.get_variable("kernel", [3, 3])
    _, looped = tf.while_loop(
        lambda i, _: i < steps, lambda i, v: (i + 1, tf.tanh(tf.matmul(v, kernel))), (0, x)
    )
    bias = tf.get_variable("bias", [3])
    branched = tf.cond(tf.reduce_sum(x) > 0, lambda: looped + bias, lambda: looped - bias)
    return {
        "serving_default": _signature({"x": x, "steps": steps}, {"default": branched}),
        "loop": _signature({"x": x}, {"default": looped}),
    }, {}


def _serialized_examples():
    """Serialized tf.Examples with the features that `_classify` reads."""
    made = []
    for row in examples.normal(4, 3, seed=3):
        example = tf.train.Example()
        example.features.feature["x"].float_list.value.extend(row)
        made.append(example.SerializeToString())
    return np.array(made, dtype=object)


def _classify():
    serialized = tf.placeholder(tf.string, [None], name="examples")
    features = tf.io.parse_example(serialized, {"x": tf.io.FixedLenFeature([3], tf.float32)})
    logits = _dense(features["x"], 3)
    scores = tf.sigmoid(logits)  # The gradients of the sum of a softmax are zeros, and noise.
    classes = tf.tile([["red", "green", "blue"]], [tf.shape(scores)[0], 1])
    signatures = {
        "serving_default": tf.saved_model.classification_signature_def(serialized, classes, scores),
        "regression": tf.saved_model.regression_signature_def(
            serialized, tf.reduce_sum(logits, 1, keepdims=True)
        ),
        "predict": _signature({"x": features["x"]}, {"logits": logits, "scores": scores}),
    }
    return signatures, {}


def _other_keys():
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    with tf.variable_scope("new"):
        y = _dense(x)
    with tf.variable_scope("swapped", use_resource=True):
        y = _dense(y)
    by_name = {variable.op.name: variable for variable in tf.global_variables()}
    # Each of the square kernels is stored where a reader who goes by names finds the other one.
    keys = {
        "old/weights": by_name["new/kernel"],
        "new/bias": by_name["swapped/bias"],
        "swapped/bias": by_name["new/bias"],
        "shadow/kernel": by_name["swapped/kernel"],
    }
    signatures = {"serving_default": _signature({"x": x}, {"default": y})}
    return signatures, {"saver": tf.train.Saver(keys)}


def _local_variables():
    """Local variables: two that the main op sets, and one that nobody needs."""
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    local = [tf.GraphKeys.LOCAL_VARIABLES]
    options = {"trainable": False, "collections": local}
    scale = tf.get_variable("scale", initializer=tf.constant([1.5, 2.5]), **options)
    count = tf.get_variable(
        "count", [], tf.int64, initializer=tf.ones_initializer(), use_resource=True, **options
    )
    tf.get_variable("noise", [2], initializer=tf.random_normal_initializer(seed=1), **options)
    y = _dense(x) * scale
    with tf.control_dependencies([count.assign_add(tf.shape(x, out_type=tf.int64)[0])]):
        counted = count.read_value()
    signatures = {
        "serving_default": _signature({"x": x}, {"default": y}),
        "count": _signature({"x": x}, {"count": counted}),
    }
    return signatures, {"main_op": tf.group(tf.local_variables_initializer())}


def _no_variables():
    x = tf.placeholder(tf.float32, [None], name="x")
    return {"serving_default": _signature({"x": x}, {"y": x * 2 + 1})}, {}


def _stored_tables():
    """Mutable tables of every kind that the checkpoint holds; the main op adds to one of them."""
    words = tf.placeholder(tf.string, [None], name="words")
    ids = lookup_ops.MutableHashTable(tf.string, tf.int64, -1, name="ids")
    vectors = lookup_ops.MutableHashTable(tf.string, tf.float32, [0.5, -0.5], name="vectors")
    dense = lookup_ops.DenseHashTable(tf.int64, tf.float32, -1.0, -7, -8, 64, name="dense")
    named = lookup_ops.DenseHashTable(tf.string, tf.int64, -2, "", "gone", 16, name="named")
    known = tf.constant(["hello", "world", "table"])
    inserts = [
        ids.insert(known, tf.constant([3, 4, 5], tf.int64)),
        vectors.insert(known, tf.constant(examples.normal(3, 2))),
        dense.insert(tf.range(3, 40, dtype=tf.int64), tf.range(37.0)),
        named.insert(known, tf.constant([6, 7, 8], tf.int64)),
    ]
    # In the graph before the saver, and run after it.
    main_op = tf.group(ids.insert(tf.constant(["hello"]), tf.constant([30], tf.int64)))
    found = ids.lookup(words)
    outputs = {
        "ids": found,
        "vectors": vectors.lookup(words) * tf.get_variable("scale", []),
        "dense": dense.lookup(found),
        "named": named.lookup(words),
        "sizes": tf.stack([table.size() for table in (ids, vectors, dense, named)]),
    }
    return {"serving_default": _signature({"words": words}, outputs)}, inserts, main_op


def _export_stored_tables(fixture, path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with tf.Graph().as_default():
        signatures, inserts, main_op = fixture.module_fn()
        with _session() as session:
            session.run(inserts)
            builder = tf.saved_model.Builder(path)
            builder.add_meta_graph_and_variables(session, SERVE, signatures, main_op=main_op)
    builder.save()


def _train_step():
    """A signature that trains, one that sets a weight, and one that only predicts."""
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    target = tf.placeholder(tf.float32, [None, 2], name="target")
    y = _dense(x)
    loss = tf.losses.mean_squared_error(target, y)
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    step = optimizer.minimize(loss, tf.train.get_or_create_global_step())
    with tf.control_dependencies([step]):
        stepped = tf.identity(loss)
    bias = tf.trainable_variables()[1]
    value = tf.placeholder(tf.float32, [2], name="value")
    signatures = {
        "serving_default": _signature({"x": x}, {"default": y}),
        "loss": _signature({"x": x, "target": target}, {"loss": loss}),
        "step": _signature({"x": x, "target": target}, {"loss": stepped}),
        "set_bias": _signature({"value": value}, {"bias": bias.assign(value)}),
    }
    tf.add_to_collection("saved_model_train_op", step)
    return signatures, {}


def _model_fn(features, labels, mode):
    hidden = tf.layers.dense(features["x"], 4, tf.nn.tanh)
    training = mode == tf.estimator.ModeKeys.TRAIN
    hidden = tf.layers.batch_normalization(hidden, training=training, momentum=0.9)
    y = tf.layers.dense(hidden, 2, kernel_regularizer=tf.keras.regularizers.l2(0.01))
    if mode == tf.estimator.ModeKeys.PREDICT:
        outputs = {"other": tf.estimator.export.PredictOutput({"sum": tf.reduce_sum(y, 1)})}
        return tf.estimator.EstimatorSpec(mode, predictions={"y": y}, export_outputs=outputs)
    loss = tf.losses.mean_squared_error(labels, y)
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        optimizer = tf.train.AdamOptimizer(0.01)
        train_op = optimizer.minimize(loss, tf.train.get_global_step())
    return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=train_op, predictions={"y": y})


def _serving_input_receiver():
    serialized = tf.placeholder(tf.string, [None], name="examples")
    features = tf.io.parse_example(serialized, {"x": tf.io.FixedLenFeature([3], tf.float32)})
    return tf.estimator.export.ServingInputReceiver(features, {"examples": serialized})


def _supervised_input_receiver():
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    labels = tf.placeholder(tf.float32, [None, 2], name="labels")
    return tf.estimator.experimental.build_raw_supervised_input_receiver_fn({"x": x}, labels)()


def _export_estimator(fixture, path):
    """Trains an Estimator, and exports it for prediction, evaluation and training."""
    del fixture
    config = tf.estimator.RunConfig(tf_random_seed=7, session_config=SESSION_CONFIG)
    batch = ({"x": examples.normal(16, 3)}, examples.normal(16, 2, seed=1))
    modes = tf.estimator.ModeKeys
    with tempfile.TemporaryDirectory() as scratch:
        estimator = tf.estimator.Estimator(_model_fn, os.path.join(scratch, "model"), config)
        estimator.train(lambda: tf.data.Dataset.from_tensors(batch).repeat(), max_steps=10)
        receivers = {
            modes.PREDICT: _serving_input_receiver,
            modes.EVAL: _supervised_input_receiver,
            modes.TRAIN: _supervised_input_receiver,
        }
        exported = estimator.experimental_export_all_saved_models(
            os.path.join(scratch, "export"), receivers
        )
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.rename(tf.compat.as_str(exported), path)


def _export_keras(fixture, path):
    """A compiled model of tf.keras, exported with its graph for training."""
    del fixture
    tf.keras.backend.clear_session()
    with tf.Graph().as_default(), tf.Session(config=SESSION_CONFIG).as_default():
        model = tf.keras.Sequential(
            [
                tf.keras.layers.Dense(4, "tanh", input_shape=(3,)),
                tf.keras.layers.BatchNormalization(),
                tf.keras.layers.Dense(2),
            ]
        )
        model.compile("sgd", "mse")
        initial = model.get_weights()
        names = [weight.op.name for weight in model.weights]
        model.set_weights([seeded_value(name, initial[i]) for i, name in enumerate(names)])
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with mock.patch.object(backend, "_get_variables", _sorted_variables):
            tf.keras.experimental.export_saved_model(model, path)


def _sorted_variables(graph, find=backend._get_variables):
    """Stands in for a function that returns a set, whose order goes into the graph."""
    return sorted(find(graph), key=lambda variable: variable.name)


def _export_module_of_saved_model(fixture, path):
    """A module for hub, made of the SavedModel of another fixture."""
    del fixture
    spec = hub.create_module_spec_from_saved_model(module_path("saved_model_main_op"))
    with tf.Graph().as_default():
        module = hub.Module(spec, tags=SERVE)
        with tf.Session(config=SESSION_CONFIG) as session:
            session.run(tf.global_variables_initializer())
            module.export(path, session)


def _saved_model(name, description, export, *calls, **options):
    return Fixture(
        name=f"saved_model_{name}",
        family="saved_models",
        description=description,
        calls=calls,
        export_tags=SERVE,
        is_saved_model=True,
        module_fn=options.pop("module_fn", lambda: None),
        export=export,
        **options,
    )


_WORD_CALLS = tuple(Call(name, {"words": _WORDS}) for name in ("serving_default", "ids", "mean"))
_EXAMPLES = _serialized_examples()

SIMPLE_SAVE = _saved_model(
    "simple_save",
    "simple_save of a layer with a regularizer",
    _export_simple,
    Call("serving_default", {"x": _X}),
)
MAIN_OP = _saved_model(
    "main_op",
    "a table that the main op fills, and three signatures",
    _build,
    *_WORD_CALLS,
    module_fn=_main_op_and_table,
)
LEGACY_INIT_OP = _saved_model(
    "legacy_init_op",
    "a table that a legacy init op fills",
    _build,
    *_WORD_CALLS,
    module_fn=_legacy_init_op_and_table,
)
TRAIN_PAIR = _saved_model(
    "train_pair",
    "graph variants {serve} and {serve, train}, written as text",
    _export_train_pair,
    Call("serving_default", {"x": examples.normal(8, 3)}),
)
PARTITIONED = _saved_model(
    "partitioned",
    "an embedding in three parts",
    _build,
    Call("serving_default", {"ids": np.int64([0, 3, 4, 9])}),
    module_fn=_partitioned,
)
CONTROL_FLOW = _saved_model(
    "control_flow",
    "a loop and a conditional over reference variables",
    _build,
    Call("serving_default", {"x": abs(_X), "steps": np.int32(2)}, "positive"),
    Call("serving_default", {"x": -abs(_X), "steps": np.int32(0)}, "negative, no iteration"),
    Call("loop", {"x": _X}),
    module_fn=_control_flow,
)
CLASSIFY = _saved_model(
    "classify",
    "classify, regress and predict signatures over serialized examples",
    _build,
    Call("serving_default", {"inputs": _EXAMPLES}),
    Call("regression", {"inputs": _EXAMPLES}),
    Call("predict", {"x": _X}),
    module_fn=_classify,
)
OTHER_KEYS = _saved_model(
    "other_keys",
    "variables that are stored under other keys",
    _build,
    Call("serving_default", {"x": _X}),
    module_fn=_other_keys,
)
LOCAL_VARIABLES = _saved_model(
    "local_variables",
    "local variables, which no checkpoint holds",
    _build,
    Call("serving_default", {"x": _X}),
    Call("count", {"x": _X}),
    module_fn=_local_variables,
)
STORED_TABLES = _saved_model(
    "stored_tables",
    "mutable tables of every kind that the checkpoint holds",
    _export_stored_tables,
    Call("serving_default", {"words": _WORDS}),
    module_fn=_stored_tables,
)
NO_VARIABLES = _saved_model(
    "no_variables",
    "neither variables nor a checkpoint",
    _build,
    Call("serving_default", {"x": examples.normal(5)}),
    module_fn=_no_variables,
)
TRAIN_STEP = _saved_model(
    "train_step",
    "signatures that train or set weights, which are left out",
    _build,
    Call("serving_default", {"x": _X}),
    Call("loss", {"x": _X, "target": examples.normal(4, 2, seed=2)}),
    module_fn=_train_step,
    left_out=("step", "set_bias"),
)
ESTIMATOR = _saved_model(
    "estimator",
    "an Estimator's exports for prediction, evaluation and training",
    _export_estimator,
    Call("serving_default", {"examples": _EXAMPLES}),
    Call("other", {"examples": _EXAMPLES}),
    Call("eval", {"x": _X, "label": examples.normal(4, 2, seed=2)}),
    Call("train", {"x": examples.normal(8, 3), "label": examples.normal(8, 2, seed=2)}),
    trained=True,
)
KERAS = _saved_model(
    "keras",
    "a compiled model of tf.keras, with graphs for prediction, evaluation and training",
    _export_keras,
    Call("serving_default", {"dense_input": _X}),
    Call("eval", {"dense_input": _X, "dense_1_target": examples.normal(4, 2, seed=2)}),
    Call("train", {"dense_input": _X, "dense_1_target": examples.normal(4, 2, seed=2)}),
)
HUB_MODULE_OF_SAVED_MODEL = Fixture(
    name="module_of_saved_model",
    family="saved_models",
    description="made by hub.create_module_spec_from_saved_model",
    module_fn=lambda: None,
    export=_export_module_of_saved_model,
    needs=("saved_model_main_op",),
    tags_and_args=((SERVE, {}),),
    export_tags=SERVE,
    calls=_WORD_CALLS,
)
