import pytest
from tensorflow.core.protobuf import saver_pb2

from converter import errors
from converter.formats.restore_ops import Stored, find_assigned, find_restored
from converter.ir.graph import SliceSpec
from converter.ir.text import parse_graph

_SAVER = saver_pb2.SaverDef(filename_tensor_name="file:0", restore_op_name="restore")
_GRAPH = """
file = Const[dtype=string, value=string("model")]()
other = Const[dtype=string, value=string("/etc/model")]()
names = Const[dtype=string, value=string[2]("old/a", "b")]()
slices = Const[dtype=string, value=string[2]("", "{part}")]()
a = VariableV2[dtype=float, shape=[2]]()
b = VarHandleOp[dtype=float, shape=[2]]()
read = RestoreV2[dtypes=(float, float)]({file}, names, slices)
value = Identity[T=float](read:1)
set_a = Assign[T=float](a, {value})
set_b = AssignVariableOp[dtype=float](b, value)
{more}
restore = NoOp(^set_a, ^set_b{also})
"""


def _find(file="file", part="", value="read", more="", also=""):
    text = _GRAPH.format(file=file, part=part, value=value, more=more, also=also)
    return find_restored(_SAVER, parse_graph(text).nodes)


def test_keys_are_those_of_the_ops_whatever_the_variables_are_called():
    assert _find().variables == {"a": Stored("old/a", None), "b": Stored("b", None)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10 4 0,5:0,4", SliceSpec((10, 4), (0, 0), (5, 4))),
        ("10 4 -:1,2", SliceSpec((10, 4), (0, 1), (10, 2))),
    ],
)
def test_a_part_has_its_place_in_the_whole(text, expected):
    assert _find(part=text).variables["b"].slice == expected


@pytest.mark.parametrize("text", ["10", "10 4 0,5", "10 0,11", "10 -1,2", "x 0,1", "10 0,1,2"])
def test_a_damaged_part_is_refused(text):
    with pytest.raises(errors.FormatError, match="does not describe a part of a tensor"):
        _find(part=text)


def test_a_value_of_another_file_is_unknown():
    found = _find(file="other")
    assert not found.variables
    assert "from another file" in found.computed["a"]


def test_a_computed_value_is_unknown():
    found = _find(value="doubled", more="doubled = AddV2[T=float](read, read)")
    assert list(found.variables) == ["b"]
    assert "computes its value by op 'AddV2' at node 'doubled'" in found.computed["a"]


def test_a_variable_that_is_restored_twice_is_unknown():
    found = _find(more="again = Assign[T=float](a, value)", also=", ^again")
    assert "a" not in found.variables
    assert found.computed["a"] == "its saver assigns it twice"


def test_a_restored_table_is_listed():
    more = (
        "t = MutableHashTableV2[key_dtype=float, value_dtype=float]()\n"
        "fill = LookupTableImportV2[Tin=float, Tout=float](t, read, value)"
    )
    assert _find(more=more, also=", ^fill").tables == ("fill",)


def test_another_effect_is_refused():
    with pytest.raises(errors.FormatError, match="restores values by op 'AssignAdd'") as caught:
        _find(more="add = AssignAdd[T=float](a, value)", also=", ^add")
    assert caught.value.node == "add"


def test_only_whole_values_are_assignments():
    nodes = parse_graph(_GRAPH.format(file="file", part="", value="read", more="", also="")).nodes
    assert find_assigned(nodes, nodes["set_a"]) == "a"
    assert find_assigned(nodes, nodes["value"]) is None
