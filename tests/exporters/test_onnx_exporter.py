import logging

import numpy as np
import pytest

from converter.exporters import onnx_exporter
from converter.exporters.comparison import run_signature
from converter.exporters.exporter import ExportFailedError
from converter.exporters.obstacles import Obstacle
from converter.exporters.onnx_exporter import OnnxExporter


@pytest.fixture
def exporter():
    for package in ("tf2onnx", "onnxruntime"):
        pytest.importorskip(package, reason=f"{package} is not installed: pip install '.[onnx]'")
    return OnnxExporter()


def test_what_tf2onnx_logs_is_collected_and_not_printed(capfd):
    with onnx_exporter._logged() as messages:
        logger = logging.getLogger("tf2onnx.tfonnx")
        logger.error("Tensorflow op [%s: %s] is not supported", "a/b", "Foo")
        logger.error("something else")
    assert onnx_exporter._read_obstacles(messages) == (Obstacle("Foo", "a/b"),)
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("tf2onnx").propagate


@pytest.mark.parametrize(
    "text",
    [
        'INVALID_GRAPH : This is an invalid model. In Node, ("a/loop", Loop, "", -1) : (…)',
        "NOT_IMPLEMENTED : Could not find an implementation for Loop(13) node with name 'a/loop'",
    ],
)
def test_the_node_that_onnxruntime_refuses_is_named(text):
    failure = onnx_exporter._refused(RuntimeError(text))
    assert failure.obstacles == (Obstacle("Loop", "a/loop"),)
    assert failure.reason


def test_a_refusal_without_a_node():
    assert onnx_exporter._refused(RuntimeError("no memory")).obstacles == ()


def test_strings_are_unicode_there_and_bytes_here():
    array = np.array([[b"na\xc3\xafve", b"\xff\x00"]], dtype=object)
    there = onnx_exporter._to_runtime(array)
    assert there.tolist() == [["naïve", "\udcff\x00"]]
    assert onnx_exporter._from_runtime(there).tolist() == array.tolist()
    numbers = np.float32([1])
    assert onnx_exporter._to_runtime(numbers) is numbers


def test_a_file_computes_what_the_signature_does(exporter, signature_of):
    signature = signature_of("half_plus_two")
    run = exporter.load(exporter.export(signature), signature)
    arrays = {"default": np.float32([1, 2, 3])}
    np.testing.assert_allclose(run(arrays)["default"], run_signature(signature, arrays)["default"])
    with pytest.raises(ExportFailedError):
        run({"default": np.zeros([2], np.int32)})


def test_an_op_that_onnx_lacks_is_named_with_its_node(exporter, signature_of, capfd):
    with pytest.raises(ExportFailedError) as caught:
        exporter.export(signature_of("sparse_input"))
    (obstacle,) = caught.value.obstacles
    assert obstacle.op == "SparseTensorDenseMatMul"
    assert "tf1/SparseTensorDenseMatMul" in obstacle.node
    assert "Traceback" not in capfd.readouterr().err


def test_a_file_that_is_none(exporter, signature_of):
    with pytest.raises(ExportFailedError):
        exporter.load(b"no model", signature_of("half_plus_two"))
