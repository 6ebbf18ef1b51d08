"""A module in a graph of its own, ready to be run."""

from __future__ import annotations

from typing import Any, Dict, Optional

import numpy as np
import tensorflow.compat.v1 as tf
import tensorflow_hub as hub
from tensorflow.contrib import batching, layers, quantize  # noqa: F401 - register gradients
from tensorflow.python.ops import while_v2  # noqa: F401 - registers the gradient of While

from legacy_fixtures import determinism
from legacy_fixtures.exporting import SESSION_CONFIG
from legacy_fixtures.fixture import Call, TagSet

_SCOPE = "module"


class Application:
    """A module through `hub.Module`, with one signature applied, or none.

    Attributes:
      variables: The module's variables by TF1 name, as tensors to fetch.
      trainable: The names of those in the TRAINABLE_VARIABLES collection.
      inputs: The values that are fed, in the dtypes of the signature.
      outputs: The applied signature's outputs.
      update_ops: Those of the UPDATE_OPS collection that the fed inputs suffice for.
      losses: The same of the REGULARIZATION_LOSSES collection, without inputs.
    """

    def __init__(self, spec, tags: TagSet, call: Optional[Call] = None) -> None:
        self._graph = tf.Graph()
        self._feeds: Dict[Any, Any] = {}
        self.inputs: Dict[str, Any] = {}
        self.outputs: Dict[str, Any] = {}
        with self._graph.as_default():
            module = hub.Module(spec, trainable=True, tags=tags, name=_SCOPE)
            if call:
                self._apply(module, call)
            self.variables = {_tf1_name(variable): variable for variable in module.variables}
            self.trainable = {_tf1_name(variable) for variable in tf.trainable_variables()}
            self.update_ops = self._computable(tf.GraphKeys.UPDATE_OPS)
            self.losses = self._computable(tf.GraphKeys.REGULARIZATION_LOSSES)

    def __enter__(self):
        self._context = self._graph.as_default()
        self._context.__enter__()
        return self

    def __exit__(self, *exception):
        self._context.__exit__(*exception)

    def _apply(self, module, call):
        signature = determinism.applicable_signature(call.signature)
        self._infos = module.get_input_info_dict(signature)
        self._placeholders = {name: _placeholder(info) for name, info in self._infos.items()}
        self.inputs = {name: _cast(call.inputs[name], info) for name, info in self._infos.items()}
        self._feeds = self.feeds_of(self.inputs)
        self.outputs = module(self._placeholders, signature=signature, as_dict=True)

    def feeds_of(self, inputs: Dict[str, Any]) -> Dict[Any, Any]:
        """Returns the feeds for inputs by name."""
        return {
            placeholder: _cast(inputs[name], self._infos[name])
            for name, placeholder in self._placeholders.items()
        }

    def _computable(self, collection):
        fed = {
            component.op
            for placeholder in self._feeds
            for component in tf.nest.flatten(placeholder, expand_composites=True)
        }
        return [item for item in tf.get_collection(collection) if find_unfed(item, fed) is None]

    def gradients(self) -> Dict[str, tf.Tensor]:
        """Gradients of the summed float outputs by each trainable variable they depend on.

        Raises:
          LookupError: An op of the forward graph has no gradient in this process.
          TypeError: A branch in a loop captures a resource, whose gradient TF 1.15 takes for a
            number.
        """
        outputs = [_values(output) for output in self.outputs.values()]
        outputs = [output for output in outputs if output.dtype.is_floating]
        variables = tf.trainable_variables()
        if not outputs or not variables:
            return {}
        gradients = {}
        for index, gradient in enumerate(differentiate(self._graph, outputs, variables)):
            if gradient is not None:
                gradients[_tf1_name(variables[index])] = tf.convert_to_tensor(gradient)
        return gradients

    def read_variables(self) -> Dict[str, Any]:
        """Returns the values of all variables."""
        return self.run(self.variables)

    def run(self, fetches: Any) -> Any:
        """Runs fetches once, with all variables at the checkpoint's values."""
        with self._fresh_session() as session:
            return session.run(fetches, self._feeds)

    def run_then_read(self, fetches: Any) -> Dict[str, Any]:
        """Runs fetches once as `run` does, and returns the variables after that."""
        with self._fresh_session() as session:
            session.run(fetches, self._feeds)
            return session.run(self.variables)

    def _fresh_session(self):
        session = tf.Session(graph=self._graph, config=session_config())
        session.run([tf.global_variables_initializer(), tf.tables_initializer()])
        return session


def differentiate(graph, outputs, variables, stops=None):
    """Returns the gradients of the summed outputs; a fed tensor in `stops` ends them."""
    context = graph._get_control_flow_context()
    try:
        return tf.gradients(outputs, variables, stop_gradients=stops)
    finally:
        # A failure leaves the graph within the loop whose gradient failed.
        graph._set_control_flow_context(context)


def session_config():
    """No graph rewrites: the values are those of the graph as it is written."""
    config = tf.ConfigProto()
    config.CopyFrom(SESSION_CONFIG)
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    return config


def _tf1_name(variable):
    return variable.op.name[len(_SCOPE) + 1 :]


def _placeholder(info):
    if info.is_sparse:
        # With a known shape TF1 would make a constant of it, which cannot be fed.
        return tf.sparse_placeholder(info.dtype)
    if info.is_composite:
        spec = info.type_spec
        value_shape = spec._shape[spec._ragged_rank + 1 :]
        return tf.ragged.placeholder(spec._dtype, spec._ragged_rank, value_shape)
    return tf.placeholder(info.dtype, info.get_shape())


def _cast(value, info):
    """Returns a dense value in the dtype of an input, and others as they are."""
    return value if info.is_composite else np.asarray(value, info.dtype.as_numpy_dtype)


def _values(tensor):
    """Returns the part of a tensor that holds its values."""
    if isinstance(tensor, tf.SparseTensor):
        return tensor.values
    return tensor.flat_values if isinstance(tensor, tf.RaggedTensor) else tensor


def find_unfed(item, fed):
    """Returns a placeholder that an op or a tensor depends on and that is not fed, or None."""
    pending = [item if isinstance(item, tf.Operation) else item.op]
    seen = set(pending)
    while pending:
        op = pending.pop()
        if op.type == "Placeholder" and op not in fed:
            return op
        inputs = {tensor.op for tensor in op.inputs} | set(op.control_inputs)
        pending.extend(inputs - seen)
        seen |= inputs
    return None
