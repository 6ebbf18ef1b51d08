"""Edits a `saved_model.pb` that TensorFlow wrote, so that equal models have equal bytes.

TensorFlow numbers functions in one sequence for the whole process, writes maps in any order, and
writes the process's settings into calls. Here functions are named by their places in the model,
maps are sorted, and the settings are left out.

Sources: saved_model.proto, saved_object_graph.proto, function.proto, config.proto.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from tensorflow.core.protobuf import config_pb2, fingerprint_pb2, saved_model_pb2

from converter import tf_private
from converter.files.paths import Path
from converter.ir import query

_USER_NAME = "_user_specified_name"
_COUNTER = re.compile(r"_\d+$")
_CALL_SETTINGS = "config_proto"
# What differs between processes and machines: the user's `tf.config`, and the devices.
_OF_PROCESS = (
    "graph_options", "inter_op_parallelism_threads", "intra_op_parallelism_threads",
    "log_device_placement",
)  # fmt: skip
_DEVICES = {"CPU": 1, "GPU": 0}


def read_saved_model(directory: Path) -> saved_model_pb2.SavedModel:
    """Reads the `saved_model.pb` in `directory`."""
    return saved_model_pb2.SavedModel.FromString((directory / "saved_model.pb").read_bytes())


def write_saved_model_proto(saved_model: saved_model_pb2.SavedModel, directory: Path) -> None:
    """Writes `saved_model.pb`, and the `fingerprint.pb` that belongs to it."""
    serialized = saved_model.SerializeToString(deterministic=True)
    (directory / "saved_model.pb").write_bytes(serialized)
    _write_fingerprint(directory)


def _write_fingerprint(directory: Path) -> None:
    """Writes a fingerprint whose uuid, random in TensorFlow's, follows from the other fields."""
    path = directory / "fingerprint.pb"
    if not path.is_file():
        return  # This TensorFlow writes none.
    path.unlink()
    tf_private.write_fingerprint(directory)
    fingerprint = fingerprint_pb2.FingerprintDef.FromString(path.read_bytes())
    if "uuid" not in fingerprint.DESCRIPTOR.fields_by_name:  # TensorFlow 2.15
        return
    fingerprint.uuid = ""
    name = fingerprint.SerializeToString(deterministic=True).hex()
    fingerprint.uuid = str(uuid.uuid5(uuid.NAMESPACE_OID, name).int)
    path.write_bytes(fingerprint.SerializeToString(deterministic=True))


def canonicalize(meta_graph: Any) -> dict[str, str]:
    """Names the functions of a MetaGraphDef by their places; returns the names by the old ones.

    It also leaves the process's settings out of calls.
    """
    _drop_settings(meta_graph.graph_def)
    names = _new_names(meta_graph)
    library = meta_graph.graph_def.library
    # TensorFlow numbers custom gradients for the whole process, too.
    registered = sorted(library.registered_gradients, key=lambda r: names[r.gradient_func])
    names |= {r.registered_op_type: f"CustomGradient-{i}" for i, r in enumerate(registered)}
    position = {name: index for index, name in enumerate(names)}
    objects = meta_graph.object_graph_def
    known = {*_functions_of_objects(objects), *_functions_of_captures(objects)}
    offered = {names[name] for name in known if name in names}
    functions = sorted(library.function, key=lambda f: position[f.signature.name])
    for function in functions:
        function.signature.name = names[function.signature.name]
        for node in function.node_def:
            _rename_in_node(node, names)
        for value in function.attr.values():
            _rename_in_attr(value, names)
        _drop_capture_names(function)
        if function.signature.name not in offered:
            _rename_args(function)
    copies = [type(function).FromString(function.SerializeToString()) for function in functions]
    del library.function[:]
    library.function.extend(copies)
    for node in meta_graph.graph_def.node:
        _rename_in_node(node, names)
    for gradient in library.gradient:
        gradient.function_name = names.get(gradient.function_name, gradient.function_name)
        gradient.gradient_func = names.get(gradient.gradient_func, gradient.gradient_func)
    for registered in library.registered_gradients:
        registered.gradient_func = names.get(registered.gradient_func, registered.gradient_func)
        registered.registered_op_type = names[registered.registered_op_type]
    _rename_keys(meta_graph.meta_info_def.function_aliases, names)
    _rename_in_objects(meta_graph.object_graph_def, names)
    return names


def _drop_capture_names(function: Any) -> None:
    """Drops the names of captured arguments, which number the captures of the whole process."""
    for arg in function.arg_attr.values():
        if _USER_NAME in arg.attr and arg.attr[_USER_NAME].s.isdigit():
            del arg.attr[_USER_NAME]


def _rename_args(function: Any) -> None:
    """Names the arguments and results of the function of a branch or loop by their places.

    TensorFlow numbers the captured and the unused ones throughout the process that traces it
    (source: `_build_cond_placeholders_name_prefix` in while_v2.py).
    """
    args = function.signature.input_arg
    taken = {node.name for node in function.node_def}
    names = {}
    for index, arg in enumerate(args):
        names[arg.name] = query.claim_name(f"arg{index}", taken)
        arg.name = names[arg.name]
    for node in function.node_def:
        node.input[:] = [names.get(source, source) for source in node.input]
    returned = {result: names.get(source, source) for result, source in function.ret.items()}
    function.ret.clear()
    for index, result in enumerate(function.signature.output_arg):
        function.ret[f"result{index}"] = returned[result.name]
        result.name = f"result{index}"


def _drop_settings(graph_def: Any) -> None:
    """Makes the settings that TensorFlow gave to calls those of a process without wishes.

    Calls that the module brought along keep theirs.
    """
    settings, neutral = tf_private.settings_of_calls(), neutral_settings()
    if settings == neutral:
        return
    for nodes in (graph_def.node, *(function.node_def for function in graph_def.library.function)):
        for node in nodes:
            if _CALL_SETTINGS in node.attr and node.attr[_CALL_SETTINGS].s == settings:
                node.attr[_CALL_SETTINGS].s = neutral


def neutral_settings() -> bytes:
    """Returns the serialized ConfigProto of calls in a process without wishes."""
    config = config_pb2.ConfigProto.FromString(tf_private.settings_of_calls())
    for field in _OF_PROCESS:
        config.ClearField(field)
    config.device_count.clear()
    config.device_count.update(_DEVICES)
    config.allow_soft_placement = True
    return config.SerializeToString(deterministic=True)


def _new_names(meta_graph: Any) -> dict[str, str]:
    """Numbers functions by their use in the object graph, then by their order in the library."""
    order = list(_functions_of_objects(meta_graph.object_graph_def))
    known = {f.signature.name for f in meta_graph.graph_def.library.function}
    order = [name for name in dict.fromkeys(order) if name in known]
    rest = sorted(known.difference(order), key=lambda name: (_base(name), _counter(name)))
    return {name: f"{_base(name)}_{index}" for index, name in enumerate([*order, *rest])}


def _base(name: str) -> str:
    return _COUNTER.sub("", name)


def _counter(name: str) -> int:
    match = _COUNTER.search(name)
    return int(match[0][1:]) if match else 0


def _functions_of_objects(objects: Any) -> Iterator[str]:
    for node in objects.nodes:
        kind = node.WhichOneof("kind")
        if kind == "function":
            yield from node.function.concrete_functions
        elif kind == "bare_concrete_function":
            yield node.bare_concrete_function.concrete_function_name


def _functions_of_captures(objects: Any) -> Iterator[str]:
    """Yields the functions from which custom gradients take tensors by name."""
    for node in objects.nodes:
        if node.WhichOneof("kind") == "captured_tensor":
            yield node.captured_tensor.concrete_function


def _rename_in_objects(objects: Any, names: Mapping[str, str]) -> None:
    for node in objects.nodes:
        kind = node.WhichOneof("kind")
        if kind == "function":
            renamed = [names.get(name, name) for name in node.function.concrete_functions]
            node.function.concrete_functions[:] = renamed
        elif kind == "bare_concrete_function":
            bare = node.bare_concrete_function
            bare.concrete_function_name = names.get(
                bare.concrete_function_name, bare.concrete_function_name
            )
        elif kind == "captured_tensor":  # A custom gradient takes it from its function.
            captured = node.captured_tensor
            captured.concrete_function = names.get(
                captured.concrete_function, captured.concrete_function
            )
    _rename_keys(objects.concrete_functions, names)


def _rename_keys(proto_map: Any, names: Mapping[str, str]) -> None:
    """Renames the keys of a protobuf map, whose values are messages or strings."""
    items = list(proto_map.items())
    kept = [
        (names.get(key, key), value if isinstance(value, str) else value.SerializeToString())
        for key, value in items
    ]
    proto_map.clear()
    for key, value in kept:
        if isinstance(value, str):
            proto_map[key] = value
        else:
            proto_map[key].ParseFromString(value)


def _rename_in_node(node: Any, names: Mapping[str, str]) -> None:
    node.op = names.get(node.op, node.op)
    for value in node.attr.values():
        _rename_in_attr(value, names)


def _rename_in_attr(value: Any, names: Mapping[str, str]) -> None:
    kind = value.WhichOneof("value")
    if kind == "func":
        value.func.name = names.get(value.func.name, value.func.name)
    elif kind == "list":
        for function in value.list.func:
            function.name = names.get(function.name, function.name)
    elif kind == "s" and value.s.decode(errors="replace") in names:
        value.s = names[value.s.decode()].encode()
