"""Checks that Python files import nothing but what their Bazel target depends on.

The rule is about the project's own packages only: whatever is installed may be imported.
"""

from __future__ import annotations

import argparse
import ast
import pathlib
import sys
from collections.abc import Iterator, Sequence

PACKAGES = ("converter", "legacy_fixtures")


def module_name(path: str) -> str:
    """`converter/ir/graph.py` is the module `converter.ir.graph`."""
    parts = pathlib.PurePosixPath(path).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree: ast.Module) -> Iterator[tuple[int, str, str | None]]:
    """Yields, for each name that is imported, its line, the module it is from, and itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, None
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.lineno, node.module or ".", alias.name


def defined_names(tree: ast.Module) -> set[str]:
    """The names that a module binds when it is imported, as far as the check needs them."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


class Importable:
    """The modules that a target may import.

    Args:
      paths: Their files. Those that are packages are read.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self._modules = {module_name(path) for path in paths}
        self._names = {
            module_name(path): defined_names(ast.parse(pathlib.Path(path).read_bytes()))
            for path in paths
            if pathlib.PurePosixPath(path).name == "__init__.py"
        }

    def allows(self, module: str, name: str | None) -> bool:
        """Whether `import module`, or `from module import name`, is one of them."""
        if module.split(".")[0] not in PACKAGES:
            return True
        if name is None or module not in self._names:
            return module in self._modules
        return f"{module}.{name}" in self._modules or name in self._names[module]


def violations(path: str, importable: Importable) -> Iterator[str]:
    """Yields a line of text for each import that `importable` does not allow."""
    for line, module, name in imported(ast.parse(pathlib.Path(path).read_bytes(), path)):
        if not importable.allows(module, name):
            what = module if name is None else f"{module}.{name}"
            yield f"{path}:{line}: imports {what}"


def main(argv: Sequence[str]) -> int:
    """Returns 1, and says why, if there is a violation; writes the stamp otherwise."""
    parser = argparse.ArgumentParser(description=__doc__, fromfile_prefix_chars="@")
    parser.add_argument("--target", required=True, help="label, for the error")
    parser.add_argument("--stamp", required=True, help="file to write if all is well")
    parser.add_argument("--source", action="append", default=[], help="file to check")
    parser.add_argument("--importable", action="append", default=[], help="file of a dependency")
    arguments = parser.parse_args(argv)
    importable = Importable(arguments.importable)
    found = [text for path in arguments.source for text in violations(path, importable)]
    if found:
        print(
            *found,
            f"{arguments.target} does not depend on that. Add it to its deps; where visibility"
            " forbids it, the import is against the order of the layers.",
            sep="\n", file=sys.stderr,
        )  # fmt: skip
        return 1
    pathlib.Path(arguments.stamp).write_text("")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
