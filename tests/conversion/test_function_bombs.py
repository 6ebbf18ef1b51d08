"""Functions that multiply are refused before any is inlined; `scripts/measure_bombs` times them."""

import pytest
from bombs.function_bombs import KINDS, add_bomb

import converter
from converter import limits
from converter.passes import inline_functions


@pytest.fixture
def module_of(half_plus_two, edit):
    """`module_of(kind, levels)` is the module of a bomb."""

    def make(kind, levels):
        with edit(half_plus_two) as saved_model:
            add_bomb(saved_model.meta_graphs[0], kind, levels)
        return half_plus_two

    return make


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("levels", [12, 60])
def test_nothing_of_them_is_inlined(module_of, kind, levels, monkeypatch):
    monkeypatch.setattr(inline_functions, "_Inliner", None)
    (refusal,) = converter.inspect(module_of(kind, levels)).refusals
    assert refusal.type == "FormatError"
    assert "after inlining (at node 'bomb')" in refusal.error


@pytest.mark.parametrize("kind", KINDS)
def test_few_levels_convert(module_of, kind):
    assert converter.inspect(module_of(kind, 3)).refused is None


def test_a_case_has_no_more_branches_than_control_flow_has_levels(half_plus_two, edit):
    with edit(half_plus_two) as saved_model:
        add_bomb(saved_model.meta_graphs[0], "Case", 1)
        (bomb,) = (n for n in saved_model.meta_graphs[0].graph_def.node if n.name == "bomb")
        for _ in range(limits.MAX_REGION_DEPTH):
            bomb.attr["branches"].list.func.add(name="f0")
    assert "op 'Case' has 52 branches, more than 50" in converter.inspect(half_plus_two).refused


@pytest.mark.parametrize(("levels", "is_refused"), [(3, False), (7, True)])
def test_calls_that_keep_their_gradients_count_more(half_plus_two, edit, levels, is_refused):
    """Each is traced with its gradient."""
    with edit(half_plus_two) as saved_model:
        meta_graph = saved_model.meta_graphs[0]
        add_bomb(meta_graph, "call", levels)
        library = meta_graph.graph_def.library
        for function in list(library.function):
            name = function.signature.name
            gradient = library.function.add()
            gradient.CopyFrom(library.function[0])
            gradient.signature.name = f"gradient_{name}"
            gradient.signature.input_arg.add(name="dy", type=1)
            library.gradient.add(function_name=name, gradient_func=f"gradient_{name}")
    refused = converter.inspect(half_plus_two).refused
    assert ("branches and loops after inlining" in (refused or "")) == is_refused
