"""The work of the passes grows with the size of a graph, not with its square.

Calls of Python functions are counted, not seconds, so that the figures are the same every time.
"""

import sys
import time

import pytest

from converter.ir.graph import Node, TensorRef
from converter.ir.region import Branch, Region, check_region
from converter.ir.text import parse_graph
from converter.passes.pipeline import lower
from converter.safety.allowed_ops import NONE
from converter.safety.bounds import check_bounds
from converter.safety.check_safety import check_safety


def _line(size):
    nodes = [f"n{i + 1} = Neg[T=float](n{i})" for i in range(size)]
    return ["n0 = _Arg[T=float]()", *nodes, f"return n{size}"]


def _conds(size, depth=1):
    """Conditionals one after the other, each `depth` levels deep, with nodes on each level."""
    lines = ["v0 = _Arg[T=float]()", *(f"p{level} = _Arg[T=bool]()" for level in range(depth))]
    count = size // (24 * depth)
    for i in range(count):
        value, merges = f"v{i}", []
        for level in range(depth):
            at = f"c{i}/{level}"
            predicate = f"p{level}"
            for outer in range(level):
                lines += [f"{at}/p{outer} = Switch[T=bool]({predicate}, c{i}/{outer}/p)"]
                predicate = f"{at}/p{outer}:1"
            lines += [
                f"{at}/p = Identity[T=bool]({predicate})",
                f"{at}/switch = Switch[T=float]({value}, {at}/p)",
                f"{at}/n0 = Neg[T=float]({at}/switch:1)",
                *(f"{at}/n{j + 1} = Neg[T=float]({at}/n{j})" for j in range(20)),
            ]
            value = f"{at}/n20"
            merges.append(f"{at}/switch")
        for level, switch in reversed([*enumerate(merges)]):
            name = f"c{i}/{level}/merge" if level else f"v{i + 1}"
            lines += [f"{name} = Merge[N=2, T=float]({switch}, {value})"]
            value = name
    return [*lines, f"return v{count}"]


def _loop(name, value, body, after=""):
    """A loop of three iterations; `body` makes lines and a result of the value that it is given."""
    control = f"^{after}" if after else ""
    enter = f'frame_name="{name}", is_constant=false, parallel_iterations=10'
    inner, result = body(f"{name}/value:1", f"{name}/counted")
    return [
        f"{name}/zero = Const[dtype=int32, value=int32(0)]({control})",
        f"{name}/from = Enter[T=int32, {enter}]({name}/zero)",
        f"{name}/in = Enter[T=float, {enter}]({value})",
        f"{name}/i = Merge[N=2, T=int32]({name}/from, {name}/next)",
        f"{name}/v = Merge[N=2, T=float]({name}/in, {name}/back)",
        f"{name}/three = Const[dtype=int32, value=int32(3)](^{name}/i)",
        f"{name}/less = Less[T=int32]({name}/i, {name}/three)",
        f"{name}/more = LoopCond({name}/less)",
        f"{name}/count = Switch[T=int32]({name}/i, {name}/more)",
        f"{name}/value = Switch[T=float]({name}/v, {name}/more)",
        f"{name}/counted = Identity[T=int32]({name}/count:1)",
        f"{name}/one = Const[dtype=int32, value=int32(1)](^{name}/counted)",
        f"{name}/add = AddV2[T=int32]({name}/counted, {name}/one)",
        *inner,
        f"{name}/next = NextIteration[T=int32]({name}/add)",
        f"{name}/back = NextIteration[T=float]({result})",
        f"{name}/out = Exit[T=float]({name}/value)",
    ]


def _loops(size, depth=1):
    """Loops one after the other, each `depth` levels deep."""

    def level(name, deeper):
        def body(value, pivot):
            if not deeper:
                return [f"{name}/neg = Neg[T=float]({value})"], f"{name}/neg"
            inner = f"{name}x"
            return _loop(inner, value, level(inner, deeper - 1), pivot), f"{inner}/out"

        return body

    lines, value = ["x = _Arg[T=float]()"], "x"
    for i in range(size // (16 * depth)):
        lines += _loop(f"w{i}", value, level(f"w{i}", depth - 1))
        value = f"w{i}/out"
    return [*lines, f"return {value}"]


def _arrays(size):
    """Arrays that are filled with rows of what was read before, after random numbers."""
    lines = [
        "x = _Arg[T=float]()",
        "shape = _Arg[T=int32]()",
        "noise = RandomUniform[T=int32, dtype=float](shape)",
        "v0 = Mul[T=float](x, noise)",
        "zero = Const[dtype=int32, value=int32(0)]()",
        "one = Const[dtype=int32, value=int32(1)]()",
    ]
    count = size // 6
    for i in range(count):
        lines += [
            f"size{i} = Size[T=float, out_type=int32](v{i})",
            f"range{i} = Range[Tidx=int32](zero, size{i}, one)",
            f"array{i} = TensorArrayV3[dtype=float](size{i})",
            f"fill{i} = TensorArrayScatterV3[T=float](array{i}, range{i}, v{i}, array{i}:1)",
            f"v{i + 1} = TensorArrayGatherV3[dtype=float](array{i}, range{i}, fill{i})",
        ]
    return [*lines, f"return v{count}"]


def _count_calls(lines, make_program):
    """The functions that are called to lower and to check a graph."""
    graph = parse_graph("\n".join(lines))
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        del frame, argument
        calls += event in ("call", "c_call")

    lower(graph, make_program())  # Fills the caches of ops.
    sys.setprofile(count)
    try:
        region = lower(graph, make_program())
        check_safety(region, NONE)
        check_bounds(region)
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("make_lines", [_line, _conds, _loops, _arrays])
def test_twice_as_many_nodes_are_twice_the_work(make_lines, make_program):
    once, twice = (_count_calls(make_lines(size), make_program) for size in (600, 1200))
    assert 1.8 < twice / once < 2.2


@pytest.mark.parametrize("make_lines", [_conds, _loops])
def test_each_level_of_nesting_adds_the_same_work(make_lines, make_program):
    calls = []
    for depth in (8, 24, 40):
        lines = make_lines(2400, depth)
        calls.append(_count_calls(lines, make_program) / len(lines))
    assert calls[2] - calls[1] < 1.2 * (calls[1] - calls[0])


def _branches(count):
    """So many nodes, each followed by a branch that does nothing."""
    nothing = Region((), (), ())
    items = []
    for i in range(count):
        items += [
            Node(f"n{i}", "NoOp"),
            Branch(TensorRef("p"), nothing, nothing, (TensorRef(f"b{i}"),)),
        ]
    return Region(("p",), tuple(items), ())


def test_a_region_is_checked_without_copying_what_is_around_it():
    """No call shows a copy of a set, so this takes the time: 64 times as much if it copies."""
    seconds = []
    for count in (500, 4000):
        region = _branches(count)
        tries = []
        for _ in range(3):
            start = time.process_time()
            check_region(region)
            tries.append(time.process_time() - start)
        seconds.append(min(tries))
    assert seconds[1] / seconds[0] < 20
