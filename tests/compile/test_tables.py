import pytest

from converter import errors
from converter.compile.lowering import Lowering
from converter.compile.tables import compile_table
from converter.ir.graph import TableSpec, TensorRef

_DENSE = """
    empty = Const[dtype=int64, value={tensor { dtype: DT_INT64 tensor_shape { } int64_val: -1 }}]()
    gone = Const[dtype=int64, value={tensor { dtype: DT_INT64 tensor_shape { } int64_val: -2 }}]()
    t = MutableDenseHashTableV2[key_dtype=int64, value_dtype=int64, _class={list { s: "loc:@e" }}](
        empty, gone)
    fill = LookupTableInsertV2[Tin=int64, Tout=int64](t, gone, gone)
    more = LookupTableInsertV2[Tin=int64, Tout=int64](t, empty, gone, ^fill)
""".replace("(\n        empty", "(empty")


@pytest.fixture
def make(make_program):
    def run(text=_DENSE, initializers=("fill", "more")):
        program = make_program(text, tables={"t": TableSpec("t", initializers)})
        return compile_table(program, "t", Lowering())

    return run


def test_what_makes_a_table_ends_with_its_op(make):
    made = make()
    *inputs, maker = made.creation.items
    assert [node.name for node in inputs] == ["empty", "gone"]
    assert (maker.name, maker.op) == ("t", "MutableDenseHashTableV2")
    assert maker.inputs == (TensorRef("empty"), TensorRef("gone"))
    assert "_class" not in maker.attrs  # Colocation, with what is not there.
    assert made.creation.results == (TensorRef("t"),)
    assert made.creation.args == ()


def test_what_fills_a_table_takes_its_handle(make):
    first, second = make().filling
    assert (first.args, first.results) == (("table",), ())
    assert [node.name for node in first.nodes()][-1] == "fill"
    assert {node.name for node in second.nodes()} >= {"fill", "more"}


def test_a_table_that_nothing_fills(make):
    made = make(initializers=())
    assert made.filling == ()
    assert made.regions == (made.creation,)


def test_v1_tables_are_made_by_ops_with_resource_handles(make):
    made = make("t = HashTable[key_dtype=string, value_dtype=int64]()", ())
    assert made.creation.items[-1].op == "HashTableV2"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("(empty, gone)", "(empty)", "takes 2 inputs, the graph gives 1"),
        ("key_dtype=int64", "key_dtype=string", "input 0 .* has dtype int64, expected string"),
        ("key_dtype=int64", "key_dtype=int64, keys=3", "no attribute 'keys'"),
        ("(t, gone, gone)", "(t, gone)", "takes 3 inputs, the graph gives 2"),
        ("Tin=int64", "Tin=float", "has dtype int64, expected float"),
    ],
)
def test_what_tensorflow_would_reject_is_refused(before, after, message, make):
    assert before in _DENSE
    with pytest.raises(errors.FormatError, match=message):
        make(_DENSE.replace(before, after))
