"""Small typed programs of V1 control flow, as frozen values that print as their own source.

Values are float vectors of `WIDTH` elements in about [-1, 1], int32 scalars, bool scalars, and
TensorArrays of vectors or ints. Names are bound once, but for arrays, where a `Put` binds the
array's name anew. Effects run in the order of the text.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterator
from typing import Any, TypeAlias

WIDTH = 3
_LINE_LENGTH = 90

# What each op takes and gives: f for a vector, i for an int, b for a bool.
OPS = {
    "tanh": ("f", "f"),
    "neg": ("f", "f"),
    "mean": ("ff", "f"),
    "mul": ("ff", "f"),
    "fill": ("i", "f"),  # a vector that tells the ints 0, 1 and 2 apart
    "select": ("bff", "f"),
    "plus": ("ii", "i"),
    "minus": ("ii", "i"),
    "mod": ("ii", "i"),
    "less": ("ii", "b"),
    "equal": ("ii", "b"),
    "not": ("b", "b"),
    "and": ("bb", "b"),
    "positive": ("f", "b"),
}


@dataclasses.dataclass(frozen=True)
class Name:
    """A value bound before, or an input: `x`, `n` or `flag`."""

    name: str


@dataclasses.dataclass(frozen=True)
class Floats:
    """A constant vector."""

    values: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class Int:
    """A constant int."""

    value: int


@dataclasses.dataclass(frozen=True)
class Op:
    """An op of `OPS`."""

    op: str
    args: tuple[Expr, ...]


Expr: TypeAlias = Name | Floats | Int | Op


@dataclasses.dataclass(frozen=True)
class Let:
    name: str
    value: Expr


@dataclasses.dataclass(frozen=True)
class Read:
    """A vector variable, through tanh."""

    name: str
    variable: str


@dataclasses.dataclass(frozen=True)
class Dense:
    """`tanh(value @ matrix)`."""

    name: str
    variable: str
    value: Expr


@dataclasses.dataclass(frozen=True)
class Lookup:
    """A row of a matrix variable, through tanh."""

    name: str
    variable: str
    index: Expr


@dataclasses.dataclass(frozen=True)
class Update:
    """`assign`, `assign_add` and `assign_sub` of a vector variable, `scatter_add` of a matrix row.

    `name` is bound to the variable's new value (its row `index` of a matrix), through tanh.
    """

    variable: str
    how: str
    value: Expr
    index: Expr = Int(0)
    name: str | None = None


@dataclasses.dataclass(frozen=True)
class Check:
    """`value`, behind two assertions about an int, which hold: a bare one and one in a cond."""

    name: str
    number: Expr
    value: Expr


@dataclasses.dataclass(frozen=True)
class Block:
    statements: tuple[Statement, ...] = ()
    results: tuple[Expr, ...] = ()


@dataclasses.dataclass(frozen=True)
class If:
    """A cond.

    Attributes:
      names: What its results are bound to.
      fenced: Whether effects inside wait for those before by control dependencies around the
        cond, rather than by an Identity of its predicate.
    """

    names: tuple[str, ...]
    predicate: Expr
    then: Block
    orelse: Block
    fenced: bool = False


@dataclasses.dataclass(frozen=True)
class Carried:
    """A loop variable."""

    name: str
    initial: Expr


@dataclasses.dataclass(frozen=True)
class Growing:
    """A loop variable `[?, WIDTH]` to which each pass adds a row; its name stands for the mean."""

    name: str
    initial: Expr
    value: Expr


@dataclasses.dataclass(frozen=True)
class While:
    """`for counter in range(limit)`, which ends early when `condition` does not hold.

    Attributes:
      counter: The name of the counter.
      limit: How many passes at most.
      carried: The loop variables; the results of `body` are their next values.
      body: The body.
      condition: A bool of the loop variables, or None.
      growing: Loop variables that change their shapes.
      maximum_iterations: The argument of `while_loop`.
      back_prop: The argument of `while_loop`.
      parallel_iterations: The argument of `while_loop`.
    """

    counter: str
    limit: Expr
    carried: tuple[Carried, ...]
    body: Block
    condition: Expr | None = None
    growing: tuple[Growing, ...] = ()
    maximum_iterations: int | None = None
    back_prop: bool = True
    parallel_iterations: int = 10


@dataclasses.dataclass(frozen=True)
class NewArray:
    """An empty TensorArray of vectors (`f`) or ints (`i`); `shaped` tells it the shape."""

    name: str
    kind: str
    size: Expr
    dynamic: bool = False
    shaped: bool = True


@dataclasses.dataclass(frozen=True)
class Unstack:
    """A TensorArray filled by `unstack`, `scatter` (backwards) or `split`."""

    name: str
    rows: tuple[Expr, ...]
    how: str = "unstack"
    kind: str = "f"


@dataclasses.dataclass(frozen=True)
class Put:
    array: str
    index: Expr
    value: Expr


@dataclasses.dataclass(frozen=True)
class Get:
    name: str
    array: str
    index: Expr


@dataclasses.dataclass(frozen=True)
class Collect:
    """The `stack`ed, `gather`ed (backwards) or `concat`enated elements summed, or the `size`."""

    name: str
    array: str
    how: str = "stack"


Statement: TypeAlias = (
    Let | Read | Dense | Lookup | Update | Check | If | While
    | NewArray | Unstack | Put | Get | Collect
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Variable:
    """A variable with values made of its name: `[WIDTH]`, or `[WIDTH, WIDTH]` for a matrix."""

    name: str
    matrix: bool = False
    resource: bool = True
    trainable: bool = True


@dataclasses.dataclass(frozen=True)
class Inputs:
    """The inputs of one call."""

    x: tuple[float, ...] = (0.5, -0.25, 0.75)
    n: int = 1
    flag: bool = True


@dataclasses.dataclass(frozen=True)
class Program:
    """A program.

    Attributes:
      body: What runs; its results are the outputs.
      variables: All variables.
      calls: The inputs of each call.
      ordered: The outputs that wait for all effects; the last always does.
    """

    body: Block
    variables: tuple[Variable, ...] = ()
    calls: tuple[Inputs, ...] = (Inputs(),)
    ordered: tuple[int, ...] = ()

    def __str__(self) -> str:
        return _format(self)


def _format(value: Any, indent: int = 0) -> str:
    """The source of a value, without fields that have their defaults."""
    if isinstance(value, tuple):
        head, parts, tail = "(", [_format(item, indent + 4) for item in value], ")"
        line = f"({', '.join(parts)}{',' * (len(parts) == 1)})"
    elif dataclasses.is_dataclass(value):
        head, tail = f"{type(value).__name__}(", ")"
        given = [f for f in dataclasses.fields(value) if getattr(value, f.name) != f.default]
        whole = len(given) == len(dataclasses.fields(value)) <= 2  # Name("x") and the like
        parts = [
            ("" if whole else f"{f.name}=") + _format(getattr(value, f.name), indent + 4)
            for f in given
        ]
        line = f"{head}{', '.join(parts)}{tail}"
    else:
        return repr(value).replace("'", '"')
    if "\n" not in line and len(line) + indent < _LINE_LENGTH:
        return line
    inner = " " * (indent + 4)
    return "\n".join([head, *(f"{inner}{part}," for part in parts), " " * indent + tail])


def parse(text: str) -> Program:
    """Reads what a program prints. The text is run as Python: read your own files only."""
    program = eval(text, dict(globals()))
    if not isinstance(program, Program):
        raise TypeError(f"expected a Program, found {type(program).__name__}")
    return program


# Questions about programs.


def blocks(statement: Statement) -> tuple[Block, ...]:
    """The blocks inside of a statement."""
    if isinstance(statement, If):
        return (statement.then, statement.orelse)
    return (statement.body,) if isinstance(statement, While) else ()


def walk(block: Block) -> Iterator[Statement]:
    """All statements of a block, with those inside of them."""
    for statement in block.statements:
        yield statement
        for inner in blocks(statement):
            yield from walk(inner)


def written(block: Block) -> frozenset[str]:
    """The variables that a block updates."""
    return frozenset(s.variable for s in walk(block) if isinstance(s, Update))


def put_arrays(block: Block) -> list[str]:
    """The arrays from outside of a block that it writes to, in order."""
    own = {s.name for s in walk(block) if isinstance(s, NewArray | Unstack)}
    puts = [s.array for s in walk(block) if isinstance(s, Put)]
    return [name for name in dict.fromkeys(puts) if name not in own]


def has_effects(block: Block, changing: frozenset[str]) -> bool:
    """Whether a block updates a variable, or reads one of those that are `changing`."""
    return any(
        isinstance(s, Update | Read | Dense | Lookup) and s.variable in changing
        for s in walk(block)
    )


def depth(block: Block) -> int:
    """How deep loops and conds are nested."""
    inner = [depth(b) for s in block.statements for b in blocks(s)]
    return 1 + max(inner) if inner else 0


def features(program: Program) -> collections.Counter[str]:
    """The parts of a program, for statistics."""
    found = collections.Counter({"programs": 1, f"depth {depth(program.body)}": 1})
    kinds = {variable.name: variable for variable in program.variables}
    for statement in walk(program.body):
        found[f"{type(statement).__name__}"] += 1
        if isinstance(statement, While):
            found.update(_loop_features(statement))
        if isinstance(statement, If):
            found["cond with effects"] += bool(written(statement.then) | written(statement.orelse))
            found["cond that writes an array"] += bool(
                put_arrays(statement.then) + put_arrays(statement.orelse)
            )
        if isinstance(statement, Update):
            found["ref update"] += not kinds[statement.variable].resource
    return found


def _loop_features(loop: While) -> Iterator[str]:
    told = {
        "zero-trip loop": loop.limit == Int(0),
        "loop with condition": loop.condition is not None,
        "growing loop": bool(loop.growing),
        "maximum_iterations": loop.maximum_iterations is not None,
        "back_prop=False": not loop.back_prop,
        "loop with effects": bool(written(loop.body)),
        "loop that writes an array": bool(put_arrays(loop.body)),
    }
    yield from (name for name, holds in told.items() if holds)
