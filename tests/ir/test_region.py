import dataclasses
import math

import pytest
from ir.region_samples import BEFORE, BRANCH, LOOP, WHOLE, ref, refs, region
from tensorflow.core.framework import attr_value_pb2

from converter import errors
from converter.ir.graph import Node
from converter.ir.region import (
    Region,
    check_region,
    direct_refs,
    region_digest,
    used_refs,
)

_AttrValue = attr_value_pb2.AttrValue


# Queries.


def test_all_nodes():
    names = [node.name for node in WHOLE.nodes()]
    assert names == ["zero", "one", "more", "next", "a"]


def test_regions_and_outputs():
    assert LOOP.regions == (LOOP.predicate, LOOP.body)
    assert LOOP.outputs == refs("last")
    assert BRANCH.regions == (BRANCH.then, BRANCH.otherwise)


def test_what_an_item_takes_itself():
    assert direct_refs(Node("a", "Add", refs("x", "y:1"), ("c",))) == refs("x", "y:1")
    assert direct_refs(LOOP) == refs("zero", "x", "n")
    assert direct_refs(dataclasses.replace(LOOP, maximum_iterations=None)) == refs("zero", "x")
    assert direct_refs(dataclasses.replace(LOOP, maximum_iterations=7)) == refs("zero", "x")
    assert direct_refs(BRANCH) == refs("p")


def test_what_an_item_uses_with_its_regions():
    assert set(refs("zero", "x", "n", "one")) <= set(used_refs(LOOP))
    inside = dataclasses.replace(BRANCH, then=Region((), (LOOP,), refs("last")))
    assert set(refs("p", "zero", "x", "n", "one", "last")) <= set(used_refs(inside))


# Checks.


def test_a_sound_region():
    check_region(WHOLE)


def test_tensors_of_around_are_there():
    inner = region("y = Neg(x)\nreturn y, p")
    check_region(inner, outer=refs("x", "p"))
    with pytest.raises(errors.InternalError, match="'p:0' is used before"):
        check_region(inner, outer=refs("x"))


def test_other_outputs_than_the_first_are_there_as_far_as_the_op_has_them():
    check_region(region("u = Unique[T=float, out_idx=int32](x)\nreturn u:1", "x"))
    with pytest.raises(errors.InternalError, match="'u:2'"):
        check_region(region("u = Unique[T=float, out_idx=int32](x)\nreturn u:2", "x"))


@pytest.mark.parametrize(
    ("broken", "missing"),
    [
        (region("y = Neg(x)\nreturn y"), "x:0"),
        (region("y = Neg(z)\nz = Neg(x)\nreturn y", "x"), "z:0"),
        (region("return y", "x"), "y:0"),
        (dataclasses.replace(WHOLE, args=("n", "p")), "x:0"),  # an initial value
        (dataclasses.replace(WHOLE, args=("n", "x")), "p:0"),  # a predicate
        (dataclasses.replace(WHOLE, args=("x", "p")), "n:0"),  # a limit
        (dataclasses.replace(WHOLE, items=(BEFORE[0], LOOP)), "one:0"),  # in a body
        (dataclasses.replace(WHOLE, results=refs("a")), "a:0"),  # of an inner region
        (dataclasses.replace(WHOLE, results=refs("v")), "v:0"),  # inside of a loop
        (dataclasses.replace(WHOLE, results=refs("m:1")), "m:1"),
    ],
)
def test_a_tensor_that_is_used_before_it_is_made(broken, missing):
    with pytest.raises(errors.InternalError, match=f"'{missing}' is used before it is made"):
        check_region(broken)


def test_a_body_does_not_see_what_the_condition_makes():
    body = region("next = Cast(more)\nreturn next, v", "iv")
    broken = dataclasses.replace(LOOP, body=body)
    with pytest.raises(errors.InternalError, match="'more:0'"):
        check_region(dataclasses.replace(WHOLE, items=(*BEFORE, broken), results=()))


def _waiting(item, name):
    return dataclasses.replace(item, control_inputs=(name,))


@pytest.mark.parametrize("item", [LOOP, BRANCH, Node("y", "NoOp")], ids=["loop", "branch", "op"])
def test_items_wait_for_nodes_and_outputs_of_the_same_region(item):
    first = dataclasses.replace(BRANCH, outputs=refs("first"))
    for name in ("zero", "first", "x"):
        items = (*BEFORE, first, _waiting(item, name))
        check_region(Region(("n", "x", "p"), items, ()))
    for name in ("later", "a"):
        items = (*BEFORE, first, _waiting(item, name), Node("later", "NoOp"))
        with pytest.raises(errors.InternalError, match=rf"waits for \['{name}'\]"):
            check_region(Region(("n", "x", "p"), items, ()))


def test_an_inner_item_does_not_wait_for_an_outer_one():
    then = Region((), (Node("y", "NoOp", (), ("zero",)),), refs("x"))
    broken = dataclasses.replace(BRANCH, then=then)
    with pytest.raises(errors.InternalError, match=r"waits for \['zero'\]"):
        check_region(Region(("x", "p"), (*BEFORE, broken), ()))


def test_a_node_of_an_unknown_op_gives_nothing():
    with pytest.raises(errors.InternalError, match="'y:0'"):
        check_region(region("y = Frobnicate(x)\nreturn y", "x"))


# Digests.


def test_the_digest_of_a_region_is_the_same_in_every_process_and_version():
    """Records hold digests: whoever changes this one makes old records differ from new ones."""
    assert region_digest(WHOLE) == (
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
                 for each in WHOLE.items]  # fmt: skip
        return dataclasses.replace(WHOLE, items=tuple(items))

    node, (first, second) = BEFORE[0], LOOP.carried
    regions = [
        WHOLE,
        dataclasses.replace(WHOLE, args=("x", "n", "p")),
        dataclasses.replace(WHOLE, results=refs("m", "last")),
        dataclasses.replace(WHOLE, results=refs("last", "m:1")),
        vary(node, name="nil"),
        vary(node, op="Placeholder"),
        vary(node, inputs=refs("x")),
        vary(node, control_inputs=("x",)),
        vary(node, attrs={"dtype": _AttrValue(type=1)}),
        vary(node, attrs={"dtype": _AttrValue(type=2)}),
        vary(LOOP, name="g"),
        vary(LOOP, carried=(second, first)),
        vary(LOOP, carried=(dataclasses.replace(first, shape=None), second)),
        vary(LOOP, carried=(dataclasses.replace(first, output=None), second)),
        vary(LOOP, carried=(dataclasses.replace(first, initial=ref("one")), second)),
        vary(LOOP, predicate=LOOP.body),
        vary(LOOP, body=LOOP.predicate),
        vary(LOOP, maximum_iterations=None),
        vary(LOOP, maximum_iterations=0),
        vary(LOOP, parallel_iterations=1),
        vary(LOOP, has_gradient=False),
        vary(LOOP, control_inputs=("zero",)),
        vary(BRANCH, predicate=ref("p:1")),
        vary(BRANCH, then=BRANCH.otherwise, otherwise=BRANCH.then),
        vary(BRANCH, outputs=refs("m:1")),
        vary(BRANCH, control_inputs=("zero",)),
        _const(float_val=[0.0]),
        _const(float_val=[-0.0]),
        _const(float_val=[math.nan]),
        _const(tensor_content=bytes(10_000)),
        _const(tensor_content=bytes(9_999) + b"\1"),
    ]
    digests = list(map(region_digest, regions))
    assert len(set(digests)) == len(digests)
