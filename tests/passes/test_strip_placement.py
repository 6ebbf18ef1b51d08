import dataclasses

from converter.ir.text import parse_graph
from converter.passes import strip_placement as module
from converter.passes.strip_placement import strip_placement


def test_the_example_of_the_docstring(docstring_example, make_program):
    before, after = docstring_example(module)
    assert strip_placement(before, make_program()) == after


def test_devices_are_dropped(make_program):
    plain = parse_graph("x = _Arg()\ny = Neg(x)\nreturn y")
    placed = dataclasses.replace(
        plain,
        nodes={**plain.nodes, "y": dataclasses.replace(plain.nodes["y"], device="/job:ps/gpu:0")},
    )
    assert strip_placement(placed, make_program()) == plain


def test_it_does_nothing_because_nothing_is_placed(make_program):
    before = parse_graph('x = _Arg()\ny = Neg[class_="loc:@x"](x)\nreturn y')
    assert strip_placement(before, make_program()) is before
