"""The places in the code where errors are made, read from its syntax."""

from __future__ import annotations

import ast
import dataclasses
import functools
import pathlib
from collections.abc import Iterator, Mapping

from error_catalogue.templates import write_template

_ERRORS = "errors.py"


@dataclasses.dataclass(frozen=True, slots=True)
class RaiseSite:
    """A call that makes an error.

    Attributes:
      file: Its file, relative to the package.
      first_line: The line on which the call begins.
      last_line: The line on which it ends.
      error: The name of the class in `errors.py`, which may be that of a base class.
      text: The template of the message.
      remedy: The template of the remedy; empty if the code has none; None if a variable holds it.
    """

    file: str
    first_line: int
    last_line: int
    error: str
    text: str
    remedy: str | None


def find_raise_sites(package: pathlib.Path) -> list[RaiseSite]:
    """Finds all calls in `package` that make an error of `errors.py`, or of a class below it."""
    modules = {
        path.relative_to(package).as_posix(): ast.parse(path.read_bytes(), str(path))
        for path in sorted(package.rglob("*.py"))
    }
    classes = _find_classes(modules)
    strings = {file: _module_strings(module) for file, module in modules.items()}
    return [
        site
        for file, module in modules.items()
        for site in _sites(file, module, classes, _visible_strings(module, file, strings))
    ]


def _find_classes(modules: Mapping[str, ast.Module]) -> dict[str, str]:
    """The classes of errors, by name, each with the class of `errors.py` that it belongs to."""
    classes = {
        item.name: item.name for item in modules[_ERRORS].body if isinstance(item, ast.ClassDef)
    }
    for module in modules.values():
        for item in module.body:
            if isinstance(item, ast.ClassDef):
                for base in map(_last_part, item.bases):
                    if base in classes:
                        classes.setdefault(item.name, classes[base])
    return classes


def _module_strings(module: ast.Module) -> dict[str, str]:
    """The strings that a module names in capital letters: its constants."""
    return {
        target.id: item.value.value
        for item in module.body
        if isinstance(item, ast.Assign)
        and isinstance(item.value, ast.Constant)
        and isinstance(item.value.value, str)
        for target in item.targets
        if isinstance(target, ast.Name) and target.id.isupper()
    }


def _visible_strings(
    module: ast.Module, file: str, strings: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """The constants that a module can name: its own, and those of modules that it imports."""
    visible = dict(strings[file])
    for item in module.body:
        if isinstance(item, ast.ImportFrom) and item.module:
            folder = item.module.partition(".")[2].replace(".", "/")
            for alias in item.names:
                name = alias.asname or alias.name
                imported = f"{folder}/{alias.name}.py".lstrip("/")
                for key, value in strings.get(imported, {}).items():
                    visible[f"{name}.{key}"] = value
                if (text := strings.get(f"{folder}.py", {}).get(alias.name)) is not None:
                    visible[name] = text
    return visible


def _sites(
    file: str, module: ast.Module, classes: Mapping[str, str], strings: Mapping[str, str]
) -> Iterator[RaiseSite]:
    template = functools.partial(write_template, constants=strings)
    for call in ast.walk(module):
        if isinstance(call, ast.Call) and call.args and _last_part(call.func) in classes:
            remedies = [word.value for word in call.keywords if word.arg == "remedy"]
            remedy = template(remedies[0]) if remedies else ""
            yield RaiseSite(
                file,
                call.lineno,
                call.end_lineno or call.lineno,
                classes[_last_part(call.func)],
                template(call.args[0]),
                None if remedy.startswith("{") and remedy.endswith("}") else remedy,
            )


def _last_part(expression: ast.expr) -> str:
    """The class that `errors.FormatError` or `FormatError` names."""
    match expression:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""
