import pytest
from tensorflow.core.protobuf import meta_graph_pb2

from converter import errors
from converter.parity.legacy_import import import_graph


def test_a_graph_that_tensorflow_refuses():
    meta_graph = meta_graph_pb2.MetaGraphDef()
    meta_graph.graph_def.node.add(name="x", op="NoSuchOp")
    with pytest.raises(errors.ParityError, match=r"cannot import .*NoSuchOp") as caught:
        import_graph(meta_graph)
    assert "package" in caught.value.remedy
