"""Functions that multiply are refused before any is inlined; `scripts/measure_bombs` times them."""

import pytest
from bombs.function_bombs import KINDS, add_bomb

import converter
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
