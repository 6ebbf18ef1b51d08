import pytest
from tensorflow.core.framework import attr_value_pb2, graph_pb2

from converter import errors
from converter.ir.graph import Node, TensorRef
from converter.ir.region import Region
from converter.safety.allowed_ops import AllowedOps
from converter.safety.check_safety import check_safety, is_custom
from converter.safety.op_table import Kind, read_table

_READ = "name = _Arg[T=string]()\nread = ReadFile(name)\nagain = ReadFile(name)"


def _refusal(region, allowed=None):
    with pytest.raises(errors.UnsafeModuleError) as caught:
        check_safety(region, allowed or AllowedOps())
    return caught.value


def test_an_op_is_refused_by_its_first_node(make_region):
    refused = _refusal(make_region(_READ))
    assert refused.message.startswith("op 'ReadFile' is not allowed (reads files): it reads")
    assert refused.node == "read"
    assert refused.remedy == "If you trust the module, pass --allow-op ReadFile."


def test_an_op_inside_of_a_branch_is_refused(make_region):
    assert _refusal(make_region("p = _Arg[T=bool]()", inner=_READ)).node == "read"


def test_no_node_hides_behind_another_of_its_name(make_region):
    region = make_region("read = Const[dtype=string]()", inner=_READ)
    assert _refusal(region).node == "read"
    region = make_region(_READ, inner="read = Const[dtype=string]()\nagain = Const[dtype=string]()")
    assert _refusal(region).node == "read"


def test_an_op_that_the_user_names_is_let_through(make_region):
    assert check_safety(make_region(_READ), AllowedOps(["ReadFile"])) == {"ReadFile": "read"}
    assert _refusal(make_region(_READ), AllowedOps(["WriteFile"])).node == "read"


def test_a_danger_in_an_attribute_is_let_through_by_the_same_word(make_region):
    region = make_region('x = _Arg()\ny = PrintV2[output_stream="file:///tmp/x"](x)')
    assert "it prints to 'file:///tmp/x'" in str(_refusal(region))
    assert check_safety(region, AllowedOps(["PrintV2"])) == {"PrintV2": "y"}


def test_a_name_that_is_not_needed_is_not_among_those_let_through(make_region):
    region = make_region("x = _Arg()\ny = PrintV2(x)")
    assert check_safety(region, AllowedOps(["PrintV2", "ReadFile"])) == {}


def test_ops_of_packages_pass_by_the_word_of_import_ops(make_region):
    region = make_region("x = _Arg()\ny = My>Op(x)")
    refused = _refusal(region)
    assert "op 'My>Op' is not allowed (unknown to this version)" in str(refused)
    assert "--import-ops" in refused.remedy
    assert check_safety(region, AllowedOps(unknown=True)) == {}
    assert check_safety(region, AllowedOps(["My>Op"])) == {"My>Op": "y"}


def test_the_package_is_named_where_it_is_known(make_region):
    refused = _refusal(make_region("x = _Arg()\ny = SentencepieceTokenizeOp(x)"))
    assert "pass --import-ops tensorflow_text, or" in refused.remedy


@pytest.mark.parametrize(
    ("op", "expected"),
    [("My>Op", True), ("SentencepieceOp", True), ("MatMul", False), ("ReadFile", False),
     ("_Variable", False), ("GatherTree", False)],
)  # fmt: skip
def test_custom_ops(op, expected):
    assert is_custom(op) is expected


def test_that_word_lets_no_op_of_tensorflow_through(make_region):
    assert _refusal(make_region(_READ), AllowedOps(unknown=True)).node == "read"


@pytest.mark.parametrize("op", ["_Variable", "_Table", "_Asset", "_CustomGradient", "GatherTree"])
def test_what_a_trace_replaces_is_safe(op, make_region):
    assert check_safety(make_region(f"y = {op}()"), AllowedOps()) == {}


def test_every_op_that_is_not_allowed_is_refused():
    refused = {op for op, known in read_table().items() if not known.kind.is_allowed}
    refused -= {"_Arg"}  # A pseudo-op here; refused when it is read.
    for op in refused:
        region = Region((), (Node("n", op),), ())
        assert f"op {op!r} is not allowed" in str(_refusal(region))
    assert len(refused) > 800


def test_every_other_op_is_safe_apart_from_its_attributes():
    for op, known in read_table().items():
        if known.kind.is_allowed and known.kind is not Kind.OWN_ASSETS:
            assert check_safety(Region((), (Node("n", op),), ()), AllowedOps()) == {}


# Graphs in bytes.


def _holding(graph_def, name="held"):
    value = attr_value_pb2.AttrValue()
    value.tensor.string_val.append(graph_def.SerializeToString())
    return (
        Node("bytes", "Const", attrs={"value": value}),
        Node(name, "DatasetFromGraph", (TensorRef("bytes"),)),
    )


def _graph(*ops, in_function=False):
    graph_def = graph_pb2.GraphDef()
    graph_def.node.add(name="dataset", op="_Retval")
    nodes = graph_def.node
    if in_function:
        function = graph_def.library.function.add()
        function.signature.name = "f"
        nodes = function.node_def
        graph_def.node.add(name="call", op="f")
    for index, op in enumerate(ops):
        nodes.add(name=f"n{index}", op=op)
    return graph_def


def test_a_graph_in_bytes_is_refused():
    region = Region((), _holding(_graph("RangeDataset")), ())
    refused = _refusal(region)
    assert refused.node == "held"
    assert "(runs code)" in str(refused)


@pytest.mark.parametrize("in_function", [False, True])
def test_the_ops_of_a_graph_in_bytes_are_checked(in_function):
    region = Region((), _holding(_graph("Neg", "ReadFile", in_function=in_function)), ())
    assert _refusal(region, AllowedOps(["DatasetFromGraph"])).node == "n1"
    both = AllowedOps(["DatasetFromGraph", "ReadFile"])
    assert check_safety(region, both) == {"DatasetFromGraph": "held", "ReadFile": "n1"}
    safe = Region((), _holding(_graph("Neg", in_function=in_function)), ())
    assert check_safety(safe, AllowedOps(["DatasetFromGraph"])) == {"DatasetFromGraph": "held"}


@pytest.mark.parametrize("op", ["_Arg", "_Variable", "_CustomGradient", "GatherTree"])
def test_nothing_replaces_an_op_of_a_graph_in_bytes(op):
    region = Region((), _holding(_graph(op)), ())
    assert _refusal(region, AllowedOps(["DatasetFromGraph"])).node == "n0"


def test_a_function_does_not_pass_for_an_op():
    graph_def = _graph("ReadFile")
    graph_def.library.function.add().signature.name = "ReadFile"
    region = Region((), _holding(graph_def), ())
    assert _refusal(region, AllowedOps(["DatasetFromGraph"])).node == "n0"


def _nested(depth, op):
    graph_def = _graph(op)
    for _ in range(depth):
        outer = graph_pb2.GraphDef()
        for node in _holding(graph_def):
            made = outer.node.add(name=node.name, op=node.op)
            made.input.extend(f"{ref.node}:{ref.index}" for ref in node.inputs)
            for key, value in node.attrs.items():
                made.attr[key].CopyFrom(value)
        graph_def = outer
    return Region((), _holding(graph_def), ())


def test_graphs_in_graphs_in_bytes_are_checked():
    allowed = AllowedOps(["DatasetFromGraph"])
    assert _refusal(_nested(3, "ReadFile"), allowed).node == "n0"
    assert check_safety(_nested(3, "Neg"), allowed)
    assert "cannot be read before it runs" in str(_refusal(_nested(300, "Neg"), allowed))


def test_a_graph_that_is_computed_is_refused_whatever_the_user_says(make_region):
    region = make_region("bytes = _Arg[T=string]()\nheld = DatasetFromGraph(bytes)")
    refused = _refusal(region, AllowedOps(["DatasetFromGraph"]))
    assert "cannot be read before it runs" in str(refused)
    assert refused.node == "held"
