from converter.ir.graph import TensorRef
from converter.ir.text import parse_graph
from converter.ir.uses import Uses

_NODES = parse_graph(
    "a = Split()\nb = Add(a, a:1, ^a)\nc = NoOp(^a)\nd = Add(b, b)\nloop = Merge(loop)"
).nodes


def test_uses_name_the_node_and_the_position():
    uses = Uses(_NODES.values())
    assert list(uses.of(TensorRef("a"))) == [("b", 0)]
    assert list(uses.of(TensorRef("a", 1))) == [("b", 1)]
    assert list(uses.of(TensorRef("b"))) == [("d", 0), ("d", 1)]
    assert list(uses.of(TensorRef("d"))) == []


def test_users_are_listed_once_each():
    uses = Uses(_NODES.values())
    assert list(uses.users("a")) == ["b", "c"]
    assert list(uses.users("b")) == ["d"]
    assert list(uses.users("loop")) == ["loop"]
    assert list(uses.users("gone")) == []


def test_followers_wait_over_any_number_of_edges():
    uses = Uses(_NODES.values())
    assert uses.followers(["a"]) == {"b", "c", "d"}
    assert uses.followers(["b", "loop"]) == {"d", "loop"}
    assert uses.followers(["d"]) == set()


def test_what_is_removed_uses_nothing():
    uses = Uses(_NODES.values())
    uses.remove(_NODES["b"])
    assert list(uses.of(TensorRef("a"))) == []
    assert list(uses.users("a")) == ["c"]
    uses.add(_NODES["b"])
    assert set(uses.users("a")) == {"b", "c"}
