"""Every op type in the tables occurs in a fixture, or in a test."""

import ast
import re
from collections.abc import Iterator

from conformance.asserted_types import source_files
from conformance.coverage import assert_covered
from conformance.fixture_modules import op_types
from conformance.op_tables import op_tables

_EXEMPT: dict[str, str] = {}


def test_every_op_is_in_a_fixture_or_a_test():
    tables = op_tables()
    covered = set(op_types())
    for path in source_files():
        tree = ast.parse(path.read_text())
        covered.update(_named(tree))
        covered.update(*(tables[name] for name in _parametrizing(tree) if name in tables))
    assert_covered(set().union(*tables.values()), covered, _EXEMPT)


def _named(tree: ast.Module) -> Iterator[str]:
    """The names of ops that strings hold."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            single = re.fullmatch(r"\w+", node.value)
            yield from [node.value] if single else re.findall(r"(\w+)[\[(]", node.value)


def _parametrizing(tree: ast.Module) -> Iterator[str]:
    """The names of the tables for each of whose ops a test runs."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for decorator in function.decorator_list:
                for node in ast.walk(decorator):
                    if isinstance(node, ast.Attribute):
                        yield node.attr
