"""Graphs that this TensorFlow must not read."""

import pytest
import tensorflow as tf
from tensorflow.core.framework import versions_pb2

from converter import errors
from converter.formats.graph_versions import check_versions

HERE = tf.version.GRAPH_DEF_VERSION


@pytest.mark.parametrize(
    ("versions", "why"),
    [
        ({"producer": HERE, "min_consumer": HERE + 1}, f"only GraphDef version {HERE + 1} and"),
        ({"producer": HERE, "bad_consumers": [1, HERE]}, f"version {HERE} cannot read it"),
    ],
)
def test_what_it_must_not_read_is_refused(versions, why):
    with pytest.raises(errors.FormatError, match=why):
        check_versions(versions_pb2.VersionDef(**versions))


def test_what_is_too_old_is_refused(monkeypatch):
    monkeypatch.setattr(tf.version, "GRAPH_DEF_VERSION_MIN_PRODUCER", 22)
    with pytest.raises(errors.FormatError, match=r"version 21, .* reads 22 and above"):
        check_versions(versions_pb2.VersionDef(producer=21))
    check_versions(versions_pb2.VersionDef(producer=22))


def test_newer_ones_and_those_without_a_version_are_read():
    check_versions(versions_pb2.VersionDef())
    check_versions(versions_pb2.VersionDef(producer=HERE + 1, min_consumer=HERE))
    check_versions(versions_pb2.VersionDef(producer=HERE, bad_consumers=[HERE + 1]))


def test_reading_a_module_checks_them(half_plus_two, edit, refusal):
    with edit(half_plus_two) as saved_model:
        saved_model.meta_graphs[0].graph_def.versions.min_consumer = HERE + 1
    assert "Use a newer version of TensorFlow" in str(refusal(half_plus_two))
