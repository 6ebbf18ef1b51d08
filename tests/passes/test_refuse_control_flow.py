import pytest

from converter import errors
from converter.ir import op_facts
from converter.ir.text import parse_graph
from converter.passes.refuse_control_flow import refuse_control_flow

_ALL = op_facts.V1_CONTROL_FLOW | op_facts.FUNCTIONAL_CONTROL_FLOW | op_facts.TENSOR_ARRAYS


@pytest.mark.parametrize("op", sorted(_ALL))
def test_control_flow_is_refused_at_its_first_node(op, make_program):
    graph = parse_graph(f"x = _Arg()\na/b = {op}(x)\nc = {op}(x)\nreturn a/b")
    with pytest.raises(errors.UnsupportedOpError) as caught:
        refuse_control_flow(graph, make_program())
    assert caught.value.node == "a/b"
    assert repr(op) in str(caught.value)
    assert caught.value.remedy


def test_a_v1_loop_is_refused_although_it_is_a_cycle(make_program):
    graph = parse_graph("x = _Arg()\nm = Merge(x, n)\nn = NextIteration(y)\ny = Neg(m)\nreturn m")
    with pytest.raises(errors.UnsupportedOpError):
        refuse_control_flow(graph, make_program())


def test_it_does_nothing_because_the_graph_is_a_straight_line(make_program):
    before = parse_graph("x = _Arg()\ny = Select(x, x, x)\nreturn y")
    assert refuse_control_flow(before, make_program()) is before
