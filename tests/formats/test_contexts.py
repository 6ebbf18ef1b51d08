"""The contexts of loops and conditionals, which say what has a gradient."""

import pytest
from tensorflow.core.protobuf import control_flow_pb2

from converter.formats.registry import read_module


def _program(module):
    (program,) = read_module(module).variants.values()
    return program


def _while_context(name, back_prop=True, nested=()):
    context = control_flow_pb2.WhileContextDef(context_name=name, back_prop=back_prop)
    for inner in nested:
        _nest(context, inner)
    return context


def _cond_context(name, nested=()):
    context = control_flow_pb2.CondContextDef(context_name=name)
    for inner in nested:
        _nest(context, inner)
    return context


def _nest(context, inner):
    is_loop = isinstance(inner, control_flow_pb2.WhileContextDef)
    entry = context.nested_contexts.add()
    (entry.while_ctxt if is_loop else entry.cond_ctxt).CopyFrom(inner)


@pytest.fixture
def loops_without_gradient(half_plus_two, edit):
    """`loops_without_gradient(while_context=[…])` reads a module with these collections."""

    def read(**collections):
        with edit(half_plus_two) as saved_model:
            for key, contexts in collections.items():
                values = saved_model.meta_graphs[0].collection_def[key].bytes_list.value
                values.extend(context.SerializeToString() for context in contexts)
        return _program(half_plus_two).loops_without_gradient

    return read


def test_a_module_without_loops(half_plus_two):
    assert _program(half_plus_two).loops_without_gradient == frozenset()


def test_loops_with_and_without_a_gradient(loops_without_gradient):
    contexts = [_while_context("a/while"), _while_context("while", back_prop=False)]
    assert loops_without_gradient(while_context=contexts) == {"while"}


def test_conditionals_have_a_gradient(loops_without_gradient):
    assert loops_without_gradient(cond_context=[_cond_context("cond")]) == frozenset()


def test_loops_in_loops_and_in_conditionals(loops_without_gradient):
    inner = _while_context("inner", back_prop=False)
    deep = _cond_context("cond", [_while_context("middle", nested=[_cond_context("c", [inner])])])
    outer = _while_context("outer", False, [_while_context("other", False), _cond_context("d")])
    found = loops_without_gradient(cond_context=[deep], while_context=[outer])
    assert found == {"inner", "outer", "other"}


def test_a_loop_that_is_listed_twice(loops_without_gradient):
    inner = _while_context("inner", back_prop=False)
    contexts = [_while_context("outer", nested=[inner]), inner]
    assert loops_without_gradient(while_context=contexts) == {"inner"}


def test_a_nested_context_of_no_kind_is_skipped(loops_without_gradient):
    context = _while_context("while", back_prop=False)
    context.nested_contexts.add()
    assert loops_without_gradient(while_context=[context]) == {"while"}


@pytest.mark.parametrize("key", ["while_context", "cond_context"])
def test_a_damaged_context_is_refused(key, half_plus_two, edit, refusal):
    with edit(half_plus_two) as saved_model:
        saved_model.meta_graphs[0].collection_def[key].bytes_list.value.append(b"\xff\xff")
    assert f"an entry of collection {key!r} is damaged" in str(refusal(half_plus_two))


@pytest.mark.parametrize("key", ["while_context", "cond_context"])
def test_contexts_of_another_kind_are_refused(key, half_plus_two, edit, refusal):
    with edit(half_plus_two) as saved_model:
        saved_model.meta_graphs[0].collection_def[key].node_list.value.append("while")
    error = refusal(half_plus_two)
    assert f"collection {key!r} holds node_list, expected bytes_list" in str(error)


@pytest.mark.parametrize("field", ["loop_enter_names", "loop_exit_names"])
def test_a_loop_that_enters_or_exits_by_one_tensor_twice_is_refused(
    field, half_plus_two, edit, refusal
):
    context = _while_context("while")
    getattr(context, field).extend(["while/Exit:0", "while/Exit_1:0", "while/Exit:0"])
    with edit(half_plus_two) as saved_model:
        values = saved_model.meta_graphs[0].collection_def["while_context"].bytes_list.value
        values.append(context.SerializeToString())
    error = refusal(half_plus_two)
    assert "the context of a loop or conditional lists a tensor 2 times" in str(error)
    assert error.node == "while/Exit"


@pytest.mark.parametrize("name", ["refine", "refine/refine/Switch:0"])
def test_a_loop_whose_exit_is_none_is_refused(name, golden_module, edit, refusal):
    module = golden_module("nested_loop_after_loop")
    with edit(module) as saved_model:
        values = saved_model.meta_graphs[0].collection_def["while_context"].bytes_list.value
        context = control_flow_pb2.WhileContextDef.FromString(values[0])
        context.loop_exit_names[0] = name
        values[0] = context.SerializeToString()
    error = refusal(module)
    assert (
        f"the context of a loop lists {name!r} as an exit, but no Exit node has that name"
        in str(error)
    )
    assert error.node == context.context_name


def test_a_conditional_with_one_value_twice_is_refused(half_plus_two, edit, refusal):
    inner = _cond_context("cond")
    inner.values_def.values.extend(["y:0", "x:0", "x:0"])
    with edit(half_plus_two) as saved_model:
        values = saved_model.meta_graphs[0].collection_def["while_context"].bytes_list.value
        values.append(_while_context("while", nested=[inner]).SerializeToString())
    assert refusal(half_plus_two).node == "x"


def test_a_context_of_the_other_branch_is_refused(golden_module, edit, refusal):
    """V1 computes the gradients of one branch then, and the values of the other."""
    module = golden_module("guard_in_cond")
    with edit(module) as saved_model:
        values = saved_model.meta_graphs[0].collection_def["cond_context"].bytes_list.value
        context = control_flow_pb2.CondContextDef.FromString(values[0])
        context.branch = 1 - context.branch
        values[0] = context.SerializeToString()
    error = refusal(module)
    assert "names branch 0, but its pivot is in branch 1" in str(error)
    assert error.node == "cond/switch_t"
