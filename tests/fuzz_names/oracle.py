"""Converts a module, and calls the result in every way that users have.

Each failure is an `AssertionError` that starts with the way.
"""

from __future__ import annotations

import contextlib
import keyword
import pathlib
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np
import tensorflow as tf

import converter
from converter.export.record import read_record
from converter.export.saved_model import quiet_tensorflow
from fuzz_names.module import Module, Signature, expected_outputs, input_values, write_module

_SPARSE_PARTS = ("indices", "values", "dense_shape")

Record = Mapping[str, Any]


def check_module(module: Module) -> None:
    """Writes, converts and calls a module.

    Raises:
      AssertionError: if one way of calling fails, or returns something else than it should.
    """
    with _temporary_directory() as directory:
        write_module(module, directory / "module")
        converted = directory / "converted"
        converter.convert(directory / "module", converted)
        _check_inspected(directory / "module", converted)
        record = msgspec.to_builtins(read_record(converted))
        loaded = tf.saved_model.load(str(converted))
        _check_callables("loaded", loaded, record, module)
        _check_signatures("signatures", loaded.signatures, record, module)
        _check_session("Session", converted, record, module)
        _check_saved_again(loaded, directory / "again", record, module)


def check_live(module: Module) -> None:
    """Loads a module without writing it, and calls it.

    Raises:
      AssertionError: if a call returns something else than it should.
    """
    with _temporary_directory() as directory:
        write_module(module, directory / "module")
        record = converter.inspect(directory / "module").to_json()
        _check_callables("live", converter.load(directory / "module"), record, module)


@contextlib.contextmanager
def _temporary_directory() -> Iterator[pathlib.Path]:
    """A new directory, while TensorFlow says nothing and does not rewrite the tiny graphs."""
    option = "disable_meta_optimizer"
    before = tf.config.optimizer.get_experimental_options().get(option, False)
    tf.config.optimizer.set_experimental_options({option: True})
    try:
        with tempfile.TemporaryDirectory(prefix="names_") as path, quiet_tensorflow():
            yield pathlib.Path(path)
    finally:
        tf.config.optimizer.set_experimental_options({option: before})


def _session() -> tf.compat.v1.Session:
    config = tf.compat.v1.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    return tf.compat.v1.Session(config=config)


def _check_inspected(source: pathlib.Path, converted: pathlib.Path) -> None:
    found = converter.inspect(source)
    assert found.refused is None, f"inspect: {found.refused}"
    assert found.callables == read_record(converted).callables, "inspect: not as the record"


def _parts(record: Record, module: Module) -> list[tuple[str, Mapping[str, Any], Signature]]:
    signatures = {signature.name: signature for signature in module.signatures}
    parts = [
        (name, part, signatures[part["signature"]]) for name, part in record["callables"].items()
    ]
    assert len(parts) == len(signatures), "record: not every signature is a callable"
    return parts


# Callables.


def _check_callables(way: str, loaded: Any, record: Record, module: Module) -> None:
    for name, part, signature in _parts(record, module):
        known = {key: _to_tensor(value) for key, value in input_values(signature).items()}
        given = {key: known[key] for key in part["inputs"]}
        args = [given if len(given) > 1 else next(iter(given.values()))] if given else []
        kwargs = {key: known[hparam["input"]] for key, hparam in part["hparams"].items()}
        piece, expected = getattr(loaded, name), expected_outputs(signature)
        label = f"{way}: {name} of {signature}"
        if part["return_endpoints"]:
            _compare(label, piece(*args, **kwargs, return_endpoints=True), expected)
        found = piece(*args, **kwargs)
        if "default" in expected:
            found, expected = {"default": found}, {"default": expected["default"]}
        _compare(label, found, expected)


def _to_tensor(value: Any) -> Any:
    if isinstance(value, tf.compat.v1.SparseTensorValue):
        return tf.SparseTensor(*value)
    return tf.constant(value)


# Signatures.


def _served_values(signature: Signature) -> dict[str, np.ndarray]:
    """The values of a served signature's inputs, by their keys in the SignatureDef."""
    values = input_values(signature)
    dense = {name: value for name, value in values.items() if not hasattr(value, "dense_shape")}
    served = dict(dense)
    for name, value in values.items():
        if name not in dense:
            for part in _SPARSE_PARTS:
                key, number = f"{name}_{part}", 0
                while key in served:
                    number += 1
                    key = f"{name}_{part}_{number}"
                served[key] = getattr(value, part)
    return served


def _check_signatures(way: str, signatures: Any, record: Record, module: Module) -> None:
    """Calls each signature by keywords: to the letter, but for what the record lists."""
    parts = _parts(record, module)
    taken = {part["served_as"] for _, part, _ in parts}
    for name, part, signature in parts:
        served_as, keywords = part["served_as"], part["serving_keywords"]
        assert served_as == _served_as(signature, name), f"{way}: {signature} as {served_as!r}"
        _check_sayable(way, signature, keywords)
        served = _served_values(signature)
        values = {keywords.get(key, key): tf.constant(value) for key, value in served.items()}
        expected, label = expected_outputs(signature), f"{way}: {served_as!r} of {signature}"
        _compare(label, signatures[served_as](**values), expected)
        if len(values) == 1:
            _compare(label, signatures[served_as](*values.values()), expected)
        if name == record["root"] and "serving_default" not in taken:
            _compare(label, signatures["serving_default"](**values), expected)


def _served_as(signature: Signature, attribute: str) -> str:
    return attribute if signature.name == "__saved_model_init_op" else signature.name


def _check_sayable(way: str, signature: Signature, keywords: Mapping[str, str]) -> None:
    """Asserts that only names which no call could give have others."""
    names = list(_served_values(signature))
    for name in keywords:
        twins = [n for n in names if n != name and _clean(n) == _clean(name)]
        assert name in ("", "self") or twins, f"{way}: {name!r} of {signature} is not to the letter"


def _clean(name: str) -> str:
    cleaned = "".join(c if c.isalnum() else "_" for c in name)
    return cleaned if cleaned[:1].isalpha() else f"arg_{cleaned}"


def _check_session(way: str, path: pathlib.Path, record: Record, module: Module) -> None:
    with tf.Graph().as_default(), _session() as session:
        meta_graph = tf.compat.v1.saved_model.load(session, ["serve"], str(path))
        for _, part, signature in _parts(record, module):
            definition = meta_graph.signature_def[part["served_as"]]
            served = _served_values(signature)
            label = f"{way}: {part['served_as']!r} of {signature}"
            assert set(definition.inputs) == set(served), label
            _compare(label, _run(session, definition, served), expected_outputs(signature))


# Saved again.


def _check_saved_again(loaded: Any, path: pathlib.Path, record: Record, module: Module) -> None:
    """Saves a loaded model inside of another that takes over those signatures that it can."""
    renamed = {}
    for _, part, signature in _parts(record, module):
        names = _names_in_copy(loaded.signatures[part["served_as"]], part, signature)
        # TensorFlow makes a node's name of the signature's that no session takes.
        if names is not None and "\\" not in part["served_as"]:
            renamed[part["served_as"]] = names, signature
    wrapper = tf.Module()
    wrapper.model = loaded
    chosen = {name: loaded.signatures[name] for name in renamed}
    tf.saved_model.save(wrapper, str(path), signatures=chosen)
    again = tf.saved_model.load(str(path))
    _check_callables("loaded again", again.model, record, module)
    _check_signatures("signatures again", again.model.signatures, record, module)
    for name, (names, signature) in renamed.items():
        values = _served_values(signature)
        tensors = {names[key]: tf.constant(value) for key, value in values.items()}
        label = f"signatures taken over: {name!r} of {signature}"
        _compare(label, again.signatures[name](**tensors), expected_outputs(signature))
    with tf.Graph().as_default(), _session() as session:
        definitions = tf.compat.v1.saved_model.load(session, ["serve"], str(path)).signature_def
        for name, (names, signature) in renamed.items():
            label = f"Session, signatures taken over: {name!r} of {signature}"
            values = {names[key]: value for key, value in _served_values(signature).items()}
            _compare(label, _run(session, definitions[name], values), expected_outputs(signature))


def _run(session: Any, definition: Any, values: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Runs a SignatureDef in a session."""
    feeds = {definition.inputs[key].name: value for key, value in values.items()}
    found: dict[str, np.ndarray] = session.run(
        {key: info.name for key, info in definition.outputs.items()}, feeds
    )
    return found


def _names_in_copy(
    function: Any, part: Mapping[str, Any], signature: Signature
) -> dict[str, str] | None:
    """The keys of the copy's SignatureDef by those of ours, or None where it cannot be saved.

    TensorFlow (2.15 and 2.21) makes parameters of its functions of them.
    """
    keys = list(_served_values(signature))
    parameters = {key: _clean(part["serving_keywords"].get(key, key)) for key in keys}
    if not all(p.isidentifier() and not keyword.iskeyword(p) for p in parameters.values()):
        return None
    structured = function.structured_input_signature[1]
    assert set(parameters.values()) == set(map(_clean, structured)), signature
    in_copy = dict(zip(sorted(parameters.values()), function._arg_keywords, strict=True))
    return {key: in_copy[parameter] for key, parameter in parameters.items()}


def _compare(label: str, actual: Mapping[str, Any], expected: Mapping[str, np.ndarray]) -> None:
    assert set(actual) == set(expected), f"{label}: outputs {sorted(actual)}"
    for name, value in expected.items():
        np.testing.assert_array_equal(actual[name], value, f"{label}: output {name!r}")
