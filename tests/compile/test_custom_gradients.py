import pytest
from tensorflow.core.protobuf import saved_model_pb2

import converter
from converter import errors
from converter.compile.custom_gradients import compile_custom_gradient
from converter.compile.lowering import Lowering


@pytest.fixture
def square(make_function):
    return make_function("f", {"x": "float"}, "y = Square[T=float](x)", {"out": "y:y:0"})


def test_a_function_and_its_gradient(library, square, gradient):
    made = compile_custom_gradient(library(square, gradient), "f", Lowering())
    assert made.forward.args == ("x",)
    assert made.backward.args == ("x", "dy")


def test_a_gradient_that_does_not_fit_is_refused(library, square, make_function):
    wrong = make_function("g", {"x": "float"}, "", {"dx": "x"})
    with pytest.raises(errors.FormatError, match="'g' takes 1 tensors and gives 1"):
        compile_custom_gradient(library(square, wrong), "f", Lowering())


def test_a_gradient_that_is_not_there_is_refused(library, square):
    with pytest.raises(errors.FormatError, match="function 'g' is not in the library"):
        compile_custom_gradient(library(square), "f", Lowering())


def test_effects_are_refused(library, gradient, make_function):
    body = "p = Assert[T={list { type: DT_FLOAT }}](x, x)"
    noisy = make_function("f", {"x": "float"}, body, {"out": "x"}, stateful=True)
    with pytest.raises(errors.UnsupportedOpError, match="has effects or reads state") as caught:
        compile_custom_gradient(library(noisy, gradient), "f", Lowering())
    assert caught.value.node == "p"


def test_a_gradient_that_tensorflow_rejects_is_refused_before_saving(golden_module, tmp_path):
    source = golden_module("defun_gradient")
    path = source / "saved_model.pb"
    saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    library = saved_model.meta_graphs[0].graph_def.library
    gradient = next(f for f in library.function if f.signature.name == "ClippedGradient")
    constant = next(n for n in gradient.node_def if n.op == "Const")
    for size in (7, 5):  # Which no gradient of a vector can be clipped to.
        constant.attr["value"].tensor.tensor_shape.dim.add(size=size)
    path.write_bytes(saved_model.SerializeToString())
    with pytest.raises(errors.ConversionError, match="TensorFlow rejects the graph"):
        converter.convert(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()
