import numpy as np
import pytest
import tensorflow as tf
import tensorflow.compat.v1 as tf1
from golden.golden_values import read_golden

from converter.ir import serde
from converter.ir.text import parse_graph
from converter.parity.legacy_gather_tree import follow_beams, replace_gather_trees

_STEPS = np.array([[[2, 3]], [[4, 5]], [[6, 7]]], np.int32)
_PARENTS = np.array([[[0, 1]], [[1, 0]], [[1, 1]]], np.int32)


def test_it_gives_what_tf1_gave():
    calls = [call for call in read_golden("gather_tree").calls if call.signature == "default"]
    assert len(calls) > 10
    for call in calls:
        ids, parents, lengths, end = (
            call.inputs[name] for name in ("step_ids", "parent_ids", "lengths", "end")
        )
        made = follow_beams(ids, parents, lengths, end)
        np.testing.assert_array_equal(made, call.outputs["default"], call.label)


@pytest.mark.parametrize("parent", [-1, 3])
def test_a_parent_that_is_no_beam_fails(parent):
    parents = _PARENTS.copy()
    parents[1, 0, 1] = parent
    with pytest.raises(ValueError, match=f"invalid parent id {parent}"):
        follow_beams(_STEPS, parents, np.array([3]), np.int32(1))


@pytest.mark.parametrize(("parents", "lengths"), [(_PARENTS[1:], [3]), (_PARENTS, [3, 3])])
def test_shapes_that_do_not_agree_fail(parents, lengths):
    with pytest.raises(ValueError, match="shapes"):
        follow_beams(_STEPS, parents, np.array(lengths), np.int32(1))


def test_a_session_runs_it_in_the_graph_and_in_functions(make_function):
    nodes = parse_graph(
        """
        s = Placeholder[dtype=int32]()
        p = Placeholder[dtype=int32]()
        l = Placeholder[dtype=int32]()
        e = Placeholder[dtype=int32]()
        plain = GatherTree[T=int32](s, p, l, e)
        called = f(s, p, l, e)
        """
    ).nodes
    graph_def = serde.graph_def_from_nodes(nodes.values(), 134)
    body = "g = GatherTree[T=int32](s, p, l, e)\nn = Neg[T=int32](g:beams:0)"
    args = dict.fromkeys("sple", "int32")
    function = make_function("f", args, body, {"out": "n:y:0"}, results={"out": "int32"})
    graph_def.library.function.append(function)
    assert replace_gather_trees(graph_def) == 2
    assert replace_gather_trees(graph_def) == 0
    with tf.Graph().as_default():
        plain, called = tf1.import_graph_def(graph_def, return_elements=["plain:0", "called:0"])
        with tf1.Session() as session:
            feeds = {"s": _STEPS, "p": _PARENTS, "l": [3], "e": 1}
            feeds = {f"import/{name}:0": value for name, value in feeds.items()}
            one, other = session.run([plain, called], feeds)
    np.testing.assert_array_equal(one, [[[2, 2]], [[5, 5]], [[6, 7]]])
    np.testing.assert_array_equal(other, -one)
