import numpy as np
import pytest
import tensorflow as tf

from converter import limits
from converter.formats.restored_tables import read_restored_tables
from converter.ir import constants
from converter.ir.text import parse_graph
from converter.tensor_bundle.checkpoint import Checkpoint, Entry

_GRAPH = """
file = Const[dtype=string, value=string("model")]()
other = Const[dtype=string, value=string("/etc/model")]()
names = Const[dtype=string, value=string[2]("t-keys", "t-values")]()
slices = Const[dtype=string, value=string[2]("", "")]()
empty = Const[dtype=int64, value=int64(0)]()
gone = Const[dtype=int64, value=int64(9)]()
t = MutableHashTableV2[key_dtype=int64, value_dtype=float]()
read = RestoreV2[dtypes=(int64, float)](file, names, slices)
before = NoOp(^read)
fill = LookupTableImportV2[Tin=int64, Tout=float](t, read, read:1, ^before)
"""
_LISTS = "MutableHashTableV2[key_dtype=int64, value_dtype=float]()"
_OF_TENSORS = "MutableHashTableOfTensorsV2[key_dtype=int64, value_dtype=float, value_shape=[2]]()"
_DENSE = "MutableDenseHashTableV2[key_dtype=int64, value_dtype=float, value_shape=[2]](empty, gone)"


@pytest.fixture
def read(monkeypatch, tmp_path):
    """Reads the graph, edited, with keys and values in its checkpoint."""

    def run(keys=(1, 2), values=(0.5, 1.5), *edits, ops=("fill",)):
        text = _GRAPH
        for old, new in edits:
            assert old in text
            text = text.replace(old, new)
        tensors = {"t-keys": np.int64(keys), "t-values": np.float32(values)}
        entries = {
            key: Entry(tf.as_dtype(value.dtype).as_datatype_enum, value.shape, size=value.nbytes)
            for key, value in tensors.items()
        }
        monkeypatch.setattr(Checkpoint, "read", lambda _, spec: tensors[spec.checkpoint_key])
        checkpoint = Checkpoint(tmp_path, entries)
        return read_restored_tables(parse_graph(text).nodes, ops, checkpoint, "file:0")

    return run


def _content(found):
    assert not found.unknown
    return [constants.find_value(found.nodes[ref.node]) for ref in found.nodes["fill"].inputs[1:]]


def test_what_the_saver_imports_becomes_constants(read):
    found = read()
    keys, values = _content(found)
    np.testing.assert_array_equal(keys, np.int64([1, 2]), strict=True)
    np.testing.assert_array_equal(values, np.float32([0.5, 1.5]), strict=True)
    assert found.ops == ("fill",)
    assert found.nodes["fill"].control_inputs == ()
    assert found.nodes["fill"].op == "LookupTableImportV2"


def test_values_may_be_tensors(read):
    _, values = _content(read((1,), [[1, 2]], (_LISTS, _OF_TENSORS)))
    np.testing.assert_array_equal(values, np.float32([[1, 2]]), strict=True)


def test_buckets_of_a_dense_table_are_inserted_but_for_those_without_a_key(read):
    buckets = [[0], [7], [9], [5]]
    found = read(buckets, [[1, 1], [2, 3], [4, 4], [5, 6]], (_LISTS, _DENSE))
    keys, values = _content(found)
    np.testing.assert_array_equal(keys, np.int64([7, 5]), strict=True)
    np.testing.assert_array_equal(values, np.float32([[2, 3], [5, 6]]), strict=True)
    assert found.nodes["fill"].op == "LookupTableInsertV2"


def test_an_empty_table_is_one(read):
    keys, values = _content(read((), (), (_LISTS, _LISTS)))
    assert (keys.shape, values.shape) == ((0,), (0,))


@pytest.mark.parametrize(
    ("keys", "values", "edits", "reason"),
    [
        ((1, 2), (1,), (), "values of shape [1] for it, expected [2] and [2]"),
        ([[1], [2]], (1, 2), (), "keys of shape [2, 1]"),
        ((1,), (1,), ((_LISTS, _OF_TENSORS),), "expected [1] and [1, 2]"),
        ((1,), (1,), ((_LISTS, _OF_TENSORS), ("[2]]", "[-1]]")), "have no definite shape"),
        ([[1, 1]], [[1, 2]], ((_LISTS, _DENSE),), "expected [1, 1] and [1, 2]"),
        ([[1], [1]], [[1, 2], [3, 4]], ((_LISTS, _DENSE),), "has a key of it twice"),
        ([[1]], [[1, 2]], ((_LISTS, _DENSE), ("empty, gone", "read, gone")), "not constants"),
        ((1,), (1,), (("key_dtype=int64", "key_dtype=int32"),), "not a whole list of int32"),
        (1, 1, (), "not a whole list of int64"),
        ((1,), (1,), (('"t-keys"', '"lost"'),), "has no tensor 'lost'"),
        ((1,), (1,), (('("", "")', '("2 0,1", "")'),), "reads a part of 't-keys'"),
        ((1,), (1,), (("(file, names", "(other, names"),), "from another file"),
        ((1,), (1,), (("(t, read,", "(t, empty,"),), "by op 'Const' at node 'empty'"),
        ((1,), (1,), (("LookupTableImportV2", "LookupTableInsertV2"),), "'LookupTableInsertV2'"),
    ],
)  # fmt: skip
def test_other_content_is_unknown(read, keys, values, edits, reason):
    found = read(keys, values, *edits)
    assert not found.nodes
    assert reason in found.unknown["t"]


def test_a_table_that_is_restored_twice_is_unknown(read):
    found = read((1,), (1,), ops=("fill", "fill"))
    assert found.unknown["t"] == "its saver restores it twice"


def test_tables_are_bounded(read, monkeypatch):
    monkeypatch.setattr(limits, "MAX_STORED_TABLES_BYTES", 23)
    assert "more than 23 bytes" in read().unknown["t"]


def test_constants_stay(read):
    assert not read((1,), (1,), ("(t, read, read:1, ^before)", "(t, empty, empty)")).nodes


def test_without_a_checkpoint_nothing_is_restored():
    nodes = parse_graph(_GRAPH).nodes
    assert read_restored_tables(nodes, ("fill",), Checkpoint("none", {}), "file:0").ops == ()
