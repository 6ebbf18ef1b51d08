import pytest
import tensorflow as tf
from tensorflow.core.framework import attr_value_pb2, graph_pb2

from converter import errors
from converter.ir import attributes, serde
from converter.ir.graph import Node, TensorRef
from converter.ir.text import format_graph, parse_graph


def _read(function, *library, **attrs):
    functions = {f.signature.name: f for f in (function, *library)}
    return serde.graph_from_function_def(function, functions, attrs)


# GraphDef.


def test_a_graph_def_round_trips():
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, 2], name="x")
        parts = tf.split(x, 2, axis=1, name="parts")
        with tf.control_dependencies([tf.identity(x, name="first")]), tf.device("/cpu:0"):
            tf.raw_ops.Neg(x=parts[1], name="y")
    graph_def = graph.as_graph_def()
    nodes = serde.nodes_from_graph_def(graph_def)
    assert nodes["y"].inputs[0] == TensorRef("parts", 1)
    assert nodes["y"].control_inputs == ("first",)
    assert "cpu" in nodes["y"].device.lower()
    again = serde.graph_def_from_nodes(nodes.values(), graph_def.versions.producer)
    assert serde.nodes_from_graph_def(again) == {
        name: Node(node.name, node.op, node.inputs, node.control_inputs, node.attrs)
        for name, node in nodes.items()
    }
    assert again.versions.producer == graph_def.versions.producer
    with tf.Graph().as_default():
        (y,) = tf.graph_util.import_graph_def(again, return_elements=["y:0"], name="")
    assert y.shape.as_list() == [None, 1]


def test_shapes_that_the_exporter_inferred_are_not_written():
    nodes = parse_graph('x = Const[_output_shapes="gone", dtype=float]()').nodes.values()
    (node_def,) = serde.graph_def_from_nodes(nodes, 0).node
    assert set(node_def.attr) == {"dtype"}


def test_two_nodes_of_one_name_are_refused():
    graph_def = graph_pb2.GraphDef()
    graph_def.node.add(name="scope/x", op="NoOp")
    graph_def.node.add(name="scope/x", op="Const")
    with pytest.raises(errors.FormatError, match="two nodes have the same name") as caught:
        serde.nodes_from_graph_def(graph_def)
    assert caught.value.node == "scope/x"


@pytest.mark.parametrize("name", ["x:y", "x:-1", ":1"])
def test_an_input_that_is_no_tensor_name_is_refused(name):
    graph_def = graph_pb2.GraphDef()
    graph_def.node.add(name="y", op="Neg", input=[name])
    with pytest.raises(errors.FormatError, match="is not a tensor name") as caught:
        serde.nodes_from_graph_def(graph_def)
    assert caught.value.node == "y"


# FunctionDef.


def test_a_body_with_multiple_outputs(make_function):
    function = make_function(
        "f",
        {"x": "float"},
        "b = FusedBatchNorm[T=float](x, x, x, x, x)\nu = Sub[T=float](b:batch_variance:0, b:y:0)",
        {"first": "u:z:0", "second": "b:reserve_space_2:0"},
    )
    assert format_graph(_read(function)) == (
        "x = _Arg()\nb = FusedBatchNorm[T=float](x, x, x, x, x)\nu = Sub[T=float](b:2, b)\n"
        "return u, b:4\n"
    )


def test_outputs_that_are_lists_count_from_their_first_tensor(make_function):
    function = make_function(
        "f",
        {"x": "float", "axis": "int32"},
        "s = Split[T=float, num_split=3](axis, x)\nn = IdentityN[T={list { type: DT_FLOAT type:"
        " DT_INT32 }}](s:output:2, axis)",
        {"first": "n:output:1", "second": "s:output:1"},
    )
    graph = _read(function)
    assert graph.nodes["n"].inputs == (TensorRef("s", 2), TensorRef("axis"))
    assert graph.results == (TensorRef("n", 1), TensorRef("s", 1))


def test_arguments_that_are_lists_by_number(make_function):
    function = make_function(
        "f", {"xs": "N*float", "y": "float"}, "a = AddN[N=2, T=float](xs:1, y)", {"out": "a:sum:0"}
    )
    graph = _read(function, N=attr_value_pb2.AttrValue(i=3))
    assert graph.args == ("xs.0", "xs.1", "xs.2", "y")
    assert graph.nodes["a"].inputs == (TensorRef("xs.1"), TensorRef("y"))


def test_arguments_and_results_that_are_lists_by_types(make_function):
    function = make_function("f", {"xs": "$*T"}, "", {"ys": "xs"}, results={"ys": "$*T"})
    graph = _read(function, T=attr_value_pb2.AttrValue(list={"type": [1, 3]}))
    assert graph.args == ("xs.0", "xs.1")
    assert graph.results == (TensorRef("xs.0"), TensorRef("xs.1"))


def test_a_list_of_one_argument(make_function):
    function = make_function("f", {"xs": "N*float"}, "n = Neg[T=float](xs:0)", {"y": "n:y:0"})
    graph = _read(function, N=attr_value_pb2.AttrValue(i=1))
    assert graph.nodes["n"].inputs == (TensorRef(graph.args[0]),)


def test_outputs_of_a_nested_function_are_named_by_its_signature(make_function):
    inner = make_function("inner", {"x": "float"}, "", {"a": "x", "b": "x", "c": "x"})
    outer = make_function("outer", {"x": "float"}, "call = inner(x)", {"out": "call:c:0"})
    assert _read(outer, inner).results == (TensorRef("call", 2),)


def test_placeholder_attributes_take_the_values_of_the_call(make_function):
    function = make_function("f", {"x": "$T"}, 'n = Neg[T={placeholder: "T"}](x)', {"y": "n:y:0"})
    graph = _read(function, T=attributes.type_attr(2))
    assert graph.nodes["n"].attrs["T"].type == 2


def test_so_do_those_that_the_body_gives_to_other_functions(make_function):
    inner = 'func { name: "g" attr { key: "T" value { placeholder: "T" } } }'
    body = f"n = PartitionedCall[f={{{inner}}}](x)\nm = Case[branches={{list {{ {inner} }}}}](x)"
    function = make_function("f", {"x": "$T"}, body, {"out": "x"})
    nodes = _read(function, T=attributes.type_attr(2)).nodes
    assert nodes["n"].attrs["f"].func.attr["T"].type == 2
    assert nodes["m"].attrs["branches"].list.func[0].attr["T"].type == 2
    assert function.node_def[0].attr["f"].func.attr["T"].placeholder == "T"


def test_targets_are_control_outputs_and_stateful_ops(make_function):
    inner = make_function("inner", {}, "", {}, stateful=True)
    pure = make_function("pure", {}, "", {})
    function = make_function(
        "f",
        {"h": "resource"},
        "c = Const()\nr = ReadVariableOp[dtype=float](h)\n"
        "u = AssignVariableOp[dtype=float](h, r:value:0)\n"
        "i = inner()\np = pure()\nn = NoOp()",
        {},
        control_ret=("n",),
    )
    assert _read(function, inner, pure).targets == ("n", "u", "i")


@pytest.mark.parametrize(
    ("body", "ret", "message"),
    [
        ("n = Neg(gone)", "n:y:0", "'gone' is not a tensor of function 'f'"),
        ("n = Neg(gone:y:0)", "n:y:0", "'gone:y:0' is not a tensor of function 'f'"),
        ("n = Neg(x)", "n:z:0", "op 'Neg' has no output 'z'"),
        ("n = Neg(x)", "n:y:one", "is not a tensor name"),
        ("n = Neg(x)", "n:y:-1", "is not a tensor name"),
        ("n = Neg(x)", "n", "'n' is not a tensor of function 'f'"),
        ("n = Neg(x)", "", "'' is not a tensor of function 'f'"),
        ("n = Neg(x)", "x:1", "'x:1' is not a tensor of function 'f'"),
        ("n = Neg(x:7)", "n:y:0", "'x:7' is not a tensor of function 'f'"),
        ('n = Neg[T={placeholder: "U"}](x)', "n:y:0", "needs attribute 'U'"),
        ("x = Neg(x)", "x", "two nodes have the same name"),
    ],
)
def test_a_damaged_function_is_a_format_error(body, ret, message, make_function):
    with pytest.raises(errors.FormatError, match=message):
        _read(make_function("f", {"x": "float"}, body, {"out": ret}))


def test_a_function_that_does_not_say_what_a_result_is(make_function):
    function = make_function("f", {"x": "float"}, "", {"out": "x"})
    del function.ret["out"]
    with pytest.raises(errors.FormatError, match="is not a tensor of function 'f'"):
        _read(function)
    assert "out" not in function.ret


def test_two_nodes_of_one_name_in_a_function_are_refused(make_function):
    function = make_function("f", {"x": "float"}, "n = Neg(x)", {"out": "n:y:0"})
    function.node_def.add().CopyFrom(function.node_def[0])
    with pytest.raises(errors.FormatError, match="two nodes have the same name") as caught:
        _read(function)
    assert caught.value.node == "n"


def test_a_list_without_its_length_is_refused(make_function):
    with pytest.raises(errors.FormatError, match="the definition of 'f' lacks attribute 'N'"):
        _read(make_function("f", {"xs": "N*float"}, "", {}))


def test_an_unregistered_op_in_a_function_is_named(make_function):
    function = make_function("f", {"x": "float"}, "n = Frobnicate(x)", {"out": "n:y:0"})
    with pytest.raises(errors.UnsupportedOpError, match="'Frobnicate' is not registered") as caught:
        _read(function)
    assert caught.value.node == "n"


def test_outputs_after_lists_count_all_tensors_of_the_lists(make_function):
    function = make_function(
        "f",
        {"x": "float", "n": "int32"},
        "b = CTCBeamSearchDecoder[beam_width=4, top_paths=2](x, n)",
        {"values": "b:decoded_values:1", "log": "b:log_probability:0"},
    )
    assert _read(function).results == (TensorRef("b", 3), TensorRef("b", 6))


def test_a_list_of_billions_of_arguments_is_refused(make_function):
    function = make_function("f", {"xs": "N*float"}, "n = Neg[T=float](xs:0)", {"y": "n:y:0"})
    with pytest.raises(errors.FormatError, match="'xs' of 'f' stands for 4294967296 tensors"):
        _read(function, N=attr_value_pb2.AttrValue(i=1 << 32))
