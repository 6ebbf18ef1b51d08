import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import saved_model_pb2

from converter.formats.hub_module import read_saved_model
from converter.parity.graph_constants import find_ingredients, find_invented


@pytest.mark.parametrize(
    "name", ["ref_moving_averages", "bert_tokens_only", "image_bn_dropout", "rnn_lstm_block_cell"]
)
def test_conversions_invent_no_constants(golden, converted, name):
    known = find_ingredients(read_saved_model(golden(name)))
    assert known
    assert find_invented(read_saved_model(converted(name)), known) == {}


def test_gradients_have_constants_of_their_own(golden, converted):
    saved_model = read_saved_model(converted("gradient_registered"))
    library = saved_model.meta_graphs[0].graph_def.library
    own, of_gradient = library.function[0], library.registered_gradients[0].gradient_func
    known = find_ingredients(read_saved_model(golden("gradient_registered")))
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
    known = find_ingredients(read_saved_model(golden(name)))
    (found,) = find_invented(saved_model, known)
    assert found.endswith(f"/{node.name}")


def test_a_constant_that_repeats_a_value_takes_no_memory():
    saved_model = saved_model_pb2.SavedModel()
    nodes = saved_model.meta_graphs.add().graph_def.node
    for name, values in (("large", [0.25, 0.75]), ("empty", [])):
        node = nodes.add(name=name, op="Const")
        node.attr["dtype"].type = types_pb2.DT_FLOAT
        tensor = node.attr["value"].tensor
        tensor.dtype = types_pb2.DT_FLOAT
        tensor.tensor_shape.dim.add(size=1 << 40)
        tensor.float_val.extend(values)
    assert find_ingredients(saved_model) == {"0.25", "0.75"}
