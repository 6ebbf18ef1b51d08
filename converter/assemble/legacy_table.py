"""Lookup tables as trackable objects that stay alive as long as anything uses them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import tensorflow as tf
from tensorflow.core.framework import attr_value_pb2

from converter.assemble.emit import Bindings, emit
from converter.compile.tables import TableGraphs
from converter.ir import op_facts
from converter.ir.graph import AttrValue, Node

# Attributes of ops whose tables have names.
_NAMING = frozenset({"container", "shared_name", "use_node_name_sharing"})


class LegacyTable(tf.saved_model.experimental.TrackableResource):
    """A lookup table that the TF1 module's own ops create and fill.

    An anonymous table stays alive as long as a handle to it exists. Python needs that: each load
    creates its own table, which is freed with the last function that uses it. (TensorFlow's own
    tables have names, and stay until the process ends. A table that is destroyed with the object
    that created it is destroyed too early: saving copies the object, and a signature outlives it.)

    A Session needs a table that still exists in its next run. If the graph itself creates the
    table, it has a name. If TensorFlow saves a loaded model again, the graph calls the function
    that Python calls to create a table. That function keeps the handle in a named variable, and
    reads it from there in the next run. Python may clear the variable at any time, by destroying
    the object or a copy of it.

    Args:
      graphs: The graphs that create and fill it.
      shared_name: Its name in a Session, unique among the tables of the model.
      bindings: The assets and variables that filling reads.
      live: Whether to create the table for use in this process.
    """

    def __init__(
        self, graphs: TableGraphs, shared_name: str, bindings: Bindings, *, live: bool
    ) -> None:
        super().__init__()
        self._graphs = graphs
        self.shared_name = shared_name
        self._bindings = bindings
        self._live = live
        # The handle is created here, not in the trace of filling.
        if live and self.resource_handle is not None:
            _run(self._initialize)

    def _create_resource(self) -> tf.Tensor:
        if tf.executing_eagerly():
            if self._live:
                return _run(self._emit_unnamed)
            # A handle to nothing, which stands for the table while functions are traced.
            return tf.raw_ops.VarHandleOp(
                dtype=tf.int64, shape=[], shared_name=f"tf1_table/{self.shared_name}"
            )
        return self._emit_kept() if tf.inside_function() else self._emit_named()

    def _emit_kept(self) -> tf.Tensor:
        """Emits the table that the named variable holds, or a new one, which it then holds."""
        variable = self._handle_variable()

        def make() -> tf.Tensor:
            handle = self._emit_unnamed()
            keep = tf.raw_ops.AssignVariableOp(resource=variable, value=handle)
            with tf.control_dependencies([keep]):
                return tf.identity(handle)

        return tf.cond(
            tf.raw_ops.VarIsInitializedOp(resource=variable),
            lambda: tf.raw_ops.ReadVariableOp(resource=variable, dtype=tf.resource),
            make,
        )

    def _handle_variable(self) -> tf.Tensor:
        return tf.raw_ops.VarHandleOp(
            dtype=tf.resource, shape=[], shared_name=f"{self.shared_name}/handle"
        )

    def _emit_unnamed(self) -> tf.Tensor:
        maker = self._maker
        attrs = {key: value for key, value in maker.attrs.items() if key not in _NAMING}
        op = op_facts.ANONYMOUS_TABLES[maker.op]
        return self._emit_made_by(dataclasses.replace(maker, op=op, attrs=attrs))

    def _emit_named(self) -> tf.Tensor:
        name: AttrValue = attr_value_pb2.AttrValue(s=self.shared_name.encode())
        attrs = {
            **self._maker.attrs,
            "shared_name": name,
            "container": attr_value_pb2.AttrValue(s=b""),
        }
        return self._emit_made_by(dataclasses.replace(self._maker, attrs=attrs))

    @property
    def _maker(self) -> Node:
        maker = self._graphs.creation.items[-1]
        assert isinstance(maker, Node)
        return maker

    def _emit_made_by(self, maker: Node) -> tf.Tensor:
        creation = self._graphs.creation
        region = dataclasses.replace(creation, items=(*creation.items[:-1], maker))
        return emit(region, [], self._bindings)[0]

    def _initialize(self) -> None:
        for region in self._graphs.filling:
            emit(region, [self.resource_handle], self._bindings)

    def _destroy_resource(self) -> None:
        if not tf.executing_eagerly():  # Traced for saving. A live table has no such variable.
            tf.raw_ops.DestroyResourceOp(resource=self._handle_variable(), ignore_lookup_error=True)


def _run(trace: Callable[[], tf.Tensor | None]) -> tf.Tensor | None:
    """Traces a function, once, and runs it; TensorFlow would warn of repeated traces."""
    return tf.function(trace, autograph=False).get_concrete_function()()
