"""Writes a module in memory to a directory, in the format of TF1 Hub.

Source: `ModuleSpec._export` and `SavedModelHandler.export` of tensorflow_hub 0.15. Other than
there, the same module gives the same bytes in every process.
"""

from __future__ import annotations

import os
import pathlib
import posixpath
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from converter import errors
from converter.formats import hub_protos
from converter.formats.collection_values import parse_ref, read_collection
from converter.sources.module_variables import StoredValue
from converter.tensor_bundle.tensorflow_reader import format_slice

_ASSET_PATHS = "asset_filepaths"
_ASSETS = "saved_model_assets"
_NO_PATH = b"SAVEDMODEL-ASSET"
_PREFIX = pathlib.PurePath("variables", "variables")


def write_graphs(
    meta_graphs: Sequence[Any], directory: pathlib.Path, checkpoint: str | None
) -> None:
    """Writes everything but the values of variables.

    Args:
      meta_graphs: The graph variants, whose assets have the paths of their files.
      directory: Where to write; it exists.
      checkpoint: The checkpoint of the module that they were loaded from, beside whose folder all
        assets have to be; None if a `module_fn` of this process made them.

    Raises:
      FormatError: if a file is not there any more.
      UnsafeModuleError: if a module that was loaded names a file that is not one of its assets.
    """
    saved_model = saved_model_pb2.SavedModel(meta_graphs=meta_graphs)
    names: dict[str, str] = {}
    for meta_graph in saved_model.meta_graphs:
        tags = sorted(meta_graph.meta_info_def.tags)  # They come from a set.
        meta_graph.meta_info_def.tags[:] = tags
        _set_assets(meta_graph, names)
    if checkpoint is not None:
        _check_places(names, posixpath.join(_parent(_parent(checkpoint)), "assets"))
    _copy_files({path: directory / "assets" / name for path, name in names.items()})
    data = saved_model.SerializeToString(deterministic=True)
    (directory / "saved_model.pb").write_bytes(data)
    module_def = hub_protos.ModuleDef(format=hub_protos.FORMAT_V3)
    (directory / "tfhub_module.pb").write_bytes(module_def.SerializeToString())


def copy_checkpoint(checkpoint: str, directory: pathlib.Path) -> None:
    """Copies the files of a checkpoint into the module; none, if it has no variables.

    Raises:
      FormatError: if one cannot be copied.
    """
    folder, prefix = _parent(checkpoint), posixpath.basename(checkpoint)
    names = tf.io.gfile.listdir(folder) if tf.io.gfile.isdir(folder) else []
    target = (directory / _PREFIX).parent
    _copy_files(
        {
            posixpath.join(folder, name): target / name.replace(prefix, _PREFIX.name, 1)
            for name in names
            if name.startswith(f"{prefix}.")
        }
    )


def write_values(values: Collection[StoredValue], directory: pathlib.Path) -> None:
    """Writes the checkpoint of the module; none, if it has no variables."""
    if not values:
        return
    prefix = directory / _PREFIX
    prefix.parent.mkdir()
    tf.raw_ops.SaveV2(
        prefix=os.fspath(prefix),
        tensor_names=[item.spec.checkpoint_key for item in values],
        shape_and_slices=["" if v.spec.slice is None else format_slice(v.spec) for v in values],
        tensors=[tf.constant(item.value, tf.as_dtype(item.spec.dtype)) for item in values],
    )


def _set_assets(meta_graph: Any, names: dict[str, str]) -> None:
    """Replaces paths of assets by entries of the collection that SavedModels have for them.

    Args:
      meta_graph: A MetaGraphDef, which is changed.
      names: The name of each file so far by its path; more are added.
    """
    wanted = {parse_ref(name).node for name in read_collection(meta_graph, _ASSET_PATHS, "node")}
    nodes = [node for node in meta_graph.graph_def.node if node.name in wanted]
    for node in sorted(nodes, key=lambda node: f"{node.name}:0"):
        values = node.attr["value"].tensor.string_val
        if node.op != "Const" or len(values) != 1:
            raise errors.FormatError(
                "an asset is not a constant string", node=node.name,
                remedy="Make its path with tf.constant in module_fn.",
            )  # fmt: skip
        path = os.fsdecode(values[0])
        values[0] = _NO_PATH
        name = names.setdefault(path, _new_name(path, names.values()))
        asset = meta_graph_pb2.AssetFileDef(filename=name)
        asset.tensor_info.name = f"{node.name}:0"
        meta_graph.collection_def[_ASSETS].any_list.value.add().Pack(asset)


def _new_name(path: str, taken: Collection[str]) -> str:
    """The name of the file, as hub makes it unique."""
    name = posixpath.basename(path)
    candidates: Iterator[str] = (f"{name}{number}" for number in range(len(taken)))
    return name if name not in taken else next(n for n in candidates if n not in taken)


def _check_places(paths: Collection[str], assets: str) -> None:
    for path in paths:
        if not _resolve(path).startswith(_resolve(assets) + "/"):
            raise errors.UnsafeModuleError(
                f"the module spec names the file {path!r}, which is not one of its assets",
                remedy="Do not use this module unless you know who made it, and why.",
            )


def _resolve(path: str) -> str:
    return posixpath.normpath(path) if "://" in path else os.path.realpath(path)


def _copy_files(files: dict[str, pathlib.Path]) -> None:
    for path, target in files.items():
        target.parent.mkdir(exist_ok=True)
        try:
            tf.io.gfile.copy(path, os.fspath(target))
        except tf.errors.OpError as error:
            raise errors.FormatError(
                f"a file of the module spec, {path!r}, cannot be copied: {errors.summarize(error)}",
                remedy="Files that the spec names have to stay where they were when it was made.",
            ) from error


def _parent(path: str) -> str:
    return posixpath.dirname(path)
