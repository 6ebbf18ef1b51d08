"""Checks that this TensorFlow may read a graph (source: versions.proto, versions.cc)."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from converter import errors


def check_versions(versions: Any) -> None:
    """Checks a graph's `VersionDef`.

    Raises:
      FormatError: if it needs a newer TensorFlow, excludes this one, or was written by one that is
        too old.
    """
    here = tf.version.GRAPH_DEF_VERSION
    found = f"TensorFlow {tf.__version__} has {here}"
    if versions.min_consumer > here:
        raise errors.FormatError(
            f"the graph says that only GraphDef version {versions.min_consumer} and above can read"
            f" it, {found}",
            remedy="Use a newer version of TensorFlow.",
        )
    if here in versions.bad_consumers:
        raise errors.FormatError(
            f"the graph says that GraphDef version {here} cannot read it, {found}",
            remedy="Use another version of TensorFlow.",
        )
    oldest = tf.version.GRAPH_DEF_VERSION_MIN_PRODUCER
    if versions.producer < oldest:
        raise errors.FormatError(
            f"the graph has GraphDef version {versions.producer}, TensorFlow {tf.__version__}"
            f" reads {oldest} and above",
            remedy="Export the module again with a newer TensorFlow.",
        )
