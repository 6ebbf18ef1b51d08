"""A module in V1 Sessions."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1
from fuzz.v1 import v1_control_flow, v1_graph

from benchmarks.sides import Arrays, descend, loss_of, main_outputs, training_tags
from converter.formats.hub_module import read_saved_model
from converter.formats.legacy_module import LegacyModule
from converter.formats.registry import read_module
from converter.ir.graph import Program


class V1Side:
    """The graph variants in Sessions, as fast as TensorFlow makes them.

    Args:
      module: The TF1 module.
      signature: The signature to call.
      threads: The number of threads of the Sessions.
    """

    def __init__(self, module: pathlib.Path, signature: str, threads: int) -> None:
        legacy = read_module(module)
        config = tf1.ConfigProto(
            intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads
        )
        self._inference = _Variant(legacy, frozenset(), signature, config)
        self._training = _Variant(legacy, training_tags(legacy), signature, config)
        self._forward = self._inference.callable(self._inference.outputs)
        loss, updates, self._weights = self._training.add_step()
        self._step = self._training.callable({"loss": loss}, updates)

    def forward(self, inputs: Arrays) -> dict[str, np.ndarray]:
        """The outputs, by name."""
        return self._forward(inputs)

    def step(self, inputs: Arrays) -> float:
        """Trains once; returns the loss before."""
        return float(self._step(inputs)["loss"])

    def weights(self) -> dict[str, np.ndarray]:
        """The trainable variables, by TF1 name."""
        return self._training.session.run(self._weights)


class _Variant:
    """A graph variant in a graph and a Session of its own."""

    def __init__(
        self, legacy: LegacyModule, tags: frozenset[str], signature: str, config: Any
    ) -> None:
        meta_graphs = read_saved_model(legacy.directory).meta_graphs
        meta_graph = next(g for g in meta_graphs if frozenset(g.meta_info_def.tags) == tags)
        self._program: Program = legacy.variants[tags]
        infos = meta_graph.signature_def[signature]
        # TensorFlow 2.21 fails to make a Saver of imported variables.
        for key in set(meta_graph.collection_def) - {"cond_context", "while_context"}:
            del meta_graph.collection_def[key]
        with v1_graph() as self.graph:
            tf1.train.import_meta_graph(meta_graph)
        self.session = tf1.Session(graph=self.graph, config=config)
        self._inputs = {n: self._tensor(info.name) for n, info in infos.inputs.items()}
        self.outputs = {n: self._tensor(i.name) for n, i in main_outputs(infos.outputs).items()}
        self._restore(legacy)

    def callable(
        self, fetches: Mapping[str, tf.Tensor], targets: list[Any] | None = None
    ) -> Callable[[Arrays], dict[str, np.ndarray]]:
        """A function of the inputs that fetches some tensors and runs some ops."""
        names = list(self._inputs)
        everything = [*fetches.values(), *(targets or [])]
        run = self.session.make_callable(everything, [self._inputs[name] for name in names])

        def call(inputs: Arrays) -> dict[str, np.ndarray]:
            return dict(zip(fetches, run(*(inputs[name] for name in names)), strict=False))

        return call

    def add_step(self) -> tuple[tf.Tensor, list[Any], dict[str, tf.Tensor]]:
        """The loss, the ops of a step, and the values of the trainable variables by name."""
        with self.graph.as_default(), v1_control_flow():
            trained = {s.name: self._handle(s.node) for s in self._specs if s.trainable}
            loss = loss_of(self.outputs)
            found = zip(trained.items(), tf1.gradients(loss, list(trained.values())), strict=True)
            present = {name: (handle, g) for (name, handle), g in found if g is not None}
            steps = [descend(handle, g) for handle, g in present.values()]
            updates = [self.graph.get_operation_by_name(n) for n in self._program.update_ops]
            values = {
                name: tf.raw_ops.ReadVariableOp(resource=handle, dtype=tf.float32)
                for name, (handle, _) in present.items()
            }
        return loss, [*steps, *updates], values

    @property
    def _specs(self) -> list[Any]:
        return list(self._program.variables.values())

    def _tensor(self, name: str) -> tf.Tensor:
        return self.graph.get_tensor_by_name(name)

    def _handle(self, node: str) -> tf.Tensor:
        return self._tensor(f"{node}:0")

    def _restore(self, legacy: LegacyModule) -> None:
        feeds, assigns = {}, []
        with self.graph.as_default():
            for spec in self._specs:
                new = tf1.placeholder(spec.dtype)
                feeds[new] = legacy.checkpoint.read(spec)
                handle = self._handle(spec.node)
                assigns.append(tf.raw_ops.AssignVariableOp(resource=handle, value=new))
        self.session.run(assigns, feeds)
