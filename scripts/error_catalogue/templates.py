"""Message templates: an f-string in the code as `op {op} has no attribute {name}`."""

from __future__ import annotations

import ast
from collections.abc import Mapping

# Attributes that say less than the name of what they belong to.
_VAGUE = ("message", "name", "strerror")


def write_template(expression: ast.expr, constants: Mapping[str, str]) -> str:
    """The text of a string expression, with `{placeholders}` for what varies.

    Args:
      expression: A string, an f-string, or an expression that gives a string.
      constants: The values of names, dotted or not, that stand for a string.
    """
    if isinstance(expression, ast.JoinedStr):
        return "".join(write_template(part, constants) for part in expression.values)
    if isinstance(expression, ast.Constant):
        return str(expression.value)
    if isinstance(expression, ast.FormattedValue):
        expression = expression.value
    known = constants.get(ast.unparse(expression))
    return f"{{{_name(expression)}}}" if known is None else known


def _name(expression: ast.expr) -> str:
    """A name for the value of an expression: `wanted` for `format_tags(wanted)`."""
    match expression:
        case ast.Name(id=name):
            return name.strip("_")
        case ast.Attribute(value=ast.Name(id=owner), attr=attribute) if attribute in _VAGUE:
            return attribute if owner == "self" else owner
        case ast.Attribute(attr=attribute):
            return attribute.strip("_")
        case ast.Subscript(value=values):
            return _name(values).removesuffix("s")
        case ast.Call(func=ast.Name(id="len")):
            return "count"
        case ast.Call(args=[*_, last]):
            return _name(last)
        case ast.Call(func=ast.Attribute(value=owner)):
            return _name(owner)
        case ast.BoolOp(values=[first, *_]) | ast.BinOp(left=first) | ast.IfExp(body=first):
            return _name(first)
        case ast.GeneratorExp(elt=item) | ast.ListComp(elt=item):
            return _name(item)
        case _:
            return "value"
