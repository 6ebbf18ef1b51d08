"""Converted modules, and signatures of them as exporters see them."""

import pathlib

import pytest
import tensorflow as tf

import converter
from converter.export.record import read_record
from converter.exporters.signature import read_signature

_GOLDEN = pathlib.Path(__file__).parents[2] / "legacy_fixtures" / "golden"


@pytest.fixture(scope="session")
def converted(tmp_path_factory):
    """`converted(name)` returns the directory of a converted golden module."""
    made = {}

    def convert(name):
        if name not in made:
            made[name] = tmp_path_factory.mktemp("converted") / name
            converter.convert(_GOLDEN / name / "module", made[name])
        return made[name]

    return convert


@pytest.fixture(scope="session")
def signature_of(converted):
    """`signature_of(name, signature, shapes)` returns a signature of a golden module."""

    def read(name, signature=None, shapes=None):
        directory = converted(name)
        module = tf.saved_model.load(str(directory))
        return read_signature(module, read_record(directory), signature, shapes or {})

    return read
