import pytest
import tensorflow as tf
import tensorflow.compat.v1 as tf1

from converter import errors
from converter.sources.hub_objects import LiveModule, read_module
from converter.sources.session_values import find_variable, read_session_values


def _module_fn():
    tf1.get_variable("w", initializer=[1.0, 2.0])
    with tf1.variable_scope("p", partitioner=tf1.fixed_size_partitioner(2)):
        tf1.get_variable("w", [3, 1], initializer=tf1.zeros_initializer())
    tf1.get_variable("ref", initializer=b"x\0", use_resource=False)


@pytest.fixture
def live(make_spec, hub_api):
    """A module in the default graph; and its graph variant."""
    spec = make_spec(_module_fn)
    with tf.Graph().as_default() as graph:
        module = hub_api.Module(spec, name="outer/mine")
        yield read_module(module), next(spec._saved_model_handler.meta_graphs), graph


def _values(*arguments):
    return {item.spec.name: item.value.tolist() for item in read_session_values(*arguments)}


@pytest.mark.parametrize("is_default", [True, False])
def test_values_are_those_of_the_session(live, is_default):
    module, meta_graph, graph = live
    with tf1.Session() as session:
        session.run(tf1.global_variables_initializer())
        parts = module.variables["p/w"]
        session.run([tf1.assign(parts[1], [[9.0]]), tf1.assign(module.variables["w"], [3.0, 4.0])])
        operations = len(graph.get_operations())
        graph.finalize()
        assert _values(module, meta_graph, None if is_default else session) == {
            "w": [3.0, 4.0], "p/w/part_0": [[0.0], [0.0]], "p/w/part_1": [[9.0]], "ref": b"x\0",
        }  # fmt: skip
        assert len(graph.get_operations()) == operations


def test_there_is_no_session(live):
    module, meta_graph, _ = live
    with pytest.raises(errors.UsageError, match=r"there is none. Pass session=…, or call"):
        read_session_values(module, meta_graph, None)


def test_it_needs_no_session_because_there_are_no_variables(make_spec, hub_api):
    spec = make_spec(lambda: hub_api.add_signature(outputs=tf.constant(1.0)))
    module = LiveModule(spec, frozenset(), {})
    assert read_session_values(module, next(spec._saved_model_handler.meta_graphs), None) == ()


def test_variables_are_not_initialized(live):
    module, meta_graph, _ = live
    with tf1.Session(), pytest.raises(errors.UsageError) as caught:
        read_session_values(module, meta_graph, None)
    assert caught.value.message.startswith("the session has no values of the live module: ")
    assert "mine/" in caught.value.message


def test_the_session_is_closed_or_runs_another_graph_or_is_none(live):
    module, meta_graph, _ = live
    with tf1.Session() as closed:
        pass
    with tf.Graph().as_default():
        other = tf1.Session()
    for session in (closed, other, 3):
        with pytest.raises(errors.UsageError, match="the session has no values of the live module"):
            read_session_values(module, meta_graph, session)


def test_the_module_lacks_a_variable(live):
    with pytest.raises(errors.UsageError, match="the live module has no variable 'gone'"):
        find_variable(live[0], "gone")
