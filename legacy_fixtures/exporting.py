"""Writes the module directory of a fixture as `hub.Module.export` does."""

from __future__ import annotations

import uuid
from unittest import mock

import numpy as np
import tensorflow.compat.v1 as tf
import tensorflow_hub as hub

from legacy_fixtures.fixture import Fixture, module_path
from legacy_fixtures.weights import seeded_value

# One thread each: the order of a sum must not depend on the machine's load.
# Soft placement, as the machine may lack the devices that graphs ask for.
SESSION_CONFIG = tf.ConfigProto(
    intra_op_parallelism_threads=1, inter_op_parallelism_threads=1, allow_soft_placement=True
)


def export_module(fixture: Fixture) -> None:
    """Writes the module of a fixture below the current directory."""
    export = fixture.export or export_with_seeded_weights
    # Names of tables and of the saver's temporary files are made of UUIDs.
    with mock.patch.object(uuid, "uuid4", _NumberedUuids()):
        export(fixture, module_path(fixture.name))


class _NumberedUuids:
    """Stands in for uuid.uuid4 where every build must get the same ones."""

    def __init__(self):
        self._count = 0

    def __call__(self):
        self._count += 1
        return uuid.UUID(int=self._count, version=4)


def export_with_seeded_weights(fixture: Fixture, path: str, target: str = "") -> None:
    """Exports `fixture.module_fn` with `fixture.values` and seeded values for all the rest.

    Args:
      fixture: What to export.
      path: Directory to write.
      target: Execution engine of the session.
    """
    spec = hub.create_module_spec(fixture.module_fn, fixture.tags_and_args)
    with tf.Graph().as_default():
        module = hub.Module(spec, tags=fixture.export_tags)
        with tf.Session(target, config=SESSION_CONFIG) as session:
            session.run(tf.global_variables_initializer())
            _load_weights(module, fixture.values, session)
            module.export(path, session)


def _load_weights(module, values, session):
    unknown = set(values)
    for variable in module.variables:
        name = variable.op.name.split("/", 1)[1]
        unknown.discard(name)
        if name in values:
            value = np.asarray(values[name], variable.dtype.base_dtype.as_numpy_dtype)
        else:
            initial = np.asarray(session.run(variable), variable.dtype.base_dtype.as_numpy_dtype)
            value = seeded_value(name, initial)
        variable.load(value, session)
    if unknown:
        raise ValueError(f"Expected values of the module's variables, found {sorted(unknown)!r}.")
