import pytest

from converter.compile.plan import make_plan
from converter.formats.registry import read_module
from converter.ir.graph import Kind, Node, TensorInfo, TensorRef
from converter.parity.cases import CaseMaker, plan_cases
from converter.parity.generate import ATTEMPTS, SMALL_BATCHES
from converter.parity.sparse_triplets import SparseTriplet, find_triplets, rank_of

_INT64, _FLOAT = 9, 1


def _info(name, dtype, *shape):
    return TensorInfo(Kind.DENSE, dtype, shape, (TensorRef(name),))


def _inputs(indices="indices", values="values", shape="dense_shape"):
    return {
        values: _info(values, _FLOAT, None),
        indices: _info(indices, _INT64, None, 2),
        shape: _info(shape, _INT64, None),
    }


def _no_uses(ref):
    del ref
    return iter(())


@pytest.mark.parametrize("prefix", ["", "tokens_", "a/"])
def test_by_names(prefix):
    names = [prefix + part for part in ("indices", "values", "dense_shape")]
    assert find_triplets(_inputs(*names), _no_uses) == [SparseTriplet(*names)]


def test_by_what_an_op_takes_them_for():
    infos = _inputs("a", "b", "c")
    node = Node("reorder", "SparseReorder", (), {})
    positions = {"a": 0, "b": 1, "c": 2}
    uses = lambda ref: iter([(node, positions[ref.node])])  # noqa: E731
    assert find_triplets(infos, uses) == [SparseTriplet("a", "b", "c")]


def test_the_inputs_of_two_ops_are_no_triplet():
    nodes = {name: Node(f"take_{name}", "SparseReorder", (), {}) for name in "abc"}
    positions = {"a": 0, "b": 1, "c": 2}
    uses = lambda ref: iter([(nodes[ref.node], positions[ref.node])])  # noqa: E731
    assert find_triplets(_inputs("a", "b", "c"), uses) == []


def test_does_nothing_where_a_part_does_not_fit():
    infos = _inputs()
    assert find_triplets({**infos, "values": _info("values", _FLOAT, None, 3)}, _no_uses) == []
    assert find_triplets({**infos, "indices": _info("indices", _FLOAT, None, 2)}, _no_uses) == []
    assert find_triplets({k: infos[k] for k in ("values", "indices")}, _no_uses) == []


def test_ranks():
    triplet = SparseTriplet("indices", "values", "dense_shape")
    assert rank_of(triplet, _inputs()) == 2
    infos = {**_inputs(), "indices": _info("indices", _INT64, None, 3)}
    assert rank_of(triplet, infos) == 3
    infos = {name: TensorInfo(Kind.DENSE, _INT64, None, (TensorRef(name),)) for name in infos}
    assert rank_of(triplet, infos) == 2


@pytest.mark.parametrize("attempt", [*ATTEMPTS, *SMALL_BATCHES])
def test_what_is_made_up_is_one_sparse_tensor(golden, attempt):
    legacy = read_module(golden("sparse_triplet"))
    (planned,) = plan_cases(make_plan(legacy))
    case = CaseMaker(legacy, {}).make(planned, attempt)
    indices, values, shape = (case.inputs[n] for n in ("indices", "values", "dense_shape"))
    assert len(indices) == len(values) > 0
    assert (indices >= 0).all()
    assert (indices < shape).all()
    assert sorted(map(tuple, indices.tolist())) == list(map(tuple, indices.tolist()))
    # The ids of the embedding's eight rows.
    assert set(values.tolist()) <= set(range(8))
