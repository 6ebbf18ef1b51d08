"""TensorFlow has the converter and an interpreter, so these run everywhere."""

import types

import numpy as np
import pytest

from converter.exporters.comparison import run_signature
from converter.exporters.exporter import ExportFailedError
from converter.exporters.litert_exporter import LitertExporter
from converter.exporters.obstacles import Obstacle


def test_a_file_computes_what_the_signature_does(signature_of):
    signature = signature_of("half_plus_two")
    exporter = LitertExporter()
    run = exporter.load(exporter.export(signature), signature)
    for size in (3, 1):
        arrays = {"default": np.arange(size, dtype=np.float32)}
        np.testing.assert_allclose(
            run(arrays)["default"], run_signature(signature, arrays)["default"]
        )
    with pytest.raises(ExportFailedError):
        run({"default": np.zeros([2], np.int32)})


def test_an_op_that_litert_lacks_is_named_with_its_node(signature_of):
    with pytest.raises(ExportFailedError) as caught:
        LitertExporter().export(signature_of("sparse_input"))
    (obstacle,) = caught.value.obstacles
    assert obstacle.op == "SparseTensorDenseMatMul"
    assert obstacle.node.startswith("tf1/SparseTensorDenseMatMul/SparseTensorDenseMatMul")


def test_a_file_that_is_none(signature_of):
    with pytest.raises(ExportFailedError):
        LitertExporter().load(b"no model", signature_of("half_plus_two"))


def test_ops_are_read_from_the_text_where_there_are_no_details(signature_of, monkeypatch):
    from converter.exporters import litert_exporter

    def convert():
        raise ValueError("error: 'tf.Foo' op is neither a custom op nor a flex op")

    fake = types.SimpleNamespace(
        from_concrete_functions=lambda *_: types.SimpleNamespace(convert=convert)
    )
    monkeypatch.setattr(litert_exporter.tf.lite, "TFLiteConverter", fake)
    with pytest.raises(ExportFailedError) as caught:
        LitertExporter().export(signature_of("half_plus_two"))
    assert caught.value.obstacles == (Obstacle("Foo", ""),)
