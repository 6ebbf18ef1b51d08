"""Modules in memory: real specs and live modules of the last tensorflow_hub that makes them.

`scripts/test_matrix --only hub0.15 --tests tests/interface/test_module_specs.py` runs them; so does
CI.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
import tensorflow.compat.v1 as tf1
from golden.golden_values import GOLDEN

import converter

hub = pytest.importorskip("tensorflow_hub")
from interface.module_functions import module_fn, nested_module_fn  # noqa: E402

pytestmark = pytest.mark.skipif(
    not hasattr(hub, "create_module_spec"),
    reason="this tensorflow_hub has no hub.create_module_spec: install the extra `memory`",
)

_FILE = pathlib.Path(__file__).parent / "module_functions.py"
_VALUES = json.loads(_FILE.with_suffix(".json").read_text())
_VARIANTS = [(set(), {"is_training": False}), ({"train"}, {"is_training": True})]
X = np.linspace(-2, 2, 24).reshape(8, 3).astype(np.float32)
WORDS = np.array([b"b", b"?", b"a"])


@pytest.fixture
def words(tmp_path):
    """The file of a vocabulary."""
    file = tmp_path / "words.txt"
    file.write_text("a\nb\nc\n")
    return file


@pytest.fixture
def spec(words):
    return hub.create_module_spec(
        module_fn, [(t, {"words": str(words), **a}) for t, a in _VARIANTS]
    )


def _in_session(spec, change=lambda: (), **arguments):
    """What hub's own module of a spec computes in a session, initialized there."""
    with tf.Graph().as_default(), tf1.Session() as session:
        module = hub.Module(spec, trainable=True, **arguments)
        y = module(X, as_dict=True)
        updates = tf1.get_collection(tf1.GraphKeys.UPDATE_OPS)
        ids = module(WORDS, signature="look")
        loss = tf.reduce_sum(y["default"] ** 2)
        variables = tf1.trainable_variables()
        gradients = tf1.gradients(loss, variables)
        losses = tf1.get_collection(tf1.GraphKeys.REGULARIZATION_LOSSES)
        session.run([tf1.global_variables_initializer(), tf1.tables_initializer()])
        session.run(list(change()))
        names = [v.op.name.removeprefix("module/") for v in variables]
        found = session.run(
            {
                "y": y, "ids": ids, "losses": losses,
                "gradients": dict(zip(names, gradients, strict=True)),
            }
        )  # fmt: skip
        session.run(updates)
        found["after"] = {
            v.op.name.removeprefix("module/"): session.run(v) for v in tf1.global_variables()
        }
    return found


def _compare(obj, expected):
    for name, value in obj(X, return_endpoints=True).items():
        np.testing.assert_allclose(value, expected["y"][name], rtol=1e-6)
    np.testing.assert_array_equal(obj.look(WORDS), expected["ids"])
    found = [loss() for loss in obj.regularization_losses]
    np.testing.assert_allclose(found, expected["losses"], rtol=1e-6)


def test_a_spec_computes_and_trains_as_hub_s_own_module(spec, words, tmp_path):
    expected, training = _in_session(spec), _in_session(spec, tags={"train"})
    conversion = converter.convert(spec, tmp_path / "result", verify=True)
    assert conversion.verdict == "equal"
    live = converter.load(spec)
    words.unlink()
    obj = tf.saved_model.load(str(tmp_path / "result"))
    for module in (obj, live):
        _compare(module, expected)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(module(X, training=True) ** 2)
        names = [v.name.partition(":")[0] for v in module.trainable_variables]
        assert set(names) == set(training["gradients"])
        gradients = tape.gradient(loss, module.trainable_variables)
        for name, gradient in zip(names, gradients, strict=True):
            np.testing.assert_allclose(gradient, training["gradients"][name], rtol=1e-5)
        for variable in module.variables:
            name = variable.name.partition(":")[0]
            np.testing.assert_allclose(variable, training["after"][name], rtol=1e-6)
    size = conversion.record.attachments[0].json["default_image_size"]
    assert size == {"height": 8, "width": 9}


def test_initial_values_are_those_of_tensorflow_1_15(spec):
    found = {v.name.partition(":")[0]: v.numpy() for v in converter.load(spec).variables}
    assert found.keys() == _VALUES.keys()
    for name, value in _VALUES.items():
        np.testing.assert_allclose(found[name], np.array(value), rtol=1e-6)


def test_a_result_is_used_and_saved_again_in_another_process(spec, words, tmp_path):
    expected = _in_session(spec)
    converter.convert(spec, tmp_path / "result")
    words.unlink()
    np.save(tmp_path / "x.npy", X)
    program = (
        "import sys, numpy as np, tensorflow as tf\n"
        "first, second, x, out = sys.argv[1:]\n"
        "obj = tf.saved_model.load(first)\n"
        "obj.variables[0].assign_add(tf.ones_like(obj.variables[0]))\n"
        "obj.variables[0].assign_sub(tf.ones_like(obj.variables[0]))\n"
        "tf.saved_model.save(obj, second)\n"
        "again = tf.saved_model.load(second)\n"
        "np.save(out, again(np.load(x)).numpy())\n"
    )
    places = [str(tmp_path / name) for name in ("result", "again", "x.npy", "y.npy")]
    subprocess.run([sys.executable, "-c", program, *places], check=True, capture_output=True)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), expected["y"]["default"], rtol=1e-5)


def test_a_live_module_has_the_values_of_its_session(spec, tmp_path):
    def change():
        return [tf1.assign_add(v, tf.ones_like(v)) for v in tf1.trainable_variables()]

    expected = _in_session(spec, change)
    with tf.Graph().as_default(), tf1.variable_scope("outer"):
        module = hub.Module(spec, trainable=True, name="mine", tags={"train"})
        with tf1.Session() as session:
            session.run(tf1.global_variables_initializer())
            session.run(change())
            conversion = converter.convert(module, tmp_path / "result", verify=True)
            assert converter.verify(module, tmp_path / "result").verdict == "equal"
    assert conversion.verdict == "equal"
    assert conversion.record.source.in_memory.values == "session"
    _compare(tf.saved_model.load(str(tmp_path / "result")), expected)


def test_a_monitored_session_has_the_values(spec):
    with tf.Graph().as_default():
        module = hub.Module(spec)
        with tf1.train.SingularMonitoredSession() as session:
            loaded = converter.load(module, session=session)
    np.testing.assert_array_equal(loaded(X), converter.load(spec)(X))


def test_what_hub_exports_is_the_same_module(spec, tmp_path):
    with tf.Graph().as_default(), tf1.Session() as session:
        module = hub.Module(spec)
        session.run(tf1.global_variables_initializer())
        module.export(str(tmp_path / "exported"), session)
    converter.convert(tmp_path / "exported", tmp_path / "from_files")
    converter.convert(spec, tmp_path / "from_spec")
    converter.convert(hub.load_module_spec(str(tmp_path / "exported")), tmp_path / "from_loaded")
    graphs = {
        (tmp_path / name / "saved_model.pb").read_bytes()
        for name in ("from_files", "from_spec", "from_loaded")
    }
    assert len(graphs) == 1


@pytest.mark.parametrize("name", ["text_embedding_oov", "image_bn_dropout", "gan_truncation"])
def test_a_spec_of_a_golden_module_is_that_module(name, tmp_path):
    module = GOLDEN / name / "module"
    source = hub.load_module_spec(str(module))
    conversion = converter.convert(source, tmp_path / "result", verify=True)
    assert conversion.verdict == "equal"
    plain = converter.convert(module, tmp_path / "plain")
    assert conversion.record.callables == plain.record.callables
    assert conversion.record.regions == plain.record.regions


def test_a_spec_of_a_saved_model(tmp_path):
    model = GOLDEN / "saved_model_simple_save" / "module"
    spec = hub.create_module_spec_from_saved_model(str(model))
    conversion = converter.convert(spec, tmp_path / "result", verify=True)
    assert (conversion.verdict, conversion.record.source.format) == ("equal", "tf1_hub")


def test_a_module_of_modules_starts_from_their_checkpoints(tmp_path):
    inner = tmp_path / "inner"
    shutil.copytree(GOLDEN / "text_embedding_oov" / "module", inner)
    spec = hub.create_module_spec(nested_module_fn, [(set(), {"path": str(inner)})])
    converter.convert(spec, tmp_path / "result", verify=True)
    shutil.rmtree(inner)
    outer = tf.saved_model.load(str(tmp_path / "result"))
    original = converter.load(GOLDEN / "text_embedding_oov" / "module")
    texts = tf.constant(["a cat", "dog"])
    np.testing.assert_array_equal(outer(texts), 2 * original(texts))


def test_the_page_says_what_happens(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    page = (pathlib.Path(__file__).parents[2] / "docs" / "in_memory.md").read_text()
    names = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(block, names)
    [printed] = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    assert capsys.readouterr().out == printed
    x = np.ones([1, 4], np.float32)
    first, live = (tf.saved_model.load(name) for name in ("saved_model", "fine_tuned"))
    np.testing.assert_array_equal(first(x), names["module"](x))
    np.testing.assert_array_equal(first(x), live(x))


_PROGRAM = """
import sys
import tensorflow.compat.v1 as tf1
import tensorflow_hub as hub
if sys.argv[1] == "tf1":
    tf1.disable_v2_behavior()
import converter
from interface.module_functions import module_fn
variants = [(set(), {"is_training": False}), ({"train", "b", "a"}, {"is_training": True})]
spec = hub.create_module_spec(module_fn, [(t, {"words": sys.argv[2], **a}) for t, a in variants])
converter.convert(spec, sys.argv[3], verify=True)
"""


def test_programs_of_tf1_and_of_tf2_get_the_same_bytes(words, tmp_path):
    results = []
    for mode, seed in (("tf1", "1"), ("tf2", "2")):
        results.append(tmp_path / mode)
        subprocess.run(
            [sys.executable, "-c", _PROGRAM, mode, str(words), str(results[-1])],
            env={
                "PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(filter(None, sys.path)),
                "TF_CPP_MIN_LOG_LEVEL": "3", "PATH": "/usr/bin:/bin",
            },
            check=True,
        )  # fmt: skip
    one, other = (
        {p.relative_to(r): p.read_bytes() for p in r.rglob("*") if p.is_file()} for r in results
    )
    assert one == other
