"""Graphs that would take all memory are refused, and others are not."""

import time

import pytest
from safety.bombs import BOMBS

from converter import errors
from converter.compile.compile_module import compile_module
from converter.formats.registry import read_module


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_at_once(name, bomb):
    module = bomb(name)
    start = time.perf_counter()
    with pytest.raises(errors.UnsafeModuleError) as caught:
        compile_module(read_module(module))
    assert time.perf_counter() - start < 2
    assert caught.value.node
