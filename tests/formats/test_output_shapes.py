import pytest

from converter.formats.output_shapes import drop_promises
from converter.formats.registry import read_module
from converter.ir.graph import Kind, TensorInfo, TensorRef
from converter.ir.text import parse_graph

_NODES = parse_graph(
    "y = Neg[T=float, _output_shapes={list { shape { dim { size: -1 } dim { size: 3 } } }}]()\n"
    "z = Neg[T=float, _output_shapes={list { shape { unknown_rank: true } }}]()\n"
    "plain = Neg[T=float]()\nreturn y"
).nodes


def _output(node, shape, index=0):
    return TensorInfo(Kind.DENSE, 1, shape, (TensorRef(node, index),))


def test_a_size_that_the_exporter_did_not_know_is_dropped():
    assert drop_promises(_output("y", (2, 3)), _NODES) == _output("y", (None, 3))
    assert drop_promises(_output("z", (2, 3)), _NODES) == _output("z", None)


@pytest.mark.parametrize(
    "info",
    [
        _output("y", (None, 3)),
        _output("y", (None, None)),
        _output("y", None),
        _output("y", (2, 3, 4)),  # Which compiling refuses.
        _output("plain", (2, 3)),
        _output("missing", (2, 3)),
        TensorInfo(Kind.SPARSE, 1, (2, 3), (TensorRef("y"),) * 3),
    ],
)
def test_it_does_nothing_because_the_exporter_says_no_less(info):
    assert drop_promises(info, _NODES) is info


def test_a_module_is_read_with_the_shapes_of_its_exporter(half_plus_two, edit):
    with edit(half_plus_two) as saved_model:
        graph = saved_model.meta_graphs[0]
        output = graph.signature_def["default"].outputs["default"]
        node = next(n for n in graph.graph_def.node if f"{n.name}:0" == output.name)
        node.attr["_output_shapes"].list.shape.add().dim.add(size=-1)
        output.tensor_shape.CopyFrom(type(output.tensor_shape)())
        output.tensor_shape.dim.add(size=7)
    (program,) = read_module(half_plus_two).variants.values()
    assert program.signatures["default"].outputs["default"].shape == (None,)
