"""Converted golden modules, made once a session, and damaged ones."""

import json
import pathlib
import shutil

import pytest
import tensorflow as tf
import tensorflow.compat.v1 as tf1
from tensorflow.core.protobuf import saved_model_pb2

import converter
from converter.files.source_files import digest
from converter.parity import legacy_derivatives
from converter.parity.legacy_gradients import control_flow_v2
from converter.parity.verify import verify

_GOLDEN = pathlib.Path(__file__).parents[2] / "legacy_fixtures" / "golden"


@pytest.fixture(scope="session")
def golden():
    """`golden(name)` returns the path of a golden module, which nobody may change."""
    return lambda name: _GOLDEN / name / "module"


@pytest.fixture(scope="session")
def converted(golden, tmp_path_factory):
    """`converted(name)` returns the path of a converted golden module, not to be changed."""
    root = tmp_path_factory.mktemp("converted")

    def get(name):
        if not (root / name).exists():
            converter.convert(golden(name), root / name)
        return root / name

    return get


@pytest.fixture
def convert_damaged(golden, tmp_path):
    """`convert_damaged(name, edit)` converts a module that `edit` has changed.

    `edit` takes the module's directory. The result's record says that it comes from the module
    as it was, so that `verify` has to find out.
    """

    def convert(name, edit):
        source = pathlib.Path(shutil.copytree(golden(name), tmp_path / "damaged"))
        edit(source)
        destination = tmp_path / "converted"
        converter.convert(source, destination)
        path = destination / "assets.extra" / "conversion.json"
        record = json.loads(path.read_text())
        record["source"]["digest"] = digest(golden(name))
        path.write_text(json.dumps(record))
        return destination

    return convert


@pytest.fixture
def edit_graphs():
    """`edit_graphs(edit)` returns a function that edits each MetaGraphDef of a module."""

    def make(edit):
        def apply(directory):
            path = directory / "saved_model.pb"
            saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
            for meta_graph in saved_model.meta_graphs:
                edit(meta_graph)
            path.write_bytes(saved_model.SerializeToString())

        return apply

    return make


@pytest.fixture
def edit_weight():
    """`edit_weight(key, change)` returns a function that changes one tensor of a checkpoint."""

    def make(key, change):
        def apply(directory):
            prefix = str(directory / "variables" / "variables")
            reader = tf.train.load_checkpoint(prefix)
            names = sorted(reader.get_variable_to_shape_map())
            values = {name: reader.get_tensor(name) for name in names}
            values[key] = change(values[key])
            tf.raw_ops.SaveV2(
                prefix=prefix,
                tensor_names=names,
                shape_and_slices=[""] * len(names),
                tensors=[tf.constant(values[name]) for name in names],
            )

        return apply

    return make


@pytest.fixture
def verify_built(tmp_path):
    """`verify_built(build)` converts and verifies a module; `build(x, w)` makes its outputs."""

    def run(build, shape=(None, 3), **options):
        made = tmp_path / str(len(list(tmp_path.iterdir())))
        source, result = str(made / "source"), made / "result"
        with tf.Graph().as_default(), tf1.Session() as session, control_flow_v2(enabled=False):
            x = tf1.placeholder(tf.float32, shape, name="x")
            w = tf1.get_variable("w", [3], initializer=tf1.ones_initializer(), use_resource=True)
            outputs = build(x, w)
            session.run(tf1.global_variables_initializer())
            tf1.saved_model.simple_save(session, source, {"x": x}, outputs)
        converter.convert(source, result)
        return verify(source, result, fresh_process=False, **options)

    return run


@pytest.fixture
def plain_loss(monkeypatch):
    """Lets gradients of TF1 graphs be those of a plain sum, as the golden ones are."""
    monkeypatch.setattr(legacy_derivatives, "loss_weights", tf.ones_like)
