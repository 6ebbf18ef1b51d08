"""Regions of the tests, and how they are traced and run."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import tensorflow as tf

from converter.assemble.emit import emit
from converter.ir.graph import TensorRef
from converter.ir.region import Branch, Carried, Loop, Region, check_region
from converter.ir.text import parse_graph
from converter.passes.functionalize_control_flow import functionalize_control_flow

X = tf.constant([1.0, 2.0])


class State:
    """One variable, table and asset for all names."""

    producer = 0

    def __init__(self):
        self.value = tf.Variable([10.0, 20.0])
        self.asset = tf.constant("there/words.txt")

    def variable(self, key):
        assert key == "w"
        return self.value

    def asset_path(self, key):
        assert key == "path"
        return self.asset


def gradient_at(items, result, at, *others):
    region = Region(("x", *("npk"[: len(others)])), tuple(items), (TensorRef(result),))
    state = State()
    function = tf.function(lambda *a: emit(region, a, state)[0], autograph=False)
    x = tf.constant(at)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x, *map(tf.constant, others))
    return tape.gradient(y, x)


def make_region(text):
    return functionalize_control_flow(
        parse_graph(text), SimpleNamespace(loops_without_gradient=(), variables={})
    )


def run_text(text, *args, state=None):
    state = state or State()
    function = tf.function(lambda *a: emit(make_region(text), a, state), autograph=False)
    return [np.asarray(result) for result in function(*args)]


SCALAR = "Const[dtype=int32, value={tensor { dtype: DT_INT32 tensor_shape { } int_val: %d }}]"


def make_carried(name, initial, output=None, shape=()):
    return Carried(name, TensorRef(initial), shape, TensorRef(output) if output else None)


def make_body(text, args=()):
    graph = parse_graph(text)
    return Region(tuple(args), tuple(graph.nodes.values()), graph.results)


def make_loop(**changes):
    """Doubles `x` as long as it is less than `n`."""
    loop = Loop(
        name="f",
        carried=(make_carried("v", "x", "last"),),
        predicate=make_body("more = Less[T=float](v, n)\nreturn more", ["v"]),
        body=make_body("twice = AddV2[T=float](v, v)\nreturn twice", ["v"]),
    )
    return dataclasses.replace(loop, **changes)


def make_branch(then, otherwise, *outputs, **fields):
    refs = tuple(map(TensorRef.parse, outputs))
    return Branch(TensorRef("p"), make_body(then), make_body(otherwise), refs, **fields)


def run_items(args, items, results, *values, state=None):
    """Runs a region once, in a function."""
    refs = tuple(map(TensorRef.parse, results))
    region = Region(tuple(args), tuple(items), refs)
    check_region(region)
    state = state or State()
    function = tf.function(lambda *a: emit(region, a, state), autograph=False)
    return [np.asarray(result) for result in function(*map(tf.constant, values))]


def make_nodes(text):
    return tuple(parse_graph(text).nodes.values())
