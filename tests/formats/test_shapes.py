import pytest

from converter import errors
from converter.formats.registry import read_module
from converter.formats.shapes import check_input_shape, drop_promises
from converter.ir.graph import Kind, TensorInfo, TensorRef
from converter.ir.text import parse_graph

_NODES = parse_graph(
    "y = Neg[T=float, _output_shapes={list { shape { dim { size: -1 } dim { size: 3 } } }}]()\n"
    "z = Neg[T=float, _output_shapes={list { shape { unknown_rank: true } }}]()\n"
    "r = Shape[_output_shapes={list { shape { dim { size: 2 } } }}]()\n"
    "s = Shape[_output_shapes={list { shape { dim { size: -1 } } }}]()\n"
    "plain = Neg[T=float]()\nreturn y"
).nodes


def _output(node, shape, index=0):
    return TensorInfo(Kind.DENSE, 1, shape, (TensorRef(node, index),))


def _sparse(dense_shape, shape):
    parts = (TensorRef("plain"), TensorRef("plain"), TensorRef(dense_shape))
    return TensorInfo(Kind.SPARSE, 1, shape, parts)


def _ragged(flat_values, shape):
    parts = (TensorRef(flat_values), TensorRef("plain"))
    return TensorInfo(Kind.RAGGED, 1, shape, parts, row_splits_dtype=9)


def test_a_rank_of_a_sparse_output_that_the_exporter_did_not_know_is_dropped():
    assert drop_promises(_sparse("s", ()), _NODES) == _sparse("s", None)
    assert drop_promises(_sparse("z", (2, 3)), _NODES) == _sparse("z", None)


def test_an_inner_size_of_a_ragged_output_that_the_exporter_did_not_know_is_dropped():
    assert drop_promises(_ragged("z", (2, None, 3)), _NODES) == _ragged("z", None)
    assert drop_promises(_ragged("y", (2, 7, 3)), _NODES) == _ragged("y", (2, None, 3))


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
        _sparse("r", (2, 3)),
        _sparse("plain", (2, 3)),
        _ragged("y", (2, None, 3)),
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


@pytest.mark.parametrize("shape", [(), (2,), (None, 4)])
def test_an_input_that_cannot_be_fed_is_refused(shape):
    with pytest.raises(errors.FormatError, match=r"x has shape .*, but the tensor that it feeds"):
        check_input_shape(_output("y", shape), _NODES, "x")


@pytest.mark.parametrize("info", [_output("y", None), _output("y", (5, 3)), _sparse("r", (2, 3))])
def test_an_input_of_a_shape_that_can_be_fed(info):
    check_input_shape(info, _NODES, "x")


def test_a_module_with_an_input_that_cannot_be_fed_is_refused(half_plus_two, edit, refusal):
    with edit(half_plus_two) as saved_model:
        saved_model.meta_graphs[0].signature_def["default"].inputs["default"].tensor_shape.dim.add()
    assert "input 'default' of signature 'default' has shape" in str(refusal(half_plus_two))
