"""Edits of saved_model.pb."""

import pathlib

import tensorflow as tf

from converter import tf_private
from converter.export.canonical import canonicalize, read_saved_model, write_saved_model_proto


def save(module, path, **signatures) -> pathlib.Path:
    tf.saved_model.save(module, str(path), signatures=signatures or None)
    return path


def canonicalize_file(path):
    saved_model = read_saved_model(path)
    names = canonicalize(saved_model.meta_graphs[0])
    write_saved_model_proto(saved_model, path)
    return names


class Doubler(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="input_0")])
    def __call__(self, input_0):
        return {"out": self.inner(input_0)}

    @tf.function
    def inner(self, x):
        return 2 * x


def test_functions_are_named_by_place_not_by_count(tmp_path):
    one = save(Doubler(), tmp_path / "one")
    two = save(Doubler(), tmp_path / "two")
    assert (one / "saved_model.pb").read_bytes() != (two / "saved_model.pb").read_bytes()
    for path in (one, two):
        canonicalize_file(path)
    assert (one / "saved_model.pb").read_bytes() == (two / "saved_model.pb").read_bytes()
    assert (one / "fingerprint.pb").read_bytes() == (two / "fingerprint.pb").read_bytes()


def test_it_returns_the_new_names_by_the_old_ones(tmp_path):
    names = canonicalize_file(save(Doubler(), tmp_path / "model"))
    functions = read_saved_model(tmp_path / "model").meta_graphs[0].graph_def.library.function
    assert set(names.values()) == {function.signature.name for function in functions}


def test_the_settings_of_the_process_are_left_out(tmp_path):
    paths = [save(Doubler(), tmp_path / "one")]
    canonicalize_file(paths[0])
    option = "disable_meta_optimizer"
    before = tf.config.optimizer.get_experimental_options().get(option, False)
    for number, value in enumerate([True, False]):
        try:
            tf.config.optimizer.set_experimental_options({option: value})
            paths.append(save(Doubler(), tmp_path / str(number)))
            settings = tf_private.settings_of_calls()
            assert settings in (paths[-1] / "saved_model.pb").read_bytes()
            canonicalize_file(paths[-1])
        finally:
            tf.config.optimizer.set_experimental_options({option: before})
    first, *others = [(path / "saved_model.pb").read_bytes() for path in paths]
    assert all(content == first for content in others)


def test_calls_of_the_module_keep_their_settings(tmp_path):
    path = save(Doubler(), tmp_path / "model")
    saved_model = read_saved_model(path)
    functions = saved_model.meta_graphs[0].graph_def.library.function
    calls = [node for f in functions for node in f.node_def if "config_proto" in node.attr]
    for node in calls:
        node.attr["config_proto"].s = b"of the module"
    write_saved_model_proto(saved_model, path)
    canonicalize_file(path)
    assert (path / "saved_model.pb").read_bytes().count(b"of the module") == len(calls) > 0


def test_the_model_still_works(tmp_path):
    module = Doubler()
    path = save(module, tmp_path / "model", serve=module.__call__)
    canonicalize_file(path)
    loaded = tf.saved_model.load(str(path))
    assert loaded(tf.constant([2.0]))["out"].numpy().tolist() == [4.0]
    assert loaded.signatures["serve"](tf.constant([2.0]))["out"].numpy().tolist() == [4.0]


def test_the_fingerprint_fits_the_file(tmp_path):
    path = save(Doubler(), tmp_path / "model")
    before = tf.saved_model.experimental.read_fingerprint(str(path))
    canonicalize_file(path)
    after = tf.saved_model.experimental.read_fingerprint(str(path))
    assert after.saved_model_checksum != before.saved_model_checksum
    other = save(Doubler(), tmp_path / "other")
    canonicalize_file(other)
    assert tf.saved_model.experimental.read_fingerprint(str(other)) == after


class Adder(tf.Module):
    def __init__(self):
        super().__init__()
        self.weight = tf.Variable(1.0)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="input_0")])
    def __call__(self, input_0):
        return self.weight + input_0


def test_arguments_keep_their_names_and_captures_lose_theirs(tmp_path):
    path = save(Adder(), tmp_path / "model")
    assert any(name.isdigit() for name in _names_of_arguments(path))
    canonicalize_file(path)
    assert "input_0" in _names_of_arguments(path)
    assert not any(name.isdigit() for name in _names_of_arguments(path))


def _names_of_arguments(path):
    return {
        arg.attr["_user_specified_name"].s.decode()
        for function in read_saved_model(path).meta_graphs[0].graph_def.library.function
        for arg in function.arg_attr.values()
    }


class Looping(tf.Module):
    """Functions of loops and branches, with captures and arguments that nobody uses."""

    def __init__(self):
        super().__init__()
        self.weight = tf.Variable(2.0)

    @tf.function(input_signature=[tf.TensorSpec([], tf.float32)] * 2, autograph=False)
    def __call__(self, x, limit):
        def branch(value):
            return tf.cond(value > 1, lambda: value * self.weight, lambda: value + limit)

        return tf.while_loop(lambda i, _: i < 3, lambda i, v: (i + 1, branch(v)), (0, x))[1]


def test_functions_of_loops_and_branches_have_the_same_bytes_too(tmp_path):
    one = save(Looping(), tmp_path / "one")
    save(Doubler(), tmp_path / "between")
    two = save(Looping(), tmp_path / "two")
    for path in (one, two):
        canonicalize_file(path)
    assert (one / "saved_model.pb").read_bytes() == (two / "saved_model.pb").read_bytes()
    loaded = tf.saved_model.load(str(two))
    assert float(loaded(tf.constant(0.5), tf.constant(1.0))) == 6
