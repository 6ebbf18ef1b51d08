"""A converted module on disk, opened for editing."""

from __future__ import annotations

import json
import pathlib
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

_RECORD = pathlib.Path("assets.extra", "conversion.json")


class Result:
    """A converted module whose parts can be read, and edited in a copy."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        content = (directory / "saved_model.pb").read_bytes()
        self.saved_model: Any = saved_model_pb2.SavedModel.FromString(content)
        self.meta_graph: Any = self.saved_model.meta_graphs[0]

    @property
    def functions(self) -> list[Any]:
        """The functions of the library."""
        return list(self.meta_graph.graph_def.library.function)

    def function(self, name: str) -> Any:
        """A function of the library."""
        return next(f for f in self.functions if f.signature.name == name)

    @property
    def objects(self) -> Any:
        """The objects that the Python loader makes."""
        return self.meta_graph.object_graph_def

    def read_record(self) -> dict[str, Any]:
        """The record of the conversion."""
        record: dict[str, Any] = json.loads((self.directory / _RECORD).read_text())
        return record

    def write_record(self, record: dict[str, Any]) -> None:
        """Replaces the record."""
        (self.directory / _RECORD).unlink()
        (self.directory / _RECORD).write_text(json.dumps(record))

    def weights(self) -> dict[str, np.ndarray]:
        """The values of variables, by checkpoint key."""
        reader = tf.train.load_checkpoint(str(self.directory / "variables" / "variables"))
        keys = reader.get_variable_to_shape_map()
        return {key: np.asarray(reader.get_tensor(key), _dtype(reader, key)) for key in keys}

    def write_weights(self, values: dict[str, np.ndarray]) -> None:
        """Replaces the values of variables."""
        folder = self.directory / "variables"
        shutil.rmtree(folder)
        folder.mkdir()
        names = sorted(values)
        tf.raw_ops.SaveV2(
            prefix=str(folder / "variables"),
            tensor_names=names,
            shape_and_slices=[""] * len(names),
            tensors=[tf.constant(values[name]) for name in names],
        )

    def assets(self) -> list[pathlib.Path]:
        """The files of assets."""
        folder = self.directory / "assets"
        return sorted(p for p in folder.rglob("*") if p.is_file()) if folder.is_dir() else []

    def save(self) -> None:
        """Writes the graphs."""
        path = self.directory / "saved_model.pb"
        path.unlink()
        path.write_bytes(self.saved_model.SerializeToString(deterministic=True))


def _dtype(reader: Any, key: str) -> Any:
    dtype = reader.get_variable_to_dtype_map()[key]
    return object if dtype == tf.string else dtype.as_numpy_dtype


def edit_copy(source: pathlib.Path, copy: pathlib.Path, edit: Callable[[Result], None]) -> Result:
    """Copies a converted module, and edits the copy."""
    shutil.copytree(source, copy)
    result = Result(copy)
    edit(result)
    result.save()
    return result
