"""The examples in the docstrings of passes, as graphs."""

import re
import types

import pytest

from converter.ir.graph import Graph
from converter.ir.text import parse_graph

_EXAMPLE = re.compile(r"^Before[^\n]*:\n(?P<before>.*)^After[^\n]*:\n(?P<after>.*)", re.M | re.S)


@pytest.fixture(scope="session")
def docstring_example():
    """`docstring_example(module)` returns the graphs under Before and After in its docstring."""

    def read(module: types.ModuleType) -> tuple[Graph, Graph]:
        match = _EXAMPLE.search(module.__doc__ or "")
        assert match, f"{module.__name__} shows no Before and After"
        before, after = parse_graph(match["before"]), parse_graph(match["after"])
        assert before.nodes
        assert after.nodes
        return before, after

    return read


@pytest.fixture(scope="session")
def as_text():
    """`as_text(text)` is `text` as `format_graph` would print it."""

    def normalize(text: str) -> str:
        lines = (line.strip() for line in text.splitlines())
        return "".join(f"{line}\n" for line in lines if line)

    return normalize
