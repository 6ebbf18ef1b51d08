import copy
import gc

import pytest
import tensorflow as tf

from converter.assemble.legacy_table import LegacyTable
from converter.compile.lowering import Lowering
from converter.compile.tables import compile_table
from converter.ir import op_facts
from converter.ir.graph import TableSpec

_CONSTANTS = """
    k = Const[dtype=int64, value={tensor { dtype: DT_INT64 tensor_shape { dim { size: 2 } }
        int64_val: 4 int64_val: 5 }}]()
    v = Const[dtype=int64, value={tensor { dtype: DT_INT64 tensor_shape { dim { size: 2 } VECTOR }
        int64_val: 40 int64_val: 50 }}]()
    empty = Const[dtype=int64, value={tensor { dtype: DT_INT64 tensor_shape { } int64_val: -1 }}]()
    gone = Const[dtype=int64, value={tensor { dtype: DT_INT64 tensor_shape { } int64_val: -2 }}]()
""".replace("}\n        int", "} int")
_TYPES = "key_dtype=int64, value_dtype=int64"
_MAKERS = {
    "HashTableV2": f"HashTableV2[{_TYPES}, use_node_name_sharing=true]()",
    "MutableHashTableV2": f'MutableHashTableV2[{_TYPES}, shared_name="other"]()',
    "MutableHashTableOfTensorsV2": f"MutableHashTableOfTensorsV2[{_TYPES}, value_shape=[1]]()",
    "MutableDenseHashTableV2": f"MutableDenseHashTableV2[{_TYPES}](empty, gone)",
}


class _NoBindings:
    """The graphs of these tables use nothing of the module."""

    producer = 24


@pytest.fixture(params=sorted(_MAKERS))
def make_table(request, make_program):
    """`make_table(name, live=True)` makes tables of one of the kinds that there are."""
    is_of_vectors = "OfTensors" in request.param
    constants = _CONSTANTS.replace("VECTOR", "dim { size: 1 }" if is_of_vectors else "")
    text = f"{constants}\n    t = {_MAKERS[request.param]}"
    fill = "LookupTableInsertV2" if "Dense" in request.param else "LookupTableImportV2"
    text += f"\n    fill = {fill}[Tin=int64, Tout=int64](t, k, v)"
    program = make_program(text, tables={"t": TableSpec("t", ("fill",))})
    graphs = compile_table(program, "t", Lowering())
    return lambda name="t", live=True: LegacyTable(graphs, name, _NoBindings(), live=live)


def _find(table, handle=None):
    is_of_vectors = "OfTensors" in table._maker.op
    found = tf.raw_ops.LookupTableFindV2(
        table_handle=table.resource_handle if handle is None else handle,
        keys=tf.constant([5, 6, 4], tf.int64),
        default_value=tf.constant([0] if is_of_vectors else 0, tf.int64),
    )
    found = tf.reshape(found, [-1])
    return found.numpy().tolist() if tf.executing_eagerly() else found


def _filling_ops(graph):
    return [op for op in graph.get_operations() if op.name.endswith("/fill")]


def test_there_is_an_op_without_a_name_for_each_table():
    assert set(op_facts.ANONYMOUS_TABLES) == op_facts.TABLE_HANDLES == set(_MAKERS)
    assert all(op_facts.find_op_def(op) for op in op_facts.ANONYMOUS_TABLES.values())


def test_a_live_table_is_filled_once_or_more(make_table):
    table = make_table()
    assert _find(table) == [50, 0, 40]
    tf.function(table._initialize)()
    assert _find(table) == [50, 0, 40]


def test_a_handle_keeps_its_table(make_table):
    table = make_table()
    handle, another = table.resource_handle, make_table(live=False)
    del table
    gc.collect()
    assert _find(another, handle) == [50, 0, 40]


def test_a_copy_takes_nothing_along(make_table):
    table = make_table()
    another = copy.copy(table)
    del another
    gc.collect()
    assert _find(table) == [50, 0, 40]


def test_tables_of_one_name_are_two_in_python(make_table):
    one, other = make_table(), make_table()
    del other
    gc.collect()
    assert _find(one) == [50, 0, 40]


def test_a_table_that_is_only_saved_is_not_made(make_table):
    table = make_table(live=False)
    with pytest.raises(tf.errors.OpError):
        _find(table)


def test_a_graph_of_its_own_has_a_named_table(make_table):
    table = make_table("its/name", live=False)
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        table._resource_handle = None
        found = _find(table)
        table._initialize()
        session.run(_filling_ops(graph))
        for _ in range(2):
            assert session.run(found).tolist() == [50, 0, 40]
        (maker,) = (op for op in graph.get_operations() if op.type in op_facts.TABLE_HANDLES)
        assert maker.get_attr("shared_name") == b"its/name"
        assert maker.get_attr("container") == b""


def test_a_function_finds_its_table_in_the_next_run_of_a_session(make_table):
    """So it is in a graph that TensorFlow makes of a loaded model when it saves it anew."""
    table = make_table("its/name", live=False)
    creator = tf.function(table._create_resource, autograph=False).get_concrete_function()
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        table._resource_handle = creator()
        table._initialize()
        found = _find(table)
        fill = _filling_ops(graph)
        session.run(fill)
        for _ in range(2):
            assert session.run(found).tolist() == [50, 0, 40]
    with graph.as_default(), tf.compat.v1.Session() as session:
        session.run(fill)
        assert session.run(found).tolist() == [50, 0, 40]


def test_a_function_makes_a_new_table_once_the_last_one_is_destroyed(make_table):
    table = make_table("t of a function", live=False)
    create = tf.function(table._create_resource, autograph=False)
    destroy = tf.function(lambda: table._destroy_resource() or 1, autograph=False)
    one = create()
    table._resource_handle = one
    tf.function(table._initialize)()
    again = create()
    destroy()
    destroy()
    other = create()
    sizes = [int(tf.raw_ops.LookupTableSizeV2(table_handle=t)) for t in (one, again, other)]
    assert sizes == [2, 2, 0]
    destroy()
