"""The types that tests demand: in `pytest.raises(…)`, in `assert isinstance(…)`."""

import ast
import functools
import pathlib
from collections.abc import Iterator

_TESTS = pathlib.Path(__file__).parents[1]


def source_files() -> list[pathlib.Path]:
    """All files of tests but those of this folder."""
    here = pathlib.Path(__file__).parent
    return sorted(path for path in _TESTS.rglob("*.py") if here not in path.parents)


@functools.cache
def asserted_types() -> frozenset[str]:
    """The names of the types that a test demands of an error or a value."""
    return frozenset(
        name
        for path in source_files()
        for test in ast.walk(ast.parse(path.read_text()))
        if isinstance(test, ast.FunctionDef) and test.name.startswith("test_")
        for name in _demanded(test)
    )


def _demanded(test: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(test):
        if isinstance(node, ast.Call) and _name(node.func) == "raises":
            yield from map(_name, node.args)
        if isinstance(node, ast.Assert):
            yield from _instances(node.test)


def _instances(condition: ast.expr) -> Iterator[str]:
    for node in ast.walk(condition):
        if isinstance(node, ast.Call) and _name(node.func) == "isinstance":
            yield _name(node.args[1])


def _name(expression: ast.expr) -> str:
    """`X` of `X` and of `errors.X`."""
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else ""
