import pytest
import tensorflow as tf

from converter import errors
from converter.exporters.obstacles import (
    Obstacle,
    advise,
    find_state_ops,
    name_of_module,
    refuse,
)


@pytest.mark.parametrize(
    ("exported", "name"),
    [
        ("tf1/rnn/TensorArray@__inference_default_5102", "rnn/TensorArray"),
        ("StatefulPartitionedCall/call/tf1_12/StringSplit/StringSplit", "StringSplit/StringSplit"),
        ("while/Identity_4@__inference_while_body", "while/Identity_4"),
        ("StatefulPartitionedCall/call/while_loop", "while_loop"),
        ("mytf1/x", "mytf1/x"),
    ],
)
def test_nodes_have_their_names_in_the_module(exported, name):
    assert name_of_module(exported) == name


def test_ops_are_listed_once_with_their_nodes():
    found = [Obstacle("B", f"tf1/b{number}") for number in range(5)]
    error = refuse("s", "ONNX", [*found, Obstacle("A", ""), found[0]], open_sizes=False)
    assert isinstance(error, errors.UnsupportedOpError)
    assert str(error) == (
        "signature 's' cannot be exported to ONNX because of A; B (at 'b0', 'b1', 'b2', and 2"
        " more). Serve the module, or export another signature (`signature`)."
    )


def test_of_many_ops_the_first_are_listed():
    error = refuse("s", "X", [Obstacle(f"Op{n}", "") for n in range(10)], open_sizes=True)
    assert "Op7; and 2 other ops. Fix the sizes of its inputs with `shapes`" in str(error)


def test_the_advice_depends_on_open_sizes():
    assert "--shape" in advise(open_sizes=True)
    assert "--shape" not in advise(open_sizes=False)


def test_state_is_found_in_functions_too():
    counter = tf.Variable(0.0)

    @tf.function(autograph=False)
    def count(x):
        return tf.cond(x > 0, lambda: counter.assign_add(x), lambda: x)

    graph_def = count.get_concrete_function(tf.TensorSpec([])).graph.as_graph_def()
    assert {each.op for each in find_state_ops(graph_def)} == {"AssignAddVariableOp"}


def test_reading_is_no_obstacle():
    value = tf.Variable([1.0, 2.0])
    function = tf.function(lambda i: tf.gather(value, i) + value, autograph=False)
    graph_def = function.get_concrete_function(tf.TensorSpec([2], tf.int32)).graph.as_graph_def()
    assert find_state_ops(graph_def) == []
