"""A plain SavedModel in a graph of its own, read and restored by TensorFlow's own loader."""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, List, Optional

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.python.saved_model import loader_impl

from legacy_fixtures.application import differentiate, find_unfed, session_config
from legacy_fixtures.fixture import Call, TagSet

_OPS_OF_LOADERS = frozenset({"__saved_model_init_op", "__saved_model_train_op"})


class SavedModel:
    """The part of `hub.ModuleSpec` that recording needs, of a plain SavedModel.

    Args:
      path: Its directory.
      left_out: The signatures to pass over.
    """

    def __init__(self, path: str, left_out=()) -> None:
        self.loader = loader_impl.SavedModelLoader(path)
        self._hidden = _OPS_OF_LOADERS.union(left_out)

    def get_tags(self) -> List[FrozenSet[str]]:
        """Returns the tag sets."""
        return [frozenset(g.meta_info_def.tags) for g in self.loader.saved_model.meta_graphs]

    def get_signature_names(self, tags: TagSet) -> List[str]:
        """Returns the names of the signatures that users call."""
        graph = self.loader.get_meta_graph_def_from_tags(tags)
        return [name for name in graph.signature_def if name not in self._hidden]

    def has_weights(self, tags: TagSet) -> bool:
        """Whether the model can be loaded."""
        with SavedModelApplication(self, tags) as application:
            application.run([])
        return True


class SavedModelApplication:
    """A SavedModel with one signature in use, or none; has the interface of `Application`."""

    def __init__(self, spec: SavedModel, tags: TagSet, call: Optional[Call] = None) -> None:
        self._loader, self._tags = spec.loader, tags
        self._graph = tf.Graph()
        self._feeds: Dict[Any, Any] = {}
        self.inputs: Dict[str, Any] = {}
        self.outputs: Dict[str, Any] = {}
        self._saver, _ = self._loader.load_graph(self._graph, tags)
        meta_graph = self._loader.get_meta_graph_def_from_tags(tags)
        self._has_init_op = loader_has_init_op(meta_graph)
        with self._graph.as_default():
            if call:
                self._apply(meta_graph.signature_def[call.signature], call)
            variables = {*tf.global_variables(), *tf.local_variables()}
            self.variables = {v.op.name: v for v in sorted(variables, key=lambda v: v.name)}
            self.trainable = {variable.op.name for variable in tf.trainable_variables()}
            self.update_ops = self._computable(tf.GraphKeys.UPDATE_OPS)
            self.losses = self._computable(tf.GraphKeys.REGULARIZATION_LOSSES)
            self._local_initializer = tf.local_variables_initializer()
            self._table_initializer = tf.tables_initializer()

    def __enter__(self):
        self._context = self._graph.as_default()
        self._context.__enter__()
        return self

    def __exit__(self, *exception):
        self._context.__exit__(*exception)

    def _apply(self, signature, call):
        for name, info in signature.inputs.items():
            dtype = tf.as_dtype(info.dtype).as_numpy_dtype
            self.inputs[name] = np.asarray(call.inputs[name], dtype)
            self._feeds[self._graph.get_tensor_by_name(info.name)] = self.inputs[name]
        for name, info in signature.outputs.items():
            self.outputs[name] = self._graph.get_tensor_by_name(info.name)

    def _computable(self, collection):
        fed = {tensor.op for tensor in self._feeds}
        return [item for item in tf.get_collection(collection) if find_unfed(item, fed) is None]

    def gradients(self) -> Dict[str, tf.Tensor]:
        """Gradients of the summed float outputs by each trainable variable they depend on."""
        outputs = [output for output in self.outputs.values() if output.dtype.is_floating]
        variables = tf.trainable_variables()
        if not outputs or not variables:
            return {}
        found = differentiate(self._graph, outputs, variables, list(self._feeds))
        return {
            variables[index].op.name: tf.convert_to_tensor(gradient)
            for index, gradient in enumerate(found)
            if gradient is not None
        }

    def run(self, fetches: Any) -> Any:
        """Runs fetches once, with all variables as the loader leaves them."""
        with self._fresh_session() as session:
            return session.run(fetches, self._feeds)

    def run_then_read(self, fetches: Any) -> Dict[str, Any]:
        """Runs fetches once as `run` does, and returns the variables after that."""
        with self._fresh_session() as session:
            session.run(fetches, self._feeds)
            return session.run(self._initialized(session))

    def read_variables(self) -> Dict[str, Any]:
        """Returns the values of the variables that have one."""
        with self._fresh_session() as session:
            return session.run(self._initialized(session))

    def _initialized(self, session):
        missing = set(session.run(tf.report_uninitialized_variables(list(self.variables.values()))))
        return {n: v for n, v in self.variables.items() if n.encode() not in missing}

    def _fresh_session(self):
        session = tf.Session(graph=self._graph, config=session_config())
        self._loader.restore_variables(session, self._saver)
        self._loader.run_init_ops(session, self._tags)
        if not self._has_init_op:  # A program that loads the model has to run these itself.
            session.run([self._local_initializer, self._table_initializer])
        return session


def loader_has_init_op(meta_graph: Any) -> bool:
    """Whether the loader runs an op when it has restored the variables."""
    collections = ("saved_model_main_op", "legacy_init_op")
    return "__saved_model_init_op" in meta_graph.signature_def or any(
        key in meta_graph.collection_def for key in collections
    )
