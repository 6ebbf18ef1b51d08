import pytest

from converter.ir import op_facts
from converter.ir.graph import ASSET_OP, BOUND_OPS
from converter.ir.text import parse_graph

_TABLES = {
    "V1_CONTROL_FLOW": op_facts.V1_CONTROL_FLOW,
    "FUNCTIONAL_CONTROL_FLOW": op_facts.FUNCTIONAL_CONTROL_FLOW,
    "CALL_OPS": op_facts.CALL_OPS,
    "VARIABLE_HANDLES": op_facts.VARIABLE_HANDLES,
    "REF_VARIABLES": op_facts.REF_VARIABLES,
    "VARIABLE_READS": op_facts.VARIABLE_READS,
    "TABLE_HANDLES": op_facts.TABLE_HANDLES,
    "REF_TABLE_OPS": op_facts.REF_TABLE_OPS.keys() | op_facts.REF_TABLE_OPS.values(),
}


def _node(line):
    (node,) = parse_graph(line).nodes.values()
    return node


@pytest.mark.parametrize("table", _TABLES)
def test_tables_name_registered_ops_only(table):
    unknown = {op for op in _TABLES[table] if op_facts.find_op_def(op) is None}
    assert not unknown


def test_functions_are_in_attributes_that_the_ops_have():
    assert op_facts.FUNCTION_ATTRS.keys() | {"For"} == (
        op_facts.CALL_OPS | op_facts.FUNCTIONAL_CONTROL_FLOW
    )
    for op, keys in op_facts.FUNCTION_ATTRS.items():
        attrs = {attr.name: attr.type for attr in op_facts.find_op_def(op).attr}
        assert {attrs[key] for key in keys} <= {"func", "list(func)"}


def test_v1_loops_have_one_op_for_the_predicate_and_no_ref_twin_of_it():
    assert "LoopCond" in op_facts.V1_CONTROL_FLOW
    assert {"RefEnter", "Exit", "RefMerge"} <= op_facts.V1_CONTROL_FLOW
    assert op_facts.find_op_def("RefLoopCond") is None


def test_pseudo_ops_are_not_tensorflow_s_except_arg():
    registered = {op for op in BOUND_OPS if op_facts.find_op_def(op) is not None}
    assert registered <= {"_Arg"}


@pytest.mark.parametrize(
    ("ref", "plain"),
    [
        (ref, plain)
        for ref, plain in op_facts.REF_TABLE_OPS.items()
        # The V2 op takes a deleted_key besides: `ir/check.py` refuses the lowered node.
        if ref != "MutableDenseHashTable"
    ],
)
def test_table_twins_differ_in_the_type_of_their_handles_only(ref, plain):
    old, new = op_facts.find_op_def(ref), op_facts.find_op_def(plain)
    for old_args, new_args in ((old.input_arg, new.input_arg), (old.output_arg, new.output_arg)):
        assert [arg.name for arg in old_args] == [arg.name for arg in new_args]
        for one, other in zip(old_args, new_args, strict=True):
            if one.is_ref:
                assert other.type == op_facts.DT_RESOURCE
            else:
                assert (one.type, one.type_attr) == (other.type, other.type_attr)
    assert {a.name for a in old.attr} == {a.name for a in new.attr}


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("x = Neg()", 1),
        ("x = NoOp()", 0),
        ("x = Split[num_split=3]()", 3),
        ("x = IdentityN[T={list { type: DT_FLOAT type: DT_INT32 }}]()", 2),
        ("x = Unique()", 2),
        ("x = FusedBatchNormV3()", 6),
        ("x = Unpack[num=0]()", 0),
        ("x = _Asset()", 1),
        ("x = NoSuchOp()", None),
    ],
)
def test_output_count(line, count):
    assert op_facts.output_count(_node(line)) == count


def test_output_count_uses_the_registered_default():
    # TF1 leaves out attributes that have their default values.
    op_def = op_facts.find_op_def("Barrier")
    assert op_facts.attr_int({}, op_def, "capacity") == -1


@pytest.mark.parametrize(
    ("line", "position", "expected"),
    [
        ("x = AssignAdd()", 0, True),
        ("x = AssignAdd()", 1, False),
        ("x = ScatterNdUpdate()", 0, True),
        ("x = ScatterNdUpdate()", 2, False),
        ("x = ApplyMomentum()", 1, True),
        ("x = ApplyMomentum()", 2, False),
        ("x = Identity()", 0, False),
        ("x = RefIdentity()", 0, True),
        ("x = CountUpTo()", 0, True),
        ("x = RefSelect[N=2]()", 0, False),
        ("x = RefSelect[N=2]()", 2, True),
        ("x = RefSelect[N=2]()", 3, False),
        ("x = NoSuchOp()", 0, False),
    ],
)
def test_takes_ref(line, position, expected):
    assert op_facts.takes_ref(_node(line), position) is expected


@pytest.mark.parametrize(
    ("op", "stateful", "effect"),
    [
        ("Neg", False, False),
        ("ReadVariableOp", True, False),
        ("VarHandleOp", True, False),
        ("VariableV2", True, False),
        ("HashTable", True, False),
        ("HashTableV2", True, False),
        ("Placeholder", False, False),
        ("AssignVariableOp", True, True),
        ("RandomUniform", True, True),
        ("PrintV2", True, True),
        ("Assert", True, True),
        (ASSET_OP, False, False),
        ("_Arg", False, False),
        ("NoSuchOp", False, False),
    ],
)
def test_has_effect_is_stateful_but_handles_and_reads(op, stateful, effect):
    assert op_facts.is_stateful(op) is stateful
    assert op_facts.has_effect(op) is effect


def test_arguments_have_as_many_types_as_tensors():
    split, case = op_facts.find_op_def("Split"), op_facts.find_op_def("Case")
    node = _node("n = Split[T=float, num_split=2]()")
    assert op_facts.arg_dtypes(split.output_arg[0], split, node.attrs) == (1, 1)
    assert op_facts.arg_dtypes(split.input_arg[0], split, node.attrs) == (3,)
    node = _node("n = Case[Tout={list { type: DT_FLOAT type: DT_BOOL }}]()")
    assert op_facts.arg_dtypes(case.output_arg[0], case, node.attrs) == (1, 10)


def test_the_types_of_a_node_s_tensors():
    node = _node("n = Split[T=float, num_split=2]()")
    assert op_facts.dtypes(node) == ((3, 1), (1, 1))


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ("n = GatherTree[T=int32]()", True),
        ("n = LSTMBlockCell[T=float]()", True),
        ('n = Sign[T=float, _gradient_op_type="Identity"]()', True),
        ("n = Sign[T=float]()", False),
    ],
)
def test_what_is_emitted_as_a_call(node, expected):
    assert op_facts.is_called(_node(node)) is expected
