"""Writes serving signatures: for each a function that calls its callable's trace, and the protos.

`tf.saved_model.save` would trace them, and accepts as inputs only names that Python can say.

Sources: saved_object_graph.proto, struct.proto, meta_graph.proto, and
tensorflow/python/saved_model/{save,signature_serialization}.py.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import function_pb2, node_def_pb2, tensor_shape_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_object_graph_pb2, struct_pb2

from converter import errors, tf_private
from converter.assemble.signatures import ServedFunction
from converter.compile.signature_names import InputName
from converter.export.function_protos import (
    Parameter,
    make_call,
    make_constant,
    make_function,
    make_identity,
    make_node,
    make_placeholder,
    numbered,
)
from converter.export.main_graph import MainGraph

_METHOD = "tensorflow/serving/predict"
_UNSAFE = re.compile(r"[^0-9A-Za-z_.-]")


@dataclasses.dataclass(frozen=True, slots=True)
class _Tensor:
    """An input or output."""

    dtype: int
    shape: tensor_shape_pb2.TensorShapeProto

    def spec(self, name: str) -> struct_pb2.StructuredValue:
        """Returns its TensorSpec."""
        proto = struct_pb2.TensorSpecProto(name=name, shape=self.shape, dtype=self.dtype)
        return struct_pb2.StructuredValue(tensor_spec_value=proto)

    def info(self, node: str, index: int = 0) -> meta_graph_pb2.TensorInfo:
        """Returns the TensorInfo of an output of a node."""
        return meta_graph_pb2.TensorInfo(
            name=f"{node}:{index}", dtype=self.dtype, tensor_shape=self.shape
        )


def add_signatures(
    graph: MainGraph, signatures: Mapping[str, ServedFunction], renamed: Mapping[str, str]
) -> None:
    """Adds signatures to a SavedModel that has none.

    Args:
      graph: The main graph of the SavedModel.
      signatures: The signatures by name; equal ones are written once.
      renamed: The names of the functions in the graph, by those in this process.

    Raises:
      InternalError: if TensorFlow did not save the trace that a signature calls, but another.
    """
    objects = graph.meta_graph.object_graph_def
    root = objects.nodes[0].children
    offered = next(child.node_id for child in root if child.local_name == "signatures")
    written: dict[int, tuple[int, meta_graph_pb2.SignatureDef]] = {}
    for key, served in signatures.items():
        if id(served) not in written:
            name = tf.compat.as_str(served.function.name)
            if name not in renamed:
                raise errors.InternalError(f"signature {key!r} was traced again")
            written[id(served)] = _Signature(graph, key, served, renamed[name]).add()
        node, definition = written[id(served)]
        objects.nodes[offered].children.add(node_id=node, local_name=key)
        graph.meta_graph.signature_def[key].CopyFrom(definition)


class _Signature:
    """One signature to be added."""

    def __init__(self, graph: MainGraph, key: str, served: ServedFunction, callee: str) -> None:
        self._graph = graph
        self._key = key
        self._served = served
        self._callee = graph.function(callee)
        function = served.function
        taken = [_describe(tensor) for tensor in function.inputs[: len(served.arguments)]]
        fed = zip(served.arguments, taken, strict=True)
        inputs = [(name, tensor) for name, tensor in fed if isinstance(name, InputName)]
        # TensorFlow passes them in this order to a loaded function.
        self._inputs = sorted(inputs, key=lambda pair: pair[0].parameter)
        returned = [_describe(tensor) for tensor in function.outputs]
        self._outputs = {key: returned[served.results[key]] for key in sorted(served.results)}
        self._returned = returned
        self._read_only = tf_private.find_read_only_inputs(function)

    def add(self) -> tuple[int, meta_graph_pb2.SignatureDef]:
        """Adds it; returns the number of its object, and its SignatureDef."""
        wrapper = self._make_wrapper()
        self._graph.add_function(wrapper)
        return self._add_object(wrapper.signature.name), self._add_call(wrapper)

    def _make_wrapper(self) -> function_pb2.FunctionDef:
        """Makes the function that takes the inputs in order, and returns the outputs in order."""
        parameters = [
            *(Parameter(each.dtype, each.shape, name.keyword) for name, each in self._inputs),
            *self._captured_parameters(),
        ]
        nodes, given = self._give_arguments()
        given += [f"arg{place}" for place in range(len(self._inputs), len(parameters))]
        shapes = [tensor.shape for tensor in self._returned]
        nodes.append(make_call("call", self._callee, given, shapes, self._read_only))
        is_stateful = self._callee.signature.is_stateful
        if is_stateful:
            nodes.append(make_node("NoOp", "NoOp", ["^call"]))
        results = []
        number = numbered()
        for key, tensor in self._outputs.items():
            source = [f"call:output:{self._served.results[key]}"] + ["^NoOp"] * is_stateful
            nodes.append(make_identity(number("Identity"), source, tensor.dtype, tensor.shape))
            results.append((f"{nodes[-1].name}:output:0", tensor.dtype))
        name = self._graph.name_function("__inference_signature_wrapper")
        ran = ["call"] * is_stateful
        return make_function(name, parameters, nodes, results, ran, is_stateful=is_stateful)

    def _give_arguments(self) -> tuple[list[node_def_pb2.NodeDef], list[str]]:
        """Returns the tensors for the trace's arguments, and the constants among them."""
        places = {name: f"arg{place}" for place, (name, _) in enumerate(self._inputs)}
        nodes: list[node_def_pb2.NodeDef] = []
        given = []
        for argument in self._served.arguments:
            if isinstance(argument, InputName):
                given.append(places[argument])
            else:
                dtype = tf.as_dtype(argument.dtype).as_datatype_enum
                nodes.append(make_constant(f"default_{len(nodes)}", argument, dtype))
                given.append(f"{nodes[-1].name}:output:0")
        return nodes, given

    def _captured_parameters(self) -> list[Parameter]:
        first = len(self._served.arguments)
        shapes = self._callee.attr["_input_shapes"].list.shape
        return [
            Parameter(arg.type, shape, handle_data=arg.handle_data)
            for arg, shape in zip(
                self._callee.signature.input_arg[first:], shapes[first:], strict=True
            )
        ]

    def _add_call(self, wrapper: function_pb2.FunctionDef) -> meta_graph_pb2.SignatureDef:
        """Adds placeholders and the call of the function, which Sessions feed and fetch."""
        graph = self._graph
        definition = meta_graph_pb2.SignatureDef(method_name=_METHOD)
        fed = []
        for name, tensor in self._inputs:
            wanted = _UNSAFE.sub("_", f"{self._key}_{name.name}").lstrip("_-") or "input"
            node = graph.claim_name(wanted)
            fed.append(graph.add_node(make_placeholder(node, tensor.dtype, tensor.shape)))
            definition.inputs[name.name].CopyFrom(tensor.info(node))
        captured = [graph.captured(tensor) for tensor in self._served.function.captured_inputs]
        shift = len(self._inputs) - len(self._served.arguments)
        read_only = [index + shift for index in self._read_only]
        shapes = [tensor.shape for tensor in self._outputs.values()]
        called = graph.claim_name("StatefulPartitionedCall")
        call = graph.add_node(make_call(called, wrapper, [*fed, *captured], shapes, read_only))
        for index, (key, tensor) in enumerate(self._outputs.items()):
            definition.outputs[key].CopyFrom(tensor.info(call, index))
        return definition

    def _add_object(self, wrapper: str) -> int:
        """Adds the object that is the function in Python; returns its number."""
        objects = self._graph.meta_graph.object_graph_def
        callee = self._callee.signature.name
        saved = objects.concrete_functions[wrapper]
        saved.bound_inputs.extend(objects.concrete_functions[callee].bound_inputs)
        saved.canonicalized_input_signature.CopyFrom(_make_input_signature(self._inputs))
        outputs = {key: tensor.spec(_spec_name(key)) for key, tensor in self._outputs.items()}
        saved.output_signature.CopyFrom(_make_dict(outputs))
        trace = next(
            node
            for node in objects.nodes
            if node.bare_concrete_function.concrete_function_name == callee
        )
        objects.nodes.append(
            saved_object_graph_pb2.SavedObject(
                children=trace.children,  # What it captures.
                dependencies=trace.dependencies,
                bare_concrete_function=saved_object_graph_pb2.SavedBareConcreteFunction(
                    concrete_function_name=wrapper,
                    argument_keywords=[name.keyword for name, _ in self._inputs],
                    # The order of several inputs is nobody's business.
                    allowed_positional_arguments=int(len(self._inputs) == 1),
                ),
            )
        )
        return len(objects.nodes) - 1


def _describe(tensor: tf.Tensor) -> _Tensor:
    return _Tensor(tensor.dtype.as_datatype_enum, tensor.shape.as_proto())


def _make_input_signature(inputs: Sequence[tuple[InputName, _Tensor]]) -> Any:
    """Makes the signature `((), {name: spec})`."""
    specs = {name.parameter: tensor.spec(name.parameter) for name, tensor in inputs}
    nothing = struct_pb2.StructuredValue(tuple_value=struct_pb2.TupleValue())
    both = struct_pb2.TupleValue(values=[nothing, _make_dict(specs)])
    return struct_pb2.StructuredValue(tuple_value=both)


def _make_dict(fields: Mapping[str, Any]) -> struct_pb2.StructuredValue:
    return struct_pb2.StructuredValue(dict_value=struct_pb2.DictValue(fields=fields))


def _spec_name(key: str) -> str:
    """Names the spec of an output as TensorFlow does (source: `sanitize_spec_name`)."""
    swapped = "".join(c if c.isalnum() else "_" for c in key.lower())
    return (swapped if swapped[:1].isalpha() else f"tensor_{swapped}") if swapped else "unknown"
