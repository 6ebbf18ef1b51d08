import numpy as np
import pytest
import tensorflow as tf
import tensorflow.compat.v1 as tf1
from hub_stand_ins import make_meta_graph

from converter import errors
from converter.safety.allowed_ops import NONE, AllowedOps
from converter.sources.initializers import run_initializers


def _get(name, *, seed=None, **fields):
    initializer = tf1.random_normal_initializer(seed=seed)
    return tf1.get_variable(name, [3], initializer=initializer, **fields)


def _run(*module_fns, allowed=NONE):
    tags = ["", "train", "other"]
    graphs = [make_meta_graph(fn, {tag} - {""}) for fn, tag in zip(module_fns, tags, strict=False)]
    found = run_initializers(graphs, allowed)
    return {item.spec.name: item.value for item in found.values}, found.unseeded


def _in_session(module_fn):
    """The values that TF1's own way gives: all initializers of a graph at once."""
    with tf.Graph().as_default(), tf1.Session() as session:
        with tf1.variable_scope("", use_resource=True):
            module_fn()
        session.run(tf1.global_variables_initializer())
        return {v.op.name: session.run(v) for v in tf1.global_variables()}


def _initialized(variable):
    """The value of a variable; before it has one, its initial value."""
    is_initialized = tf1.is_variable_initialized(variable)
    return tf.cond(is_initialized, variable.read_value, lambda: variable.initial_value)


def _seeded():
    tf1.set_random_seed(11)
    first = _get("first")
    _get("second", seed=5, use_resource=False)
    # The second initializer needs the value of the first.
    tf1.get_variable("doubled", initializer=_initialized(first) * 2)
    with tf1.variable_scope("p", partitioner=tf1.fixed_size_partitioner(2)):
        _get("parts", seed=3)
    tf1.get_variable("words", initializer=tf.constant([b"a\0", b""]))
    tf1.get_variable("flag", initializer=True, trainable=False)


def test_values_are_those_of_a_session_that_runs_the_same_initializers():
    values, unseeded = _run(_seeded)
    expected = _in_session(_seeded)
    assert values.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(values[name], value)
        assert values[name].dtype == np.asarray(value).dtype
    assert unseeded == ()
    assert _run(_seeded)[0]["first"].tolist() == values["first"].tolist()


def test_graph_variants_share_variables_and_the_one_without_tags_initializes_them():
    def training():
        shared = _get("shared", seed=2)
        tf1.get_variable("average", initializer=_initialized(shared) + 1)

    def inference():
        _get("shared", seed=1)

    values, _ = _run(inference, training)
    assert values["shared"].tolist() == _in_session(inference)["shared"].tolist()
    np.testing.assert_array_equal(values["average"], values["shared"] + 1)
    graphs = [make_meta_graph(training, {"train"}), make_meta_graph(inference)]
    again = {item.spec.name: item.value for item in run_initializers(graphs, NONE).values}
    assert again["shared"].tolist() == values["shared"].tolist()


@pytest.mark.parametrize("use_resource", [True, False])
def test_a_variable_that_another_variant_initialized_keeps_its_value(use_resource):
    def one():
        _get("shared", seed=1, use_resource=use_resource)

    def other():
        shared = _get("shared", seed=2, use_resource=use_resource)
        tf1.get_variable("copy", initializer=_initialized(shared))

    values, _ = _run(one, other)
    assert values["copy"].tolist() == values["shared"].tolist()


def test_variables_without_seeds_are_listed():
    def module_fn():
        _get("seeded", seed=1)
        _get("unseeded")
        tf1.get_variable("zeros", [2], initializer=tf1.zeros_initializer())
        unseeded = tf.function(lambda: tf.random.uniform([2]))
        tf1.get_variable("called", initializer=unseeded())
        shuffled = tf.random.shuffle(tf.constant([1.0, 2.0]), seed=1)
        tf1.get_variable("shuffled", initializer=shuffled)
        drawn = tf.raw_ops.NonDeterministicInts(shape=[2], dtype=tf.int64)
        tf1.get_variable("never", initializer=drawn)

    assert _run(module_fn)[1] == ("unseeded", "called", "never")


def test_an_initializer_restores_from_a_checkpoint(tmp_path):
    with tf.Graph().as_default(), tf1.Session() as session:
        tf1.get_variable("v", initializer=[1.5, 2.5])
        session.run(tf1.global_variables_initializer())
        path = tf1.train.Saver().save(session, str(tmp_path / "trained"))

    def module_fn():
        tf1.train.init_from_checkpoint(path, {"v": tf1.get_variable("w", [2])})

    values, unseeded = _run(module_fn)
    assert values["w"].tolist() == [1.5, 2.5]
    assert unseeded == ()


def test_an_op_that_could_do_harm_is_refused_unless_it_is_let_through(tmp_path):
    file = tmp_path / "secret"
    file.write_text("1.5")

    def module_fn():
        text = tf.io.read_file(str(file))
        tf1.get_variable("v", initializer=tf.strings.to_number(text))

    with pytest.raises(errors.UnsafeModuleError, match="op 'ReadFile' is not allowed"):
        _run(module_fn)
    values, _ = _run(module_fn, allowed=AllowedOps(("ReadFile",)))
    assert values["v"] == 1.5


def test_an_op_in_a_function_of_an_initializer_is_refused():
    def module_fn():
        read = tf.function(lambda: tf.strings.to_number(tf.io.read_file("/etc/hostname")))
        tf1.get_variable("v", initializer=read())

    with pytest.raises(errors.UnsafeModuleError, match="op 'ReadFile' is not allowed"):
        _run(module_fn)


def test_it_does_nothing_because_no_initializer_needs_an_op():
    def module_fn():
        tf.io.read_file("/etc/hostname")
        tf.function(lambda: tf.io.read_file("/etc/hostname"))()
        tf1.get_variable("v", initializer=1.0)

    assert _run(module_fn)[0] == {"v": 1.0}


def test_an_initializer_that_fails():
    def module_fn():
        with tf.control_dependencies([tf.debugging.Assert(tf.equal(_get("v")[0], 7.0), ["odd"])]):
            tf1.get_variable("w", initializer=tf.constant(1.0) * 1)
        bad = tf.reshape(tf.range(tf.random.uniform([], 3, 5, tf.int32)), [7])
        tf1.get_variable("x", initializer=bad)

    with pytest.raises(errors.WeightsError, match="the initializers of the variables fail: "):
        _run(module_fn)
