import numpy as np
import pytest
import tensorflow as tf

from converter.formats.hub_module import read_saved_model
from converter.parity.graph_constants import find_invented, float_constants


@pytest.mark.parametrize(
    "name", ["ref_moving_averages", "bert_tokens_only", "image_bn_dropout", "rnn_lstm_block_cell"]
)
def test_conversions_invent_no_constants(golden, converted, name):
    known = float_constants(read_saved_model(golden(name)))
    assert known
    assert find_invented(read_saved_model(converted(name)), known) == {}


def test_gradients_have_constants_of_their_own(golden, converted):
    saved_model = read_saved_model(converted("gradient_registered"))
    library = saved_model.meta_graphs[0].graph_def.library
    own, of_gradient = library.function[0], library.registered_gradients[0].gradient_func
    known = float_constants(read_saved_model(golden("gradient_registered")))
    for function in library.function:
        if function.signature.name in (own.signature.name, of_gradient):
            node = function.node_def.add(name="erf", op="Const")
            node.attr["dtype"].type = tf.float32.as_datatype_enum
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(1.1283))
    assert of_gradient != own.signature.name
    assert set(find_invented(saved_model, known)) == {f"{own.signature.name}/erf"}


def test_a_constant_that_is_off_by_one_unit_is_found(golden, converted):
    name = "ref_moving_averages"
    saved_model = read_saved_model(converted(name))
    functions = saved_model.meta_graphs[0].graph_def.library.function
    node = next(
        node
        for function in functions
        for node in function.node_def
        if node.op == "Const" and node.attr["dtype"].type == tf.float32.as_datatype_enum
        and 0 < tf.make_ndarray(node.attr["value"].tensor).item() < 0.5
    )  # fmt: skip
    value = tf.make_ndarray(node.attr["value"].tensor)
    wrong = np.nextafter(value, np.float32(1))
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(wrong))
    known = float_constants(read_saved_model(golden(name)))
    (found,) = find_invented(saved_model, known)
    assert found.endswith(f"/{node.name}")
