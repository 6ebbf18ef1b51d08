import pytest

from converter.ir import op_facts
from converter.ir.op_packages import CONTRIB_PACKAGES, suggest_package, unregistered_op_error


@pytest.mark.parametrize(
    ("op", "package"),
    [
        ("SentencepieceOp", "tensorflow_text"),
        ("TFText>RoundRobinTrim", "tensorflow_text"),
        ("IO>DecodeWebP", "tensorflow_io"),
        ("SimpleMLInferenceOp", "tensorflow_decision_forests"),
        ("Frobnicate", None),
        ("SentencepieceEncodeSparse", None),
        ("Addons>Resample", None),
        ("GatherTree", None),
    ],
)
def test_suggest_package(op, package):
    assert suggest_package(op) == package


def test_a_package_that_registers_an_op_is_named():
    error = str(unregistered_op_error("SentencepieceOp", "scope/x"))
    assert "install it and pass import_ops=['tensorflow_text']" in error


def test_of_an_op_that_nobody_knows_no_package_is_named():
    error = unregistered_op_error("Frobnicate", "scope/x")
    assert error.node == "scope/x"
    assert "If a package adds it, pass import_ops=['PACKAGE']." in str(error)


@pytest.mark.parametrize(
    ("op", "where"),
    [
        ("Resampler", "tf.contrib.resampler, which TensorFlow 2 does not have"),
        ("HyperplaneLSHProbes", "tf.contrib.nearest_neighbor"),
        ("Rpc", "TensorFlow 1, and this TensorFlow no longer has it"),
        ("SentencepieceEncodeSparse", "tf_sentencepiece, which has no release"),
        ("Addons>Resample", "tensorflow_addons, whose last release is for TensorFlow 2.15"),
    ],
)
def test_an_op_that_is_gone_is_said_to_be_and_no_package_is_advised(op, where):
    error = str(unregistered_op_error(op, "n"))
    assert f"op {op!r} belongs to {where}" in error
    assert "import_ops" not in error


def test_no_op_of_contrib_is_one_of_tensorflow():
    assert len(CONTRIB_PACKAGES) == 111
    registered = {op for op in CONTRIB_PACKAGES if op_facts.find_op_def(op) is not None}
    assert registered == {"GatherTree"}  # It is lowered, so its definition is known here.
