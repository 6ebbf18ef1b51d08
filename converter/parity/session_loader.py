"""Runs a signature of a converted module as TF Serving and V1 programs do: by tensor names."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1

from converter.parity.values import Value, as_array, name_assets

_TAGS = ["serve"]


class SessionLoader:
    """A converted module in a session.

    Args:
      directory: The SavedModel.
      reload: Whether to load it anew for each run: signatures may change its state.
    """

    def __init__(self, directory: str, *, reload: bool) -> None:
        self._directory = directory
        self._reload = reload
        self._session: tf1.Session | None = None

    def close(self) -> None:
        """Frees what was loaded."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def run(self, name: str, parts: Mapping[str, np.ndarray]) -> dict[str, Value]:
        """Runs a signature, by the names in its SignatureDef.

        Raises:
          KeyError: if there is no signature, or input, of that name.
          OpError: if it does not run.
        """
        if self._session is None or self._reload:
            self._load()
        assert self._session is not None
        signature = self._signatures[name]
        feeds = {signature.inputs[part].name: array for part, array in parts.items()}
        fetches = {key: info.name for key, info in signature.outputs.items()}
        found = self._session.run(fetches, feeds)
        return {key: name_assets(as_array(v), self._directory) for key, v in found.items()}

    def _load(self) -> None:
        self.close()
        config = tf1.ConfigProto(allow_soft_placement=True)
        # The values are those of the graph as it is written, as on the TF1 side.
        config.graph_options.rewrite_options.disable_meta_optimizer = True
        self._session = tf1.Session(graph=tf.Graph(), config=config)
        with self._session.graph.as_default():
            meta_graph = tf1.saved_model.load(self._session, _TAGS, self._directory)
        # A protobuf map makes the entries that it is asked for.
        self._signatures = dict(meta_graph.signature_def)
