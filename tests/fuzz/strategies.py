"""Random programs, by hypothesis.

Every program can run: indices are in range, an array's element is written once and before it is
read, loops end. Simple choices come first, as hypothesis shrinks towards them.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from hypothesis import strategies as st

from fuzz import program as ast
from fuzz.program import Block, Expr, Inputs, Int, Name, Op, Program, Statement, Variable

MAX_DEPTH = 3

VARIABLES = tuple(
    Variable(f"{'m' if matrix else 'v'}_{kind}_{part}", matrix, kind == "resource", part == "train")
    for part in ("train", "state")
    for kind in ("resource", "ref")
    for matrix in (False, True)
)
_MATRICES = tuple(v.name for v in VARIABLES if v.matrix)
_VECTORS = tuple(v.name for v in VARIABLES if not v.matrix)
_STATE = frozenset(v.name for v in VARIABLES if not v.trainable)
_BY_RESULT = {
    kind: [op for op, (_, result) in ast.OPS.items() if result == kind and op != "mod"]
    for kind in "fib"
}
_FLOATS = st.sampled_from([0.5, -0.5, 0.25, 1.0, -1.0, 0.0, 0.125])


@dataclasses.dataclass(frozen=True)
class _Scope:
    """The names that a block may use, by kind, and arrays that may be read, with their sizes."""

    names: tuple[tuple[str, str], ...] = (("x", "f"), ("n", "i"), ("flag", "b"))
    arrays: tuple[tuple[str, str, int], ...] = ()
    depth: int = 0

    def add(self, name: str, kind: str) -> _Scope:
        return dataclasses.replace(self, names=(*self.names, (name, kind)))

    def add_array(self, name: str, kind: str, size: int) -> _Scope:
        return dataclasses.replace(self, arrays=(*self.arrays, (name, kind, size)))

    def deeper(self) -> _Scope:
        return dataclasses.replace(self, depth=self.depth + 1)

    def of(self, kind: str) -> list[str]:
        return [name for name, its in self.names if its == kind]


_Steps: TypeAlias = Iterator[tuple[Statement, _Scope]]


@dataclasses.dataclass(frozen=True)
class _Array:
    """An array that a loop writes.

    Attributes:
      name: Its name.
      kind: Of its elements.
      limit: How many passes the loop makes at most.
      partial: Whether the loop may leave elements out, which are zeros then.
      twice: Whether each pass writes two elements, by a loop of its own.
      base: The index of the first element that this loop writes.
    """

    name: str
    kind: str
    limit: Expr
    partial: bool = False
    twice: bool = False
    base: Expr | None = None

    @property
    def filled(self) -> int:
        """How many elements are known to be written."""
        return self.limit.value if isinstance(self.limit, Int) and not self.partial else 0

    def index(self, counter: str, *, backwards: bool) -> Expr:
        """The index to write in the pass that `counter` counts."""
        if self.base is not None:
            return Op("plus", (self.base, Name(counter)))
        if not backwards:
            return Name(counter)
        return Op("minus", (Op("minus", (self.limit, Int(1))), Name(counter)))


@st.composite
def programs(draw: Any) -> Program:
    """A program with two calls."""
    return _Drawer(draw).program()


def _mix(names: list[str]) -> Expr:
    """A vector that depends on all of them."""
    mixed: Expr = Name(names[0])
    for name in names[1:]:
        mixed = Op("mean", (mixed, Name(name)))
    return mixed


class _Drawer:
    """Draws one program."""

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self._draw = draw
        self._numbers = itertools.count()

    def program(self) -> Program:
        # What all else may depend on, so that most programs have gradients.
        weights = ast.Read("w", self._choose([v for v in _VECTORS if v not in _STATE]))
        before, scope = self._statements(_Scope().add("w", "f"))
        nested = list(self._choose([self._if, self._while, self._map])(scope))
        after, scope = self._statements(nested[-1][1])
        results = [self._name(scope, self._choose("fib")) for _ in range(self._count(0, 2))]
        body = Block(
            (weights, *before, *(s for s, _ in nested), *after), (_mix(scope.of("f")), *results)
        )
        used = {s.variable for s in ast.walk(body) if hasattr(s, "variable")}
        calls = tuple(self._inputs() for _ in range(2))
        ordered = tuple(i for i in range(len(results)) if self._flip())
        variables = tuple(v for v in VARIABLES if v.name in used)
        return Program(body, variables, calls, ordered)

    # Choices.

    def _choose(self, options: Any) -> Any:
        return self._draw(st.sampled_from(options))

    def _flip(self) -> bool:
        return self._draw(st.booleans())

    def _count(self, least: int, most: int) -> int:
        return self._draw(st.integers(least, most))

    def _fresh(self, prefix: str) -> str:
        return f"{prefix}{next(self._numbers)}"

    def _inputs(self) -> Inputs:
        x = tuple(self._draw(st.tuples(_FLOATS, _FLOATS, _FLOATS)))
        return Inputs(x, self._count(0, 3), self._flip())

    # Expressions.

    def _name(self, scope: _Scope, kind: str) -> Name:
        # The newest first: it depends on most.
        return Name(self._choose(scope.of(kind)[::-1]))

    def _expr(self, scope: _Scope, kind: str, depth: int = 2) -> Expr:
        if depth == 0 or not self._flip():
            return self._leaf(scope, kind)
        op = self._choose(_BY_RESULT[kind])
        args = tuple(self._expr(scope, arg, depth - 1) for arg in ast.OPS[op][0])
        return Op(op, args)

    def _leaf(self, scope: _Scope, kind: str) -> Expr:
        if kind == "b" or self._count(0, 4) < 4:
            return self._name(scope, kind)
        if kind == "i":
            return Int(self._count(0, 3))
        return ast.Floats(tuple(self._draw(st.tuples(_FLOATS, _FLOATS, _FLOATS))))

    def _bounded(self, scope: _Scope, bound: int) -> Expr:
        """An int in `range(bound)`."""
        if self._flip():
            return Op("mod", (self._expr(scope, "i", 1), Int(bound)))
        return Int(self._count(0, bound - 1))

    # Statements.

    def _statements(self, scope: _Scope) -> tuple[tuple[Statement, ...], _Scope]:
        """Statements for a block, fewer the deeper it is.

        A choice before each of them lets hypothesis drop any of them.
        """
        most, stops = ((4, 6), (3, 3), (2, 3), (1, 2), (0, 1))[scope.depth]
        found: list[Statement] = []
        for _ in range(most):
            if self._count(0, stops - 1) == 0:
                break
            steps = list(self._statement(scope))
            found += [statement for statement, _ in steps]
            scope = steps[-1][1]
        return tuple(found), scope

    def _statement(self, scope: _Scope) -> _Steps:
        """One statement, or some that belong together, each with the scope behind it."""
        simple = [self._let, self._read, self._dense, self._lookup, self._update, self._check]
        nested = [self._if, self._while, self._if, self._while, self._map]
        arrays = [self._unstack, *([self._get] if scope.arrays else [])]
        draw = self._choose([*simple, *arrays, *(nested if scope.depth < MAX_DEPTH else [])])
        return draw(scope)

    def _let(self, scope: _Scope) -> _Steps:
        kind = self._choose("fib")
        name = self._fresh(kind)
        op = self._choose(_BY_RESULT[kind])
        args = tuple(self._expr(scope, arg, 1) for arg in ast.OPS[op][0])
        yield ast.Let(name, Op(op, args)), scope.add(name, kind)

    def _read(self, scope: _Scope) -> _Steps:
        name = self._fresh("f")
        yield ast.Read(name, self._choose(_VECTORS)), scope.add(name, "f")

    def _dense(self, scope: _Scope) -> _Steps:
        name = self._fresh("f")
        value = self._expr(scope, "f")
        yield ast.Dense(name, self._choose(_MATRICES), value), scope.add(name, "f")

    def _lookup(self, scope: _Scope) -> _Steps:
        name = self._fresh("f")
        index = self._expr(scope, "i")
        yield ast.Lookup(name, self._choose(_MATRICES), index), scope.add(name, "f")

    def _update(self, scope: _Scope) -> _Steps:
        # A trainable variable that changes inside of a loop has no exact gradient in TF2.
        choices = [v for v in (*_VECTORS, *_MATRICES) if v in _STATE or scope.depth == 0]
        # Few variables, so that reads and updates of one meet.
        variable = self._choose(sorted(choices, key=lambda name: name not in _STATE))
        name = self._fresh("f") if self._flip() else None
        value = self._expr(scope, "f")
        if variable in _MATRICES:
            update = ast.Update(
                variable, "scatter_add", value, self._expr(scope, "i", 1), name=name
            )
        else:
            how = self._choose(["assign", "assign_add", "assign_sub"])
            update = ast.Update(variable, how, value, name=name)
        yield update, scope.add(name, "f") if name else scope

    def _check(self, scope: _Scope) -> _Steps:
        name = self._fresh("f")
        number, value = self._expr(scope, "i", 1), self._expr(scope, "f", 1)
        yield ast.Check(name, number, value), scope.add(name, "f")

    # Conds.

    def _predicate(self, scope: _Scope) -> Expr:
        if self._count(0, 2) < 2:
            return self._name(scope, "b")
        return self._expr(scope, "b")

    def _if(self, scope: _Scope) -> _Steps:
        predicate = self._predicate(scope)
        kinds = [self._choose("ffib") for _ in range(self._count(0, 2))]
        branches = [self._branch(scope.deeper(), kinds) for _ in range(2)]
        names = tuple(self._fresh(kind) for kind in kinds)
        statement = ast.If(names, predicate, *branches, fenced=self._flip())
        for name, kind in zip(names, kinds, strict=True):
            scope = scope.add(name, kind)
        yield statement, scope

    def _branch(self, scope: _Scope, kinds: list[str]) -> Block:
        statements, inner = self._statements(scope)
        return Block(statements, tuple(self._expr(inner, kind, 1) for kind in kinds))

    # Loops.

    def _limit(self, scope: _Scope) -> Expr:
        return Int(self._count(0, 3)) if self._flip() else self._bounded(scope, 4)

    def _while(self, scope: _Scope) -> _Steps:
        loop, kinds = self._loop(scope, self._limit(scope), lambda *_: iter(()))
        yield loop, self._behind(scope, loop, kinds)

    def _behind(self, scope: _Scope, loop: ast.While, kinds: list[str]) -> _Scope:
        scope = scope.add(loop.counter, "i")
        for carried, kind in zip(loop.carried, kinds, strict=True):
            scope = scope.add(carried.name, kind)
        for growing in loop.growing:
            scope = scope.add(growing.name, "f")
        return scope

    def _loop(
        self,
        scope: _Scope,
        limit: Expr,
        write: Callable[[_Scope, str], _Steps],
        *,
        partial: bool = True,
    ) -> tuple[ast.While, list[str]]:
        """A loop and the kinds of its variables.

        Args:
          scope: What it may use.
          limit: How many passes it makes at most.
          write: Draws the statements that end its body.
          partial: Whether it may make fewer.
        """
        counter = self._fresh("i")
        kinds = [self._choose("ffib") for _ in range(self._count(0, 3))]
        carried = tuple(
            ast.Carried(self._fresh(kind), self._expr(scope, kind, 1)) for kind in kinds
        )
        initial = self._expr(scope, "f", 1)
        grows = [self._fresh("f")] if self._count(0, 4) == 4 else []
        inner = scope.deeper().add(counter, "i")
        for variable, kind in zip(carried, kinds, strict=True):
            inner = inner.add(variable.name, kind)
        for name in grows:
            inner = inner.add(name, "f")
        condition = self._expr(inner, "b") if partial and self._count(0, 4) == 4 else None
        statements, inside = self._statements(inner)
        for statement, after in write(inside, counter):
            statements, inside = (*statements, statement), after
        results = tuple(self._expr(inside, kind, 2) for kind in kinds)
        growing = tuple(ast.Growing(name, initial, self._expr(inside, "f", 1)) for name in grows)
        limits = [None, None, None, 4, *([2] if partial else [])]
        return ast.While(
            counter,
            limit,
            carried,
            Block(statements, results),
            condition,
            growing,
            maximum_iterations=self._choose(limits),
            back_prop=self._count(0, 9) < 9,
            parallel_iterations=self._choose([10, 1]),
        ), kinds

    # Arrays.

    def _map(self, scope: _Scope) -> _Steps:
        """An array, the loop that writes it, and what is made of it."""
        limit, shaped = self._limit(scope), not self._flip()
        plan = _Array(
            self._fresh("a"),
            self._choose("ffi"),
            limit,
            partial=shaped and self._flip(),
            twice=scope.depth < MAX_DEPTH - 1 and self._count(0, 4) == 4,
        )
        dynamic = self._flip()
        size = Op("plus", (limit, limit)) if plan.twice else limit
        yield (
            ast.NewArray(plan.name, plan.kind, Int(0) if dynamic else size, dynamic, shaped),
            scope,
        )
        loop, kinds = self._loop(
            scope,
            limit,
            lambda inside, counter: self._write(inside, counter, plan),
            partial=plan.partial,
        )
        scope = self._behind(scope, loop, kinds)
        yield loop, scope
        hows = ["stack", "gather", "size"]
        if plan.filled and plan.kind == "f":
            hows.append("concat")
        how = self._choose(hows)
        kind = "i" if how == "size" else plan.kind
        name = self._fresh(kind)
        if plan.filled:
            scope = scope.add_array(plan.name, plan.kind, plan.filled)
        yield ast.Collect(name, plan.name, how), scope.add(name, kind)

    def _write(self, scope: _Scope, counter: str, plan: _Array) -> _Steps:
        """Statements that write the element of one pass, or of two."""
        if plan.twice:
            index = Op("plus", (Name(counter), Name(counter)))
            once = dataclasses.replace(plan, twice=False, base=index)
            loop, kinds = self._loop(
                scope, Int(2), lambda inner, j: self._write(inner, j, once), partial=False
            )
            yield loop, self._behind(scope, loop, kinds)
            return
        index = plan.index(counter, backwards=self._flip())
        put = ast.Put(plan.name, index, self._expr(scope, plan.kind))
        how = self._choose(["always", "in both", *(["in one"] if plan.partial else [])])
        if how == "always":
            yield put, scope
        else:
            other = ast.Put(plan.name, index, self._expr(scope, plan.kind))
            branches = [Block((put,)), Block((other,) if how == "in both" else ())]
            if self._flip():
                branches.reverse()
            yield ast.If((), self._predicate(scope), *branches, fenced=self._flip()), scope
        if how != "in one" and self._flip():
            name = self._fresh(plan.kind)
            yield ast.Get(name, plan.name, index), scope.add(name, plan.kind)

    def _unstack(self, scope: _Scope) -> _Steps:
        name, kind, size = self._fresh("a"), self._choose("ffi"), self._count(1, 3)
        rows = tuple(self._expr(scope, kind, 1) for _ in range(size))
        how = self._choose(["unstack", "scatter", *(["split"] if kind == "f" else [])])
        yield ast.Unstack(name, rows, how, kind), scope.add_array(name, kind, size)

    def _get(self, scope: _Scope) -> _Steps:
        array, kind, size = self._choose(scope.arrays[::-1])
        name = self._fresh(kind)
        yield ast.Get(name, array, self._bounded(scope, size)), scope.add(name, kind)
