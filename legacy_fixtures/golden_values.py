"""Records what a module computes through `hub.Module` in TensorFlow 1.15."""

from __future__ import annotations

import json
import os
import tempfile

import numpy as np
import tensorflow.compat.v1 as tf
import tensorflow_hub as hub

from legacy_fixtures import determinism
from legacy_fixtures.application import Application
from legacy_fixtures.control_flow import depends_on_control_flow
from legacy_fixtures.fixture import Fixture, module_path
from legacy_fixtures.golden_format import TensorStore, as_array
from legacy_fixtures.saved_model_application import SavedModel, SavedModelApplication

_TRAINING_TAGS = frozenset({"train", "training", "is_training", "batch_norm_trains"})


def record(fixture: Fixture) -> None:
    """Writes `golden.json` and `golden.npz` beside the module of a fixture.

    Raises:
      ValueError: A signature of the module has no call in the fixture.
    """
    module_dir = module_path(fixture.name)
    directory = os.path.dirname(module_dir)
    with tempfile.TemporaryDirectory() as scratch:
        copy = os.path.join(scratch, "module")
        random_ops = determinism.write_deterministic_copy(module_dir, copy)
        recorder = _Recorder(fixture, copy)
        golden = {**recorder.record(), "random_ops": random_ops}
    with open(os.path.join(directory, "golden.json"), "w") as file:
        json.dump(golden, file, indent=1, sort_keys=True)
        file.write("\n")
    np.savez_compressed(os.path.join(directory, "golden.npz"), **recorder.store.arrays)


class _Recorder:
    """Records one module.

    Attributes:
      store: The arrays that the recorded JSON refers to.
    """

    def __init__(self, fixture: Fixture, module_dir: str) -> None:
        self.store = TensorStore()
        self._fixture = fixture
        self._module_dir = module_dir
        if fixture.is_saved_model:
            self._application = SavedModelApplication
            self._spec = SavedModel(module_dir, fixture.left_out)
        else:
            self._application = Application
            self._spec = hub.load_module_spec(module_dir)
        self._variants = [tags for tags in _sorted_tag_sets(self._spec) if self._has_weights(tags)]

    def record(self) -> dict:
        """Returns the content of `golden.json`, but for `random_ops`."""
        uninstantiated = [
            sorted(tags) for tags in _sorted_tag_sets(self._spec) if tags not in self._variants
        ]
        return {
            "fixture": self._fixture.name,
            "family": self._fixture.family,
            "description": self._fixture.description,
            "toolchain": {"tensorflow": tf.__version__, "tensorflow_hub": hub.__version__},
            "control_flow": depends_on_control_flow(module_path(self._fixture.name)),
            "uninstantiated_tags": uninstantiated,
            "variables": self._variables(),
            "calls": [self._call(tags, call) for tags, call in self._planned_calls()],
        }

    def _planned_calls(self):
        for tags in self._variants:
            for signature in sorted(self._spec.get_signature_names(tags)):
                calls = [
                    call
                    for call in self._fixture.calls
                    if determinism.applicable_signature(call.signature) == signature
                    and call.tags in (None, tags)
                ]
                if not calls:
                    raise ValueError(f"No call for signature {signature!r} of {sorted(tags)!r}.")
                for call in calls:
                    yield tags, call

    def _has_weights(self, tags):
        if self._fixture.is_saved_model:
            return self._spec.has_weights(tags)
        checkpoint = os.path.join(self._module_dir, "variables", "variables")
        keys = set()
        if tf.train.checkpoint_exists(checkpoint):
            keys = set(tf.train.load_checkpoint(checkpoint).get_variable_to_shape_map())
        with tf.Graph().as_default():
            # Without its path the spec does not look into the checkpoint, and cannot fail there.
            handler = hub.saved_model_lib.load(self._module_dir)
            spec = hub.native_module._ModuleSpec(handler, checkpoint_variables_path=None)
            return keys >= set(hub.Module(spec, tags=tags).variable_map)

    def _variables(self):
        variables = {}
        for tags in self._variants:
            with self._application(self._spec, tags) as application:
                values = application.read_variables()
            for name, value in values.items():
                entry = variables.setdefault(name, self._describe_variable(value))
                entry["trainable"] |= name in application.trainable
        return variables

    def _describe_variable(self, value):
        value = self._encode(value)
        return {
            "dtype": value["dtype"],
            "shape": value["shape"],
            "trainable": False,
            "value": value,
        }

    def _call(self, tags, call):
        with self._application(self._spec, tags, call) as application:
            recorded = {
                "tags": sorted(tags),
                "signature": call.signature,
                "label": call.label,
                "inputs": self._encode_all(application.inputs),
                "outputs": self._encode_all(application.run(application.outputs)),
                **self._gradients(application),
                "regularization_losses": self._losses(application),
            }
            training = bool(tags & _TRAINING_TAGS)
            updates = application.update_ops
            recorded["variables_after"] = self._effects(application, updates if training else [])
            if updates and not training and not self._has_training_twin(tags):
                recorded["update_ops_after"] = self._effects(application, updates)
        return recorded

    def _has_training_twin(self, tags):
        return any(tags | {mark} in self._spec.get_tags() for mark in _TRAINING_TAGS)

    def _gradients(self, application):
        try:
            return {"gradients": self._encode_all(application.run(application.gradients()))}
        except (LookupError, TypeError) as error:
            return {"gradients": None, "gradient_error": str(error)}

    def _losses(self, application):
        return [self._encode(value) for value in application.run(application.losses)]

    def _effects(self, application, update_ops):
        before = application.read_variables()
        after = application.run_then_read((application.outputs, update_ops))
        changed = {name: value for name, value in after.items() if _differ(value, before[name])}
        return self._encode_all(changed)

    def _encode_all(self, values):
        return {name: self._encode(value) for name, value in values.items()}

    def _encode(self, value):
        """Encodes a value; paths into the module's directory start with `<module>`."""
        if isinstance(value, bytes):
            value = value.replace(self._module_dir.encode(), b"<module>")
        return self.store.encode(value)


def _sorted_tag_sets(spec):
    return sorted(spec.get_tags(), key=sorted)


def _differ(left, right):
    return as_array(left).tolist() != as_array(right).tolist()
