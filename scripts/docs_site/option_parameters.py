"""Extension of griffe: functions of the API with the options that they take one by one.

`convert(…, **options: Unpack[ConversionArguments])` gets a parameter for each option, described in
the docstrings of `ConversionOptions` and `MigrationArguments`, as `help` and the signature at run
time have them. And `Annotated[bool, …]`, which holds what the command line says, is `bool`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import griffe

_DESCRIBED = ("conversion.options.ConversionOptions", "migration.options.MigrationArguments")
_WITH_DEFAULTS = ("conversion.options.ConversionOptions", "migration.options.Options")


class OptionParameters(griffe.Extension):
    """Replaces `**options` by its parts once the package is read."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Changes the functions and attributes of the package."""
        if pkg.name != "converter":
            return
        descriptions = {k: v for path in _DESCRIBED for k, v in _describe(pkg[path]).items()}
        defaults = {k: a.value for path in _WITH_DEFAULTS for k, a in pkg[path].attributes.items()}
        for attribute in pkg["conversion.options.ConversionOptions"].attributes.values():
            attribute.annotation = _without_notes(attribute.annotation)
        for function in list(_find_functions(pkg)):
            for parameter in list(function.parameters):
                if parameter.kind is griffe.ParameterKind.var_keyword:
                    _expand(pkg, function, parameter, descriptions, defaults)


def _find_functions(module: griffe.Module) -> Iterator[griffe.Function]:
    for member in module.members.values():
        if isinstance(member, griffe.Function):
            yield member
        elif isinstance(member, griffe.Module):
            yield from _find_functions(member)


def _describe(options: Any) -> dict[str, str]:
    """The attributes that the docstring of a class describes."""
    sections = options.docstring.parse("google")
    kind = griffe.DocstringSectionKind.attributes
    return {item.name: item.description for s in sections if s.kind is kind for item in s.value}


def _without_notes(annotation: Any) -> Any:
    is_noted = isinstance(annotation, griffe.ExprSubscript) and str(annotation.left) == "Annotated"
    return annotation.slice.elements[0] if is_noted else annotation


def _expand(
    package: griffe.Module,
    function: griffe.Function,
    parameter: griffe.Parameter,
    descriptions: dict[str, str],
    defaults: dict[str, Any],
) -> None:
    """Replaces a parameter `**options: Unpack[…]` in the signature and the docstring."""
    annotation = parameter.annotation
    if not isinstance(annotation, griffe.ExprSubscript) or str(annotation.left) != "Unpack":
        return
    assert function.docstring is not None
    sections = function.docstring.parsed  # Before the signature changes, which it is held against.
    kind = griffe.DocstringSectionKind.parameters
    described = next(section.value for section in sections if section.kind is kind)
    described[:] = [item for item in described if item.name.lstrip("*") != parameter.name]
    del function.parameters[parameter.name]
    assert isinstance(annotation.slice, griffe.Expr)
    fields = package[annotation.slice.canonical_path.removeprefix(f"{package.path}.")]
    for name, attribute in fields.attributes.items():  # Those of its bases, too.
        default = defaults.get(name)
        function.parameters.add(
            griffe.Parameter(
                name,
                annotation=attribute.annotation,
                kind=griffe.ParameterKind.keyword_only,
                default=default,
            )
        )
        described.append(
            griffe.DocstringParameter(
                name=name,
                description=descriptions.get(name, ""),
                annotation=attribute.annotation,
                value=None if default is None else str(default),
            )
        )
