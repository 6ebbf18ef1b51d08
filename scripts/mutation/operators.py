"""Small faults: functions from a node of the syntax tree to others in its place.

Each takes a node and yields (node, description) for every fault that it knows for that node. The
nodes that it yields are new; it changes nothing.
"""

from __future__ import annotations

import ast
import copy
import itertools
from collections.abc import Iterator

Faults = Iterator[tuple[ast.AST, str]]

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_FUNCTIONS = {
    "all": "any",
    "any": "all",
    "max": "min",
    "min": "max",
    "sorted": "list",
    "reversed": "iter",
    "startswith": "endswith",
    "endswith": "startswith",
}


def swap_comparison(node: ast.AST) -> Faults:
    """`a < b` becomes `a <= b` and `a >= b`."""
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            for other in _COMPARISONS[type(operator)]:
                changed = copy.copy(node)
                changed.ops = [*node.ops[:place], other(), *node.ops[place + 1 :]]
                yield changed, "comparison"


def swap_boolean(node: ast.AST) -> Faults:
    """`a and b` becomes `a or b`, `a` and `b`."""
    if isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield ast.BoolOp(other, node.values), "and/or"
        for place in range(len(node.values)):
            rest = [value for n, value in enumerate(node.values) if n != place]
            yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest), "operand dropped"


def swap_arithmetic(node: ast.AST) -> Faults:
    """`a + b` becomes `a - b`; so does `a += b`."""
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in _ARITHMETIC:
        changed = copy.copy(node)
        changed.op = _ARITHMETIC[type(node.op)]()
        yield changed, "arithmetic"


def drop_not(node: ast.AST) -> Faults:
    """`not a` becomes `a`."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand, "not dropped"


def negate_condition(node: ast.AST) -> Faults:
    """`if a:` becomes `if not a:`, where nothing above would do as much."""
    if isinstance(node, ast.If | ast.IfExp | ast.While) and not isinstance(
        node.test, ast.Compare | ast.UnaryOp
    ):
        changed = copy.copy(node)
        changed.test = ast.UnaryOp(ast.Not(), node.test)
        yield changed, "condition negated"


def change_constant(node: ast.AST) -> Faults:
    """`1` becomes `2`, `True` becomes `False`, `"Switch"` becomes `"Switch?"`.

    Text of more than a word is for people.
    """
    if isinstance(node, ast.Constant):
        value = node.value
        if isinstance(value, bool):
            yield ast.Constant(not value), "constant"
        elif isinstance(value, int | float):
            yield ast.Constant(value + 1), "constant"
        elif isinstance(value, str) and value and " " not in value:
            yield ast.Constant(f"{value}?"), "constant"


def lose_result(node: ast.AST) -> Faults:
    """`return a` returns None."""
    if isinstance(node, ast.Return) and not _is_nothing(node.value):
        yield ast.Return(ast.Constant(None)), "result lost"


def drop_statement(node: ast.AST) -> Faults:
    """A call for its effect, a `raise`, a `continue` and the like are left out."""
    effects = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom)
    is_effect = isinstance(node, ast.Expr) and isinstance(node.value, effects)
    if is_effect or isinstance(node, ast.Raise | ast.Continue | ast.Break | ast.AugAssign):
        yield ast.Pass(), "statement dropped"


def skip_loop(node: ast.AST) -> Faults:
    """A loop or comprehension over nothing."""
    if isinstance(node, ast.For | ast.comprehension):
        changed = copy.copy(node)
        changed.iter = ast.Tuple([], ast.Load())
        yield changed, "loop over nothing"


def drop_filter(node: ast.AST) -> Faults:
    """A comprehension without one of its conditions."""
    if isinstance(node, ast.comprehension):
        for place in range(len(node.ifs)):
            changed = copy.copy(node)
            changed.ifs = [*node.ifs[:place], *node.ifs[place + 1 :]]
            yield changed, "filter dropped"


def swap_arguments(node: ast.AST) -> Faults:
    """`f(a, b)` becomes `f(b, a)`."""
    if isinstance(node, ast.Call) and not _has_star(node.args):
        for place, (one, other) in enumerate(itertools.pairwise(node.args)):
            if ast.dump(one) != ast.dump(other):
                changed = copy.copy(node)
                changed.args = [*node.args[:place], other, one, *node.args[place + 2 :]]
                yield changed, "arguments swapped"


def drop_keyword(node: ast.AST) -> Faults:
    """`f(a, b=c)` becomes `f(a)`."""
    if isinstance(node, ast.Call):
        for place in range(len(node.keywords)):
            changed = copy.copy(node)
            changed.keywords = [*node.keywords[:place], *node.keywords[place + 1 :]]
            yield changed, "keyword dropped"


def swap_function(node: ast.AST) -> Faults:
    """`all(a)` becomes `any(a)`."""
    if isinstance(node, ast.Call):
        changed = copy.copy(node)
        function = node.func
        if isinstance(function, ast.Name) and function.id in _FUNCTIONS:
            changed.func = ast.Name(_FUNCTIONS[function.id], ast.Load())
            yield changed, "function"
        elif isinstance(function, ast.Attribute) and function.attr in _FUNCTIONS:
            changed.func = ast.Attribute(function.value, _FUNCTIONS[function.attr], ast.Load())
            yield changed, "function"


def drop_bound(node: ast.AST) -> Faults:
    """`a[1:]` becomes `a[:]`."""
    if isinstance(node, ast.Slice):
        for name in ("lower", "upper"):
            if getattr(node, name) is not None:
                changed = copy.copy(node)
                setattr(changed, name, None)
                yield changed, "bound dropped"


def drop_element(node: ast.AST) -> Faults:
    """`{**a, b: c}` becomes `{**a}`; so with lists, sets and tuples of two and more."""
    if isinstance(node, ast.List | ast.Set | ast.Tuple) and isinstance(
        getattr(node, "ctx", ast.Load()), ast.Load
    ):
        for place in range(len(node.elts) if len(node.elts) > 1 else 0):
            changed = copy.copy(node)
            changed.elts = [*node.elts[:place], *node.elts[place + 1 :]]
            yield changed, "element dropped"
    elif isinstance(node, ast.Dict):
        for place in range(len(node.keys)):
            keys = [*node.keys[:place], *node.keys[place + 1 :]]
            yield ast.Dict(keys, [*node.values[:place], *node.values[place + 1 :]]), "entry dropped"


OPERATORS = (
    swap_comparison,
    swap_boolean,
    swap_arithmetic,
    drop_not,
    negate_condition,
    change_constant,
    lose_result,
    drop_statement,
    skip_loop,
    drop_filter,
    swap_arguments,
    drop_keyword,
    swap_function,
    drop_bound,
    drop_element,
)


def _is_nothing(node: ast.expr | None) -> bool:
    return node is None or (isinstance(node, ast.Constant) and node.value is None)


def _has_star(arguments: list[ast.expr]) -> bool:
    return any(isinstance(argument, ast.Starred) for argument in arguments)
