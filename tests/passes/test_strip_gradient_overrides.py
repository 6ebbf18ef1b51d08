from converter.ir.text import parse_graph
from converter.passes import strip_gradient_overrides as module
from converter.passes.strip_gradient_overrides import strip_gradient_overrides


def test_the_example_of_the_docstring(docstring_example, make_program):
    before, after = docstring_example(module)
    assert strip_gradient_overrides(before, make_program()) == after


def test_other_nodes_stay_the_same_objects(make_program):
    before = parse_graph('x = _Arg()\ny = Neg[_gradient_op_type="A"](x)\nreturn y')
    after = strip_gradient_overrides(before, make_program())
    assert after.nodes["x"] is before.nodes["x"]
    assert not after.nodes["y"].attrs


def test_it_does_nothing_because_no_gradient_is_overridden(make_program):
    before = parse_graph("x = _Arg()\ny = Neg(x)\nreturn y")
    assert strip_gradient_overrides(before, make_program()) is before
