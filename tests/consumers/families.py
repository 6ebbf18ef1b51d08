"""The families of modules, each by a fixture of `legacy_fixtures`, converted."""

import numpy as np
import tensorflow as tf
from golden.converted_model import convert_deterministic, convert_to_disk
from golden.golden_values import read_golden
from golden.test_golden import assert_equal

from consumers.names import FAMILIES
from consumers.subject import Call, Subject


def converted_subject(family):
    """Converts a fixture, with random ops replaced as they were when its values were recorded."""
    name = FAMILIES[family]
    golden, files = read_golden(name), convert_to_disk(name)
    record = files.record
    root = record["callables"][record["root"]]
    path = str(convert_deterministic(name))
    tags, training_tags = root["tags"], root["training_tags"]
    inference = _read_call(golden, root, tags)
    return Subject(
        path=path,
        as_exported=str(files.path),
        inference=inference,
        training=_read_call(golden, root, training_tags) if training_tags else inference,
        modes=training_tags is not None,
        endpoints=root["return_endpoints"],
        variables={key: np.asarray(value) for key, value in golden.variables.items()},
        penalties=_penalties(path, golden, training_tags or tags),
    )


def _read_call(golden, root, tags):
    """The first recorded call that feeds what the root call has to be given, and no more."""
    given = {h["input"]: h for h in root["hparams"].values()}
    call = next(
        call
        for call in golden.calls
        if (call.signature, call.tags) == (root["signature"], frozenset(tags))
        and ("default" in call.label or not given.keys() & call.inputs.keys())
    )
    return Call(
        inputs={name: call.inputs[name] for name in root["inputs"]},
        served=call.inputs,
        outputs=call.outputs,
        gradients={k: np.asarray(v) for k, v in call.gradients.items() if v is not None},
        after=call.variables_after,
    )


def _penalties(path, golden, tags):
    """The gradients of the regularization losses, whose values have to be the recorded ones."""
    obj = tf.saved_model.load(path)
    with tf.GradientTape() as tape:
        losses = [loss() for loss in obj.regularization_losses]
        loss = tf.add_n(losses) if losses else None
    recorded = next(c for c in golden.calls if c.tags == frozenset(tags)).regularization_losses
    for expected, found in zip(recorded, losses, strict=True):
        assert_equal(expected, found.numpy(), "regularization loss")
    if loss is None:
        return {}
    gradients = tape.gradient(loss, obj.trainable_variables)
    pairs = zip(obj.trainable_variables, gradients, strict=True)
    return {v.name.removesuffix(":0"): g.numpy() for v, g in pairs if g is not None}
