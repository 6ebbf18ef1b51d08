"""The TF1 Hub format: `tfhub_module.pb` beside a SavedModel (source: hub's native_module.py)."""

from __future__ import annotations

from typing import Any

from google.protobuf import message, text_format
from tensorflow.core.protobuf import saved_model_pb2

from converter import errors, limits
from converter.files.bounded_read import read_bounded
from converter.files.paths import Path
from converter.files.source_files import list_files
from converter.formats import hub_protos, meta_graph
from converter.formats.legacy_module import LegacyModule
from converter.tensor_bundle import checkpoint

_DAMAGED = (message.DecodeError, text_format.ParseError, UnicodeDecodeError)
_MODULE_DEF = "tfhub_module.pb"
_SUPPORTED_FEATURES: frozenset[str] = frozenset()  # The format has never defined one.


class HubModuleFormat:
    """A directory that `hub.ModuleSpec.export` wrote."""

    name = "tf1_hub"

    def recognizes(self, directory: Path) -> bool:
        """Whether `directory` has the file that marks this format."""
        return (directory / _MODULE_DEF).is_file()

    def read(self, directory: Path) -> LegacyModule:
        """Reads the module.

        Raises:
          FormatError: if it is damaged, or requires a feature that the converter does not know.
          WeightsError: if the checkpoint's index is damaged.
          UnsafeModuleError: if a link leads out of the directory.
        """
        list_files(directory)
        _check_module_def(directory)
        saved_model = read_saved_model(directory)
        weights = checkpoint.read_checkpoint(directory / "variables" / "variables")
        variants = {}
        for graph in saved_model.meta_graphs:
            program = meta_graph.read_program(graph, weights)
            if program.tags in variants:
                raise errors.FormatError(f"tag set {sorted(program.tags)} occurs twice")
            variants[program.tags] = program
        if not variants:
            raise errors.FormatError("saved_model.pb holds no graph")
        return LegacyModule(directory, self.name, variants, weights)


def _check_module_def(directory: Path) -> None:
    try:
        content = read_bounded(directory / _MODULE_DEF, limits.MAX_MODULE_DEF_BYTES, _MODULE_DEF)
        module_def = hub_protos.ModuleDef.FromString(content)
    except message.DecodeError as error:
        raise errors.FormatError(f"{_MODULE_DEF} is damaged") from error
    if module_def.format != hub_protos.FORMAT_V3:
        raise errors.FormatError(
            f"{_MODULE_DEF} names format {module_def.format}, expected {hub_protos.FORMAT_V3}"
        )
    unknown = sorted(set(module_def.required_features) - _SUPPORTED_FEATURES)
    if unknown:
        raise errors.FormatError(
            f"{_MODULE_DEF} requires features that this converter does not know: {unknown}",
            remedy="Look for a newer version of the converter.",
        )


def is_tf2(saved_model: Any) -> bool:
    """Whether a `SavedModel` was written by TF2."""
    return any(graph.HasField("object_graph_def") for graph in saved_model.meta_graphs)


def read_saved_model(directory: Path) -> Any:
    """Reads `saved_model.pb`, or `saved_model.pbtxt` where that is missing, as a `SavedModel`.

    Raises:
      FormatError: if both are missing, or it is damaged or too large.
    """
    binary, text = directory / "saved_model.pb", directory / "saved_model.pbtxt"
    try:
        if binary.is_file():
            content = read_bounded(binary, limits.MAX_GRAPH_BYTES, binary.name)
            return saved_model_pb2.SavedModel.FromString(content)
        if text.is_file():
            content = read_bounded(text, limits.MAX_GRAPH_TEXT_BYTES, text.name)
            return text_format.Parse(content, saved_model_pb2.SavedModel())
    except (*_DAMAGED, RecursionError) as error:  # The parser of text is recursive.
        raise errors.FormatError(
            "saved_model.pb is damaged", remedy="Copy the module again."
        ) from error
    raise errors.FormatError(
        "there is no saved_model.pb", remedy="Point to the directory that holds it."
    )
