"""Converted golden modules, loaded with their sources moved away."""

import dataclasses
import functools
import pathlib
import shutil
import tempfile
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

import converter
from converter.parity.random_ops import make_deterministic
from converter.parity.values import from_tensor, to_tensor
from golden.golden_values import CUSTOM_OPS, GoldenCall, fixture_folder, read_golden

_TRAINING = frozenset({"train", "training", "is_training", "batch_norm_trains"})
_SCRATCH = tempfile.TemporaryDirectory(prefix="golden_")


@dataclasses.dataclass(frozen=True)
class ConvertedFiles:
    """A converted module on disk: the SavedModel, and its record."""

    path: pathlib.Path
    record: dict[str, Any]

    def load(self) -> "ConvertedModel":
        """Loads it anew, whatever other tests did to its variables."""
        return ConvertedModel(self.path, self.record, tf.saved_model.load(str(self.path)))


@dataclasses.dataclass(frozen=True)
class ConvertedModel(ConvertedFiles):
    """A converted module, loaded."""

    loaded: Any

    def variables(self) -> dict[str, tf.Variable]:
        """All variables that its callables list, by TF1 name."""
        pieces = [getattr(self.loaded, name) for name in self.record["callables"]]
        return {v.name.removesuffix(":0"): v for piece in pieces for v in piece.variables}

    def losses(self) -> dict[int, Any]:
        """All losses that its callables list, by index."""
        return {
            index: function
            for name, described in self.record["callables"].items()
            for index, function in zip(
                described["regularization_losses"],
                getattr(self.loaded, name).regularization_losses,
                strict=True,
            )
        }

    def run(
        self, call: GoldenCall, *, with_update_ops: bool = False
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Runs a recorded call: outputs, and gradients of the summed float outputs.

        Where TF 1.15 has no gradients, none are asked for.

        Args:
          call: What to run.
          with_update_ops: Whether to train with a graph variant that has no other for that.
        """
        name, described, training = self._find(call)
        training = training or with_update_ops
        args, kwargs = [], {}
        given = {key: to_tensor(call.inputs[key]) for key in described["inputs"]}
        if given:
            args = [given if len(given) > 1 else next(iter(given.values()))]
        for keyword, hparam in described["hparams"].items():
            if hparam["input"] in call.inputs:
                kwargs[keyword] = to_tensor(call.inputs[hparam["input"]])
        if described["training_tags"] is not None:
            kwargs["training"] = training
        if described["return_endpoints"]:
            kwargs["return_endpoints"] = True
        variables = {k: v for k, v in self.variables().items() if v.trainable}
        with tf.GradientTape() as tape:
            outputs = getattr(self.loaded, name)(*args, **kwargs)
        if not isinstance(outputs, dict):
            outputs = {"default": outputs}
        targets = [_values(output) for output in outputs.values()]
        has_gradients = call.gradients is not None
        targets = [t for t in targets if t.dtype.is_floating and has_gradients]
        sources = [v for v in variables.values() if v.dtype.is_floating or v.dtype.is_complex]
        gradients = tape.gradient(targets, sources) if targets else [None] * len(sources)
        by_name = zip((v.name.removesuffix(":0") for v in sources), gradients, strict=True)
        return (
            {key: from_tensor(value) for key, value in outputs.items()},
            {key: None if g is None else tf.convert_to_tensor(g).numpy() for key, g in by_name},
        )

    def trains_with(self, tags: frozenset[str]) -> list[dict[str, Any]]:
        """The record's entries of the callables that train with a graph variant."""
        described = self.record["callables"].values()
        return [d for d in described if tags == frozenset(d["training_tags"] or d["tags"])]

    def losses_of_variant(self, tags: frozenset[str]) -> set[int]:
        """The losses that those callables list, by index."""
        return {
            i for described in self.trains_with(tags) for i in described["regularization_losses"]
        }

    def _find(self, call: GoldenCall) -> tuple[str, dict[str, Any], bool]:
        for name, described in self.record["callables"].items():
            if described["signature"] == call.signature:
                if frozenset(described["tags"]) == call.tags:
                    is_training = described["training_tags"] == sorted(call.tags)
                    return name, described, is_training and bool(call.tags & _TRAINING)
                training = described["training_tags"]
                if training is not None and frozenset(training) == call.tags:
                    return name, described, True
        raise LookupError(f"{call.signature!r} of {sorted(call.tags)} is not offered")


def _values(output: Any) -> tf.Tensor:
    if isinstance(output, tf.RaggedTensor):
        return output.flat_values
    return output.values if isinstance(output, tf.SparseTensor) else output


@functools.lru_cache(maxsize=1)
def convert_golden(name: str) -> ConvertedModel:
    """A converted golden module, with random ops replaced as they were for the golden values.

    It stays loaded until another one is asked for. All of them together would take gigabytes, and
    whenever Python collects garbage, it would go through all their objects.
    """
    files = convert_to_disk(name)
    loaded = tf.saved_model.load(str(convert_deterministic(name)))
    return ConvertedModel(files.path, files.record, loaded)


def convert_deterministic(name: str) -> pathlib.Path:
    """Where a converted golden module is, with random ops replaced as for the golden values."""
    files = convert_to_disk(name)
    if not read_golden(name).random_ops:
        return files.path
    deterministic = files.path.with_name("deterministic")
    if not deterministic.exists():
        shutil.copytree(files.path, deterministic)
        _replace_random_ops(deterministic / "saved_model.pb")
    return deterministic


@functools.cache
def convert_to_disk(name: str) -> ConvertedFiles:
    """Converts a golden module from a copy that is gone afterwards."""
    scratch = pathlib.Path(_SCRATCH.name) / name
    source = pathlib.Path(shutil.copytree(fixture_folder(name) / "module", scratch / "source"))
    path = scratch / "converted"
    packages = [CUSTOM_OPS[name]] if name in CUSTOM_OPS else []
    conversion = converter.convert(source, path, import_ops=packages)
    shutil.rmtree(source)
    return ConvertedFiles(path, conversion.to_json()["record"])


def _replace_random_ops(path: pathlib.Path) -> None:
    saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    for meta_graph in saved_model.meta_graphs:
        make_deterministic(meta_graph.graph_def)
    path.write_bytes(saved_model.SerializeToString())


def snapshot(model: ConvertedModel) -> dict[str, np.ndarray]:
    """The values of all variables."""
    return {name: from_tensor(v.read_value()) for name, v in model.variables().items()}


def restore(model: ConvertedModel, values: dict[str, np.ndarray]) -> None:
    """Puts the values of a snapshot back."""
    for name, variable in model.variables().items():
        variable.assign(tf.constant(values[name], dtype=variable.dtype))
