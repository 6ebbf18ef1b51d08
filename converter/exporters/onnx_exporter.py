"""ONNX files, written by tf2onnx and run by onnxruntime."""

from __future__ import annotations

import contextlib
import importlib.metadata
import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from converter.errors import summarize
from converter.exporters.comparison import Run
from converter.exporters.exporter import ExportFailedError
from converter.exporters.inputs import Arrays
from converter.exporters.obstacles import Obstacle
from converter.exporters.signature import ExportedSignature
from converter.parity.values import as_array

_UNSUPPORTED = re.compile(r"Tensorflow op \[(?P<node>.+): (?P<op>\w+)\] is not supported")
# What onnxruntime says of a node that does not fit its op, and of an op without a kernel.
_REFUSED = (
    re.compile(r'In Node, \("(?P<node>[^"]*)", (?P<op>\w+)'),
    re.compile(r"implementation for (?P<op>\w+)\(\d+\) node with name '(?P<node>[^']*)'"),
)
_DEFAULT_DOMAINS = ("", "ai.onnx")


class OnnxExporter:
    """See `Exporter`."""

    def export(self, signature: ExportedSignature) -> bytes:
        """See `Exporter`."""
        import tf2onnx

        with _logged() as messages:
            try:
                model, _ = tf2onnx.convert.from_function(
                    signature.function, input_signature=signature.function.input_signature
                )
            except Exception as error:  # Whatever tf2onnx raises: it has no error of its own.
                obstacles = _read_obstacles(messages)
                raise ExportFailedError(summarize(error), obstacles) from error
        left = tuple(dict.fromkeys((*_read_obstacles(messages), *_find_unknown_ops(model.graph))))
        if left:
            raise ExportFailedError("tf2onnx left ops of TensorFlow in the file", left)
        return bytes(model.SerializeToString())

    def load(self, content: bytes, signature: ExportedSignature) -> Run:
        """See `Exporter`."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # Errors are raised as well.
        try:
            session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # Its classes are private, and share no base.
            raise _refused(error) from error
        taken = {each.name for each in session.get_inputs()}

        def run(arrays: Arrays) -> dict[str, np.ndarray]:
            safe = {signature.input_names[name]: array for name, array in arrays.items()}
            feeds = {name: _to_runtime(a) for name, a in safe.items() if name in taken}
            try:
                found = session.run(list(signature.output_names.values()), feeds)
            except Exception as error:
                raise _refused(error) from error
            return dict(zip(signature.output_names, map(_from_runtime, found), strict=True))

        return run

    def versions(self) -> Mapping[str, str]:
        """See `Exporter`."""
        return {name: importlib.metadata.version(name) for name in ("tf2onnx", "onnxruntime")}


def _refused(error: Exception) -> ExportFailedError:
    found = [match for pattern in _REFUSED for match in pattern.finditer(str(error))]
    obstacles = tuple(Obstacle(match["op"], match["node"]) for match in found)
    return ExportFailedError(summarize(error), obstacles)


@contextlib.contextmanager
def _logged() -> Iterator[list[str]]:
    """Collects what tf2onnx logs, which would otherwise be printed with tracebacks."""
    messages: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    logger, handler = logging.getLogger("tf2onnx"), Collector()
    before = logger.propagate, logger.handlers
    logger.propagate, logger.handlers = False, [handler]
    try:
        yield messages
    finally:
        logger.propagate, logger.handlers = before


def _read_obstacles(messages: list[str]) -> tuple[Obstacle, ...]:
    found = (match for message in messages for match in _UNSUPPORTED.finditer(message))
    return tuple(Obstacle(match["op"], match["node"]) for match in found)


def _find_unknown_ops(graph: Any) -> Iterator[Obstacle]:
    """The nodes of an ONNX graph, and of the graphs in it, that are not ops of ONNX."""
    import onnx

    for node in graph.node:
        if node.domain in _DEFAULT_DOMAINS and not onnx.defs.has(node.op_type):
            yield Obstacle(node.op_type, node.name)
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _find_unknown_ops(inner)


def _to_runtime(array: np.ndarray) -> np.ndarray:
    """Strings are Unicode to onnxruntime."""
    if array.dtype != object:
        return array
    texts = [element.decode(errors="surrogateescape") for element in array.flat]
    return np.array(texts, dtype=object).reshape(array.shape)


def _from_runtime(value: Any) -> np.ndarray:
    array = as_array(value)
    if array.dtype != object:
        return array
    texts = [str(element).encode(errors="surrogateescape") for element in array.flat]
    strings = np.empty(len(texts), dtype=object)
    strings[:] = texts
    return strings.reshape(array.shape)
