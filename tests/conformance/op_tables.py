"""The tables of op types that the converter decides by, wherever they lie."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping, Set
from types import ModuleType

import converter.ir
import converter.passes
from converter.ir import op_facts

# Lists of what a release of TensorFlow had, generated from it. They choose words, or say what has
# a gradient; nothing is rewritten by them.
_CATALOGS = frozenset({"converter.ir.op_packages", "converter.ir.tf1_gradients"})


def op_tables() -> dict[str, frozenset[str]]:
    """The registered ops in each set of op types, and in the keys of each mapping from them."""
    return {
        name: ops
        for package in (converter.ir, converter.passes)
        for module in _modules(package)
        for name, ops in _tables(module)
    }


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if found.name not in _CATALOGS:
            yield importlib.import_module(found.name)


def _tables(module: ModuleType) -> Iterator[tuple[str, frozenset[str]]]:
    for name, value in vars(module).items():
        if name.isupper() and isinstance(value, Mapping | Set):
            ops = frozenset(op for op in value if isinstance(op, str) and op_facts.find_op_def(op))
            if ops:
                yield name, ops
