"""Converted modules through the V1 loader, which is that of `saved_model_cli` and TF Serving."""

import numpy as np
import pytest
import tensorflow as tf
from golden.converted_model import convert_to_disk
from golden.golden_values import read_golden
from golden.test_golden import assert_equal

from converter.parity.values import to_components

_CONTROL_FLOW = (
    "cond_nested", "decoder_attention", "elmo", "map_fn_strings", "rnn_bidirectional",
    "state_branch_in_loop", "tensor_array_concat", "v2_state", "while_nested_deep",
)  # fmt: skip


def _suffixes(described):
    if described["kind"] == "sparse":
        return ["_indices", "_values", "_dense_shape"]
    if described["kind"] == "ragged":
        return [f"_component_{index}" for index in range(1 + described["ragged_rank"])]
    return [""]


def _components(values, described):
    """The tensors of a signature's values, by the names that the SignatureDef gives them."""
    named = {}
    for key, value in values.items():
        parts = to_components(value)
        if len(parts) == 1:
            named[key] = parts[0]
        elif described[key]["kind"] == "sparse":
            named.update(zip((key + s for s in _suffixes(described[key])), parts, strict=True))
        else:
            named.update((f"{key}_component_{i}", part) for i, part in enumerate(parts))
    return named


def _check(name):
    if read_golden(name).random_ops:
        pytest.skip("what is random is compared with its random ops replaced")
    check_in_session(convert_to_disk(name), read_golden(name).calls)


def check_in_session(model, calls):
    """Runs recorded calls of a converted module, each in a Session of its own."""
    checked = 0
    for call in calls:
        for part in model.record["callables"].values():
            is_called = (part["signature"], frozenset(part["tags"])) == (call.signature, call.tags)
            if is_called and part["served_as"] is not None:
                _check_call(model, part, call)
                checked += 1
    assert checked


def _check_call(model, part, call):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta_graph = tf.compat.v1.saved_model.load(session, ["serve"], str(model.path))
        signature = meta_graph.signature_def[part["served_as"]]
        known = {**part["inputs"], **{h["input"]: h for h in part["hparams"].values()}}
        fed = _components({k: v for k, v in call.inputs.items() if k in known}, part["inputs"])
        feeds = {signature.inputs[k].name: v for k, v in fed.items() if k in signature.inputs}
        fetches = {key: info.name for key, info in signature.outputs.items()}
        found = session.run(fetches, feeds)
    expected = _components(call.outputs, part["outputs"])
    assert set(found) == set(expected)
    for key, value in expected.items():
        actual = found[key]
        actual = np.array(actual, dtype=object) if isinstance(actual, bytes) else actual
        assert_equal(value, actual, f"{key} of {call.signature} ({call.label})")


@pytest.mark.parametrize("name", _CONTROL_FLOW)
def test_control_flow_runs_in_a_session(name):
    _check(name)


@pytest.mark.slow
def test_every_module_runs_in_a_session(fixture_name):
    _check(fixture_name)
