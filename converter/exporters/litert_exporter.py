"""LiteRT (TFLite) files, written by TensorFlow's converter and run by an interpreter."""

from __future__ import annotations

import importlib.metadata
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from converter.errors import summarize
from converter.export.saved_model import quiet_tensorflow
from converter.exporters.comparison import Run
from converter.exporters.exporter import ExportFailedError
from converter.exporters.inputs import Arrays
from converter.exporters.obstacles import Obstacle
from converter.exporters.signature import ExportedSignature
from converter.parity.values import as_array
from converter.processes.custom_ops import is_module
from converter.processes.hidden_stderr import hidden_stderr

_PACKAGE = "ai-edge-litert"
_MISSING = re.compile(r"'tf\.(?P<op>\w+)' op (?:is neither|requires)|'tf\.(?P<illegal>\w+)' that")
_NODE = re.compile(r'name: "(?P<name>[^"]+)"')


class LitertExporter:
    """See `Exporter`."""

    def export(self, signature: ExportedSignature) -> bytes:
        """See `Exporter`."""
        with quiet_tensorflow(), hidden_stderr(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            converter = tf.lite.TFLiteConverter.from_concrete_functions(
                [signature.concrete], signature.module
            )
            try:
                return bytes(converter.convert())
            except Exception as error:  # ConverterError, ValueError and others.
                obstacles = tuple(dict.fromkeys(_find_obstacles(error)))
                raise ExportFailedError(summarize(error), obstacles) from error

    def load(self, content: bytes, signature: ExportedSignature) -> Run:
        """See `Exporter`."""
        try:
            with hidden_stderr():
                interpreter = _interpreter_class()(model_content=content)
                runner = interpreter.get_signature_runner()
        except (ValueError, RuntimeError) as error:
            raise ExportFailedError(summarize(error)) from error
        taken = set(runner.get_input_details())

        def run(arrays: Arrays) -> dict[str, np.ndarray]:
            safe = {signature.input_names[name]: array for name, array in arrays.items()}
            try:
                with hidden_stderr():
                    found = runner(**{name: safe[name] for name in safe if name in taken})
            except (ValueError, RuntimeError) as error:
                raise ExportFailedError(summarize(error)) from error
            return {name: as_array(found[key]) for name, key in signature.output_names.items()}

        return run

    def versions(self) -> Mapping[str, str]:
        """See `Exporter`."""
        if not is_module("ai_edge_litert"):
            return {}
        return {_PACKAGE: importlib.metadata.version(_PACKAGE)}


def _interpreter_class() -> Any:
    """The interpreter of ai-edge-litert; that of TensorFlow 2.15 to 2.21 where it is missing."""
    if is_module("ai_edge_litert"):
        from ai_edge_litert.interpreter import Interpreter

        return Interpreter
    return _interpreter_of_tensorflow


def _interpreter_of_tensorflow(**options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It is deprecated, from TensorFlow 2.20 on.
        return tf.lite.Interpreter(**options)


def _find_obstacles(error: Exception) -> Iterator[Obstacle]:
    """Reads a ConverterError (source: lite/python/metrics/converter_error_data.proto)."""
    for entry in getattr(error, "errors", ()):
        node = _NODE.search(str(entry.location))
        op = str(entry.operator.name).removeprefix("tf.")
        if op and node is not None:
            yield Obstacle(op, node["name"])
    if not getattr(error, "errors", ()):
        for match in _MISSING.finditer(str(error)):
            yield Obstacle(match["op"] or match["illegal"], "")
