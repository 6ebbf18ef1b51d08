import dataclasses
import math

import pytest
from tensorflow.core.framework import attr_value_pb2

from converter import errors
from converter.ir.graph import Node, TensorRef
from converter.ir.region import (
    Branch,
    Carried,
    Loop,
    Region,
    check_region,
    direct_refs,
    region_digest,
    used_refs,
)
from converter.ir.text import parse_graph

_AttrValue = attr_value_pb2.AttrValue


def _ref(name):
    return TensorRef.parse(name)


def _refs(*names):
    return tuple(map(_ref, names))


def _region(text, args=()):
    graph = parse_graph(text)
    return Region(tuple(args), tuple(graph.nodes.values()), graph.results)


_LOOP = Loop(
    name="f",
    carried=(Carried("i", _ref("zero"), (), _ref("last")), Carried("v", _ref("x"), (2, None))),
    predicate=_region("more = Less(i, n)\nreturn more", "iv"),
    body=_region("next = Add(i, one)\nreturn next, v", "iv"),
    maximum_iterations=_ref("n"),
)
_BRANCH = Branch(
    predicate=_ref("p"),
    then=_region("a = Neg(x)\nreturn a"),
    otherwise=_region("return x"),
    outputs=_refs("m"),
)
_BEFORE = tuple(parse_graph("zero = Const()\none = Const()").nodes.values())
_WHOLE = Region(("n", "x", "p"), (*_BEFORE, _LOOP, _BRANCH), _refs("last", "m"))


# Queries.


def test_all_nodes():
    names = [node.name for node in _WHOLE.nodes()]
    assert names == ["zero", "one", "more", "next", "a"]


def test_regions_and_outputs():
    assert _LOOP.regions == (_LOOP.predicate, _LOOP.body)
    assert _LOOP.outputs == _refs("last")
    assert _BRANCH.regions == (_BRANCH.then, _BRANCH.otherwise)


def test_what_an_item_takes_itself():
    assert direct_refs(Node("a", "Add", _refs("x", "y:1"), ("c",))) == _refs("x", "y:1")
    assert direct_refs(_LOOP) == _refs("zero", "x", "n")
    assert direct_refs(dataclasses.replace(_LOOP, maximum_iterations=None)) == _refs("zero", "x")
    assert direct_refs(dataclasses.replace(_LOOP, maximum_iterations=7)) == _refs("zero", "x")
    assert direct_refs(_BRANCH) == _refs("p")


def test_what_an_item_uses_with_its_regions():
    assert set(_refs("zero", "x", "n", "one")) <= set(used_refs(_LOOP))
    inside = dataclasses.replace(_BRANCH, then=Region((), (_LOOP,), _refs("last")))
    assert set(_refs("p", "zero", "x", "n", "one", "last")) <= set(used_refs(inside))


# Checks.


def test_a_sound_region():
    check_region(_WHOLE)


def test_tensors_of_around_are_there():
    inner = _region("y = Neg(x)\nreturn y, p")
    check_region(inner, outer=_refs("x", "p"))
    with pytest.raises(errors.InternalError, match="'p:0' is used before"):
        check_region(inner, outer=_refs("x"))


def test_other_outputs_than_the_first_are_there_as_far_as_the_op_has_them():
    check_region(_region("u = Unique[T=float, out_idx=int32](x)\nreturn u:1", "x"))
    with pytest.raises(errors.InternalError, match="'u:2'"):
        check_region(_region("u = Unique[T=float, out_idx=int32](x)\nreturn u:2", "x"))


@pytest.mark.parametrize(
    ("broken", "missing"),
    [
        (_region("y = Neg(x)\nreturn y"), "x:0"),
        (_region("y = Neg(z)\nz = Neg(x)\nreturn y", "x"), "z:0"),
        (_region("return y", "x"), "y:0"),
        (dataclasses.replace(_WHOLE, args=("n", "p")), "x:0"),  # an initial value
        (dataclasses.replace(_WHOLE, args=("n", "x")), "p:0"),  # a predicate
        (dataclasses.replace(_WHOLE, args=("x", "p")), "n:0"),  # a limit
        (dataclasses.replace(_WHOLE, items=(_BEFORE[0], _LOOP)), "one:0"),  # in a body
        (dataclasses.replace(_WHOLE, results=_refs("a")), "a:0"),  # of an inner region
        (dataclasses.replace(_WHOLE, results=_refs("v")), "v:0"),  # inside of a loop
        (dataclasses.replace(_WHOLE, results=_refs("m:1")), "m:1"),
    ],
)
def test_a_tensor_that_is_used_before_it_is_made(broken, missing):
    with pytest.raises(errors.InternalError, match=f"'{missing}' is used before it is made"):
        check_region(broken)


def test_a_body_does_not_see_what_the_condition_makes():
    body = _region("next = Cast(more)\nreturn next, v", "iv")
    broken = dataclasses.replace(_LOOP, body=body)
    with pytest.raises(errors.InternalError, match="'more:0'"):
        check_region(dataclasses.replace(_WHOLE, items=(*_BEFORE, broken), results=()))


def _waiting(item, name):
    return dataclasses.replace(item, control_inputs=(name,))


@pytest.mark.parametrize("item", [_LOOP, _BRANCH, Node("y", "NoOp")], ids=["loop", "branch", "op"])
def test_items_wait_for_nodes_and_outputs_of_the_same_region(item):
    first = dataclasses.replace(_BRANCH, outputs=_refs("first"))
    for name in ("zero", "first", "x"):
        items = (*_BEFORE, first, _waiting(item, name))
        check_region(Region(("n", "x", "p"), items, ()))
    for name in ("later", "a"):
        items = (*_BEFORE, first, _waiting(item, name), Node("later", "NoOp"))
        with pytest.raises(errors.InternalError, match=rf"waits for \['{name}'\]"):
            check_region(Region(("n", "x", "p"), items, ()))


def test_an_inner_item_does_not_wait_for_an_outer_one():
    then = Region((), (Node("y", "NoOp", (), ("zero",)),), _refs("x"))
    broken = dataclasses.replace(_BRANCH, then=then)
    with pytest.raises(errors.InternalError, match=r"waits for \['zero'\]"):
        check_region(Region(("x", "p"), (*_BEFORE, broken), ()))


def test_a_node_of_an_unknown_op_gives_nothing():
    with pytest.raises(errors.InternalError, match="'y:0'"):
        check_region(_region("y = Frobnicate(x)\nreturn y", "x"))


# Digests.


def test_the_digest_of_a_region_is_the_same_in_every_process_and_version():
    """Records hold digests: whoever changes this one makes old records differ from new ones."""
    assert region_digest(_WHOLE) == (
        "6aab9984747e6f7202721e5acd8d296c8b2d7ae6ddb09e036854b610f54b8e87"
    )


def _const(**value):
    attrs = {"dtype": _AttrValue(type=1), "value": _AttrValue(tensor={"dtype": 1, **value})}
    return Region((), (Node("c", "Const", attrs=attrs),), ())


def test_the_digest_does_not_depend_on_the_order_of_attributes():
    region = _const(float_val=[1.0])
    (node,) = region.items
    turned = dataclasses.replace(node, attrs=dict(reversed(node.attrs.items())))
    assert region_digest(Region((), (turned,), ())) == region_digest(region)


def test_regions_that_differ_anywhere_have_other_digests():
    def vary(item, **fields):
        items = [dataclasses.replace(each, **fields) if each is item else each
                 for each in _WHOLE.items]  # fmt: skip
        return dataclasses.replace(_WHOLE, items=tuple(items))

    node, (first, second) = _BEFORE[0], _LOOP.carried
    regions = [
        _WHOLE,
        dataclasses.replace(_WHOLE, args=("x", "n", "p")),
        dataclasses.replace(_WHOLE, results=_refs("m", "last")),
        dataclasses.replace(_WHOLE, results=_refs("last", "m:1")),
        vary(node, name="nil"),
        vary(node, op="Placeholder"),
        vary(node, inputs=_refs("x")),
        vary(node, control_inputs=("x",)),
        vary(node, attrs={"dtype": _AttrValue(type=1)}),
        vary(node, attrs={"dtype": _AttrValue(type=2)}),
        vary(_LOOP, name="g"),
        vary(_LOOP, carried=(second, first)),
        vary(_LOOP, carried=(dataclasses.replace(first, shape=None), second)),
        vary(_LOOP, carried=(dataclasses.replace(first, output=None), second)),
        vary(_LOOP, carried=(dataclasses.replace(first, initial=_ref("one")), second)),
        vary(_LOOP, predicate=_LOOP.body),
        vary(_LOOP, body=_LOOP.predicate),
        vary(_LOOP, maximum_iterations=None),
        vary(_LOOP, maximum_iterations=0),
        vary(_LOOP, parallel_iterations=1),
        vary(_LOOP, has_gradient=False),
        vary(_LOOP, control_inputs=("zero",)),
        vary(_BRANCH, predicate=_ref("p:1")),
        vary(_BRANCH, then=_BRANCH.otherwise, otherwise=_BRANCH.then),
        vary(_BRANCH, outputs=_refs("m:1")),
        vary(_BRANCH, control_inputs=("zero",)),
        _const(float_val=[0.0]),
        _const(float_val=[-0.0]),
        _const(float_val=[math.nan]),
        _const(tensor_content=bytes(10_000)),
        _const(tensor_content=bytes(9_999) + b"\1"),
    ]
    digests = list(map(region_digest, regions))
    assert len(set(digests)) == len(digests)
