"""Checks that a SavedModel which the converter wrote is still complete."""

from __future__ import annotations

import pathlib

from converter import errors
from converter.formats import hub_module
from converter.tensor_bundle.checkpoint import read_checkpoint


def is_complete(directory: pathlib.Path) -> bool:
    """Whether a SavedModel has all files that it names, each at its full length.

    The record alone does not show that: it is still there if a copy was aborted or a file was
    removed. The weights themselves are not read.
    """
    variables = directory / "variables" / "variables"
    try:
        saved_model = hub_module.read_saved_model(directory)
        read_checkpoint(variables)
    except (errors.ConversionError, OSError):
        return False
    assets = {a.filename for graph in saved_model.meta_graphs for a in graph.asset_file_def}
    files = [variables.with_suffix(".index"), *(directory / "assets" / name for name in assets)]
    return hub_module.is_tf2(saved_model) and all(path.is_file() for path in files)
