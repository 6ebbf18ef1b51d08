"""The whole pass, where it acts and where it does not; the folder of its name tests each op."""

import tensorflow as tf

from converter.ir import op_facts
from converter.ir.text import parse_graph
from converter.passes import lower_tensor_arrays as module
from converter.passes.lower_tensor_arrays import lower_tensor_arrays


def test_the_example_of_the_docstring(docstring_example, make_program):
    before, after = docstring_example(module)
    assert lower_tensor_arrays(before, make_program()) == after


def test_the_table_of_ops_is_complete():
    registered = {name for name in dir(tf.raw_ops) if name.startswith("TensorArray")}
    assert registered == op_facts.TENSOR_ARRAY_OPS


def test_it_does_nothing_because_there_are_no_arrays(make_program):
    before = parse_graph("x = _Arg[T=float]()\ny = Identity[T=float](x)\nreturn y")
    assert lower_tensor_arrays(before, make_program()) is before


def test_it_does_nothing_because_lists_are_lists_already(make_program):
    before = parse_graph(
        "n = _Arg[T=int32]()\nl = TensorListReserve[element_dtype=float, shape_type=int32](n, n)\n"
        "s = TensorListLength(l)\nreturn s"
    )
    assert lower_tensor_arrays(before, make_program()) is before
