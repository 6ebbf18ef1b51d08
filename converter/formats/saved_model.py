"""The format of TF1 SavedModels that are not modules of TF Hub (source: saved_model.proto)."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np

from converter import errors
from converter.files.paths import Path
from converter.files.source_files import list_files
from converter.formats import meta_graph
from converter.formats.hub_module import is_tf2, read_saved_model
from converter.formats.initialization import INIT_SIGNATURE, TRAIN_SIGNATURE, find_train_ops
from converter.formats.legacy_module import SAVED_MODEL, LegacyModule
from converter.formats.saved_model_state import read_state
from converter.formats.tf2_uses import describe_uses
from converter.formats.training_signatures import leave_out_training
from converter.ir.graph import Omission, Program
from converter.tensor_bundle import checkpoint

LOADER_SIGNATURES = frozenset({INIT_SIGNATURE, TRAIN_SIGNATURE})


class SavedModelFormat:
    """A directory that `tf.compat.v1.saved_model.Builder` or `simple_save` wrote."""

    name = SAVED_MODEL

    def recognizes(self, directory: Path) -> bool:
        """Whether `directory` has a SavedModel; that of TF2 is refused on reading."""
        return any((directory / f"saved_model.{end}").is_file() for end in ("pb", "pbtxt"))

    def read(self, directory: Path) -> LegacyModule:
        """Reads the model.

        Raises:
          FormatError: if it is damaged, of TF2, or its init op does what cannot be carried over.
          WeightsError: if the checkpoint's index is damaged.
          UnsafeModuleError: if a link leads out of the directory.
        """
        list_files(directory)
        saved_model = read_saved_model(directory)
        if is_tf2(saved_model):
            raise errors.FormatError(
                f"{directory} is a TF2 SavedModel already", remedy=describe_uses(saved_model)
            )
        weights = checkpoint.read_checkpoint(directory / "variables" / "variables")
        variants = {}
        values: dict[str, np.ndarray] = {}
        unknown: dict[str, str] = {}
        for graph in saved_model.meta_graphs:
            read = functools.partial(read_state, weights)
            program, state = meta_graph.read_program(graph, read, LOADER_SIGNATURES)
            if program.tags in variants:
                raise errors.FormatError(f"tag set {sorted(program.tags)} occurs twice")
            variants[program.tags] = _leave_out(program, graph)
            _merge(values, unknown, state.initial_values, state.unknown_values)
        if not variants:
            raise errors.FormatError("saved_model.pb holds no graph")
        weights = dataclasses.replace(weights, initial_values=values, unknown_values=unknown)
        return LegacyModule(directory, self.name, variants, weights)


def _leave_out(program: Program, graph: Any) -> Program:
    """Leaves out what trains the model: ops, and signatures that run them."""
    ops = [
        Omission("train op", name, "the converted model is trained by TensorFlow 2's optimizers")
        for name in find_train_ops(graph)
    ]
    program = leave_out_training(program)
    return dataclasses.replace(program, omissions=(*program.omissions, *ops))


def _merge(
    values: dict[str, np.ndarray], unknown: dict[str, str], more: Any, more_unknown: Any
) -> None:
    """Adds the initial values of a graph variant to those of others.

    A variable that two of them initialize differently has no value.
    """
    for name, value in more.items():
        known = values.setdefault(name, value)
        if known.dtype != value.dtype or not np.array_equal(known, value):
            unknown[name] = "two graph variants initialize it differently"
    for name, reason in more_unknown.items():
        unknown.setdefault(name, reason)
