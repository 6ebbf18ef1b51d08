"""Payloads are graphs that TensorFlow takes, for most ops."""

import pytest
from hostile_models import PLACES, Payload
from tensorflow.core.protobuf import meta_graph_pb2

from effects.jobs import Case
from effects.payloads import Canary, is_taken, make_payload
from effects.proof import is_reached, list_unsafe_ops

_CANARY = Canary("/canary", ("file:///dump",), "pyfunc_7")


def _node(op, name="evil"):
    (node,) = (node for node in make_payload(op, _CANARY).nodes if node.name == name)
    return node


def test_every_op_has_one_and_tensorflow_takes_most():
    ops = list_unsafe_ops()
    assert all(_node(op).op == op for op in ops)
    taken = sum(map(is_taken, ops))
    assert len(ops) > 750
    assert taken > 0.85 * len(ops)


def test_files_servers_and_functions_are_the_canary():
    assert _node("ReadFile", "evil_input_0").attr["value"].tensor.string_val == [b"/canary"]
    assert _node("ImmutableConst").attr["memory_region_name"].s == b"/canary"
    assert _node("DebugIdentity").attr["debug_urls"].list.s == [b"file:///dump"]
    assert _node("PyFuncStateless").attr["token"].s == b"pyfunc_7"


@pytest.mark.parametrize("place", PLACES)
def test_every_place_takes_one(place):
    meta_graph = meta_graph_pb2.MetaGraphDef()
    payload = make_payload("ReadFile", _CANARY)
    assert isinstance(payload, Payload)
    PLACES[place][0](meta_graph, payload)
    assert b"ReadFile" in meta_graph.SerializeToString()


@pytest.mark.parametrize(
    ("place", "op", "expected"),
    [
        ("signature", "ReadFile", True),
        ("signature", "Abort", False),  # It is stateless, and returns nothing.
        ("signature", "WriteFile", True),
        ("control input", "ReadFile", False),
        ("control input", "WriteFile", True),
        ("update op", "Abort", True),
        ("nested graph", "Abort", True),
        ("nowhere", "WriteFile", False),
    ],
)
def test_what_a_call_would_run(place, op, expected):
    assert is_reached(Case(place, op)) is expected
