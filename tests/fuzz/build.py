"""Programs to V1 graphs.

Effects, and reads of variables that the program changes, are ordered by control dependencies
alone. What is read of such a variable goes through tanh at once, as an Identity of a ref
variable is its memory and no copy; the next effect waits for the tanh.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1

from fuzz import program as ast
from fuzz.program import WIDTH


@dataclasses.dataclass(frozen=True)
class Signature:
    """The placeholders and the outputs, by name."""

    inputs: dict[str, tf.Tensor]
    outputs: dict[str, tf.Tensor]


def build(program: ast.Program) -> Signature:
    """Adds a program to the default graph, which must be one for V1 control flow."""
    inputs = {
        "x": tf1.placeholder(tf.float32, [WIDTH], "x"),
        "n": tf1.placeholder(tf.int32, [], "n"),
        "flag": tf1.placeholder(tf.bool, [], "flag"),
    }
    builder = _Builder(program)
    scope = _Scope(dict(inputs))
    results = builder.run(program.body, scope)
    outputs = {}
    for index, result in enumerate(results):
        is_ordered = index in program.ordered or index == len(results) - 1
        name = "default" if index == 0 else f"out{index}"
        with tf.control_dependencies(scope.chain if is_ordered else []):
            outputs[name] = tf.identity(result, name)
    return Signature(inputs, outputs)


def initial_value(variable: ast.Variable) -> np.ndarray:
    """Values that are the same in every run."""
    random = np.random.default_rng(zlib.crc32(variable.name.encode()))
    shape = (WIDTH, WIDTH) if variable.matrix else (WIDTH,)
    return random.uniform(-0.9, 0.9, shape).astype(np.float32)


@dataclasses.dataclass
class _Scope:
    """The values of names here, and what the next effect has to wait for."""

    values: dict[str, Any]
    chain: list[Any] = dataclasses.field(default_factory=list)

    def inner(self, chain: Sequence[Any] = ()) -> _Scope:
        return _Scope(dict(self.values), list(chain))


class _Builder:
    def __init__(self, program: ast.Program) -> None:
        self._changing = ast.written(program.body)
        self._variables = {v.name: _make_variable(v) for v in program.variables}
        self._steps: dict[type, Callable[[Any, _Scope], None]] = {
            ast.Let: self._let,
            ast.Read: self._read,
            ast.Dense: self._dense,
            ast.Lookup: self._lookup,
            ast.Update: self._update,
            ast.Check: self._check,
            ast.If: self._if,
            ast.While: self._while,
            ast.NewArray: self._new_array,
            ast.Unstack: self._unstack,
            ast.Put: self._put,
            ast.Get: self._get,
            ast.Collect: self._collect,
        }

    def run(self, block: ast.Block, scope: _Scope) -> list[tf.Tensor]:
        """Adds a block to the graph; `scope` is then what holds at its end."""
        for statement in block.statements:
            self._steps[type(statement)](statement, scope)
        return [evaluate(result, scope.values) for result in block.results]

    # Values and variables.

    def _let(self, let: ast.Let, scope: _Scope) -> None:
        scope.values[let.name] = evaluate(let.value, scope.values)

    def _read(self, read: ast.Read, scope: _Scope) -> None:
        variable = self._variables[read.variable]
        self._observe(read, scope, lambda: tf.tanh(variable.read_value()))

    def _dense(self, dense: ast.Dense, scope: _Scope) -> None:
        value = evaluate(dense.value, scope.values)[tf.newaxis]
        variable = self._variables[dense.variable]

        def compute() -> tf.Tensor:
            # A copy at once, as the gradient of MatMul needs the matrix.
            changes = dense.variable in self._changing
            matrix = tf.tanh(variable.read_value()) if changes else variable
            return tf.reshape(tf.tanh(tf.matmul(value, matrix)), [WIDTH])

        self._observe(dense, scope, compute)

    def _lookup(self, lookup: ast.Lookup, scope: _Scope) -> None:
        row = _row(evaluate(lookup.index, scope.values))
        variable = self._variables[lookup.variable]

        def compute() -> tf.Tensor:
            # A ref variable is converted by its one Identity, which no control edge orders.
            is_ref = variable.dtype._is_ref_dtype
            changes = lookup.variable in self._changing
            table = variable.read_value() if is_ref and changes else variable
            return tf.tanh(tf1.nn.embedding_lookup(table, row))

        self._observe(lookup, scope, compute)

    def _observe(
        self,
        statement: ast.Read | ast.Dense | ast.Lookup,
        scope: _Scope,
        compute: Callable[[], tf.Tensor],
    ) -> None:
        if statement.variable not in self._changing:
            scope.values[statement.name] = compute()
            return
        with tf.control_dependencies(scope.chain):
            scope.values[statement.name] = compute()
        scope.chain = [scope.values[statement.name].op]

    def _update(self, update: ast.Update, scope: _Scope) -> None:
        variable = self._variables[update.variable]
        value = evaluate(update.value, scope.values)
        row = _row(evaluate(update.index, scope.values))
        with tf.control_dependencies(scope.chain):
            if update.how == "scatter_add":
                updated = tf1.scatter_add(variable, [row], value[tf.newaxis])
            else:
                updated = getattr(tf1, update.how)(variable, value)
            scope.chain = [updated.op]
            if update.name is not None:
                new = tf.tanh(updated)
                scope.chain = [new.op]
                scope.values[update.name] = new[row] if update.how == "scatter_add" else new

    def _check(self, check: ast.Check, scope: _Scope) -> None:
        value = evaluate(check.value, scope.values)
        number = tf.math.floormod(evaluate(check.number, scope.values), 5)
        # V1 puts an Assert into a cond where it is to print floats.
        plain = tf1.assert_non_negative(number)
        guarded = tf1.debugging.Assert(number < 5, [value])
        with tf.control_dependencies([plain, guarded]):
            scope.values[check.name] = tf.identity(value)

    # Conds.

    def _if(self, statement: ast.If, scope: _Scope) -> None:
        then, orelse = statement.then, statement.orelse
        predicate = evaluate(statement.predicate, scope.values)
        acts = any(ast.has_effects(block, self._changing) for block in (then, orelse))
        arrays = list(dict.fromkeys(ast.put_arrays(then) + ast.put_arrays(orelse)))
        waits = scope.chain if acts else []
        if not statement.fenced and waits:
            with tf.control_dependencies(waits):
                predicate = tf.identity(predicate)
        with tf.control_dependencies(waits if statement.fenced else []):
            found = tf1.cond(
                predicate,
                lambda: self._branch(then, scope, arrays, acts=acts),
                lambda: self._branch(orelse, scope, arrays, acts=acts),
                strict=True,
            )
        if not isinstance(found, list):
            scope.chain = [found] if acts else scope.chain
            return
        names = [*statement.names, *arrays]
        scope.values.update(zip(names, found, strict=False))
        if acts:
            scope.chain = [found[len(names)] if len(found) > len(names) else found[0]]

    def _branch(self, block: ast.Block, scope: _Scope, arrays: list[str], *, acts: bool) -> Any:
        """The results and arrays; an op if there are none. All but arrays wait for the effects."""
        inner = scope.inner()
        results = self.run(block, inner)
        if not results and not arrays:
            return tf.group(*inner.chain)
        marker = []
        if acts:
            with tf.control_dependencies(inner.chain):
                results = [tf.identity(result) for result in results]
                marker = [] if results else [tf.constant(0)]
        return [*results, *(inner.values[name] for name in arrays), *marker]

    # Loops.

    def _while(self, loop: ast.While, scope: _Scope) -> None:
        acts = ast.has_effects(loop.body, self._changing)
        arrays = ast.put_arrays(loop.body)
        carried = [carried.name for carried in loop.carried]
        growing = [growing.name for growing in loop.growing]
        names = [loop.counter, *carried, *growing, *arrays]
        limit = evaluate(loop.limit, scope.values)

        def enter(values: Sequence[Any], chain: Sequence[Any] = ()) -> _Scope:
            inner = scope.inner(chain)
            inner.values.update(zip(names, values, strict=True))
            for name in growing:
                inner.values[name] = tf.reduce_mean(inner.values[name], 0)
            return inner

        def goes_on(*values: Any) -> tf.Tensor:
            in_range = tf.less(values[0], limit)
            if loop.condition is None:
                return in_range
            return tf.logical_and(in_range, evaluate(loop.condition, enter(values).values))

        def body(*values: Any) -> list[Any]:
            inner = enter(values, [values[0].op] if acts else ())
            results = self.run(loop.body, inner)
            with tf.control_dependencies(inner.chain if acts else []):
                counter = tf.add(values[0], 1)
            rows = [evaluate(g.value, inner.values)[tf.newaxis] for g in loop.growing]
            grown = values[1 + len(carried) :]
            longer = [tf.concat([old, row], 0) for old, row in zip(grown, rows, strict=False)]
            found = [counter, *results, *longer, *(inner.values[name] for name in arrays)]
            # With maximum_iterations, `while_loop` takes a list of one for another structure.
            return found if len(found) > 1 else counter

        with tf.control_dependencies(scope.chain if acts else []):
            start = tf.identity(tf.constant(0))
        initial = [evaluate(c.initial, scope.values) for c in loop.carried]
        rows = [evaluate(g.initial, scope.values)[tf.newaxis] for g in loop.growing]
        handed = [scope.values[name] for name in arrays]
        shapes = [
            *(value.shape for value in (start, *initial)),
            *(tf.TensorShape([None, WIDTH]) for _ in growing),
            *(tf.TensorShape([]) for _ in arrays),
        ]
        found = tf1.while_loop(
            goes_on,
            body,
            [start, *initial, *rows, *handed],
            shape_invariants=shapes if growing else None,
            maximum_iterations=loop.maximum_iterations,
            back_prop=loop.back_prop,
            parallel_iterations=loop.parallel_iterations,
        )
        found = found if isinstance(found, list | tuple) else [found]
        scope.values = enter(found).values
        if acts:
            scope.chain = [found[0].op]

    # Arrays.

    def _new_array(self, new: ast.NewArray, scope: _Scope) -> None:
        shape = [WIDTH] if new.kind == "f" else []
        scope.values[new.name] = tf.TensorArray(
            tf.float32 if new.kind == "f" else tf.int32,
            size=evaluate(new.size, scope.values),
            dynamic_size=new.dynamic,
            clear_after_read=False,
            element_shape=shape if new.shaped else None,
        )

    def _unstack(self, unstack: ast.Unstack, scope: _Scope) -> None:
        rows = tf.stack([evaluate(row, scope.values) for row in unstack.rows])
        count = len(unstack.rows)
        empty = tf.TensorArray(rows.dtype, size=count, clear_after_read=False)
        if unstack.how == "scatter":
            filled = empty.scatter(list(range(count))[::-1], rows)
        elif unstack.how == "split":
            filled = empty.split(tf.reshape(rows, [-1]), [WIDTH] * count)
        else:
            filled = empty.unstack(rows)
        scope.values[unstack.name] = filled
        filled.mark_used()  # TensorFlow warns of an array that nothing reads.

    def _put(self, put: ast.Put, scope: _Scope) -> None:
        array = scope.values[put.array]
        index, value = (evaluate(part, scope.values) for part in (put.index, put.value))
        if value.dtype != array.dtype:  # V1 would find out when it runs.
            raise TypeError(f"{put} puts {value.dtype.name} into an array of {array.dtype.name}")
        scope.values[put.array] = array.write(index, value)
        scope.values[put.array].mark_used()

    def _get(self, get: ast.Get, scope: _Scope) -> None:
        array = scope.values[get.array]
        scope.values[get.name] = array.read(evaluate(get.index, scope.values))

    def _collect(self, collect: ast.Collect, scope: _Scope) -> None:
        array = scope.values[collect.array]
        if collect.how == "size":
            scope.values[collect.name] = array.size()
        elif collect.how == "concat":
            rows = tf.reshape(array.concat(), [-1, WIDTH])
            scope.values[collect.name] = tf.tanh(_weigh(rows))
        else:
            backwards = array.size() - 1 - tf.range(array.size())
            rows = array.gather(backwards) if collect.how == "gather" else array.stack()
            total = _weigh(rows)
            scope.values[collect.name] = tf.tanh(total) if total.dtype.is_floating else total


def _make_variable(variable: ast.Variable) -> Any:
    return tf1.get_variable(
        variable.name,
        initializer=initial_value(variable),
        trainable=variable.trainable,
        use_resource=variable.resource,
    )


def _weigh(rows: tf.Tensor) -> tf.Tensor:
    """A sum in which every row counts differently."""
    weights = tf.cast(tf.range(1, 1 + tf.shape(rows)[0]), rows.dtype)
    if rows.dtype.is_floating:
        weights = weights[:, tf.newaxis] * 0.5
    return tf.reduce_sum(rows * weights, 0)


def _row(index: tf.Tensor) -> tf.Tensor:
    return tf.math.floormod(index, WIDTH)


_COMPUTE: dict[str, Callable[..., tf.Tensor]] = {
    "tanh": tf.tanh,
    "neg": tf.negative,
    "mean": lambda a, b: (a + b) * 0.5,
    "mul": tf.multiply,
    "fill": lambda i: tf.fill([WIDTH], tf.cast(_row(i), tf.float32) * 0.3),
    "select": lambda b, x, y: tf1.where(tf.fill([WIDTH], b), x, y),
    "plus": tf.add,
    "minus": tf.subtract,
    "mod": tf.math.floormod,
    "less": tf.less,
    "equal": tf.equal,
    "not": tf.logical_not,
    "and": tf.logical_and,
    "positive": lambda x: tf.reduce_sum(x) > 0.03125,
}


def evaluate(expr: ast.Expr, values: dict[str, Any]) -> Any:
    """Adds an expression to the graph."""
    if isinstance(expr, ast.Name):
        return values[expr.name]
    if isinstance(expr, ast.Floats):
        return tf.constant(expr.values, tf.float32)
    if isinstance(expr, ast.Int):
        return tf.constant(expr.value, tf.int32)
    return _COMPUTE[expr.op](*(evaluate(arg, values) for arg in expr.args))
