"""Smaller versions of programs.

Hypothesis shrinks the choices that a program was drawn by; this takes parts out of the program
itself, which gets further in less time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from fuzz.program import Block, Floats, Int, Name, Op, Program, While

_SIMPLEST = (Name("x"), Name("flag"), Int(0))  # Only one of them is of the right kind.


def shrink(program: Program, fails: Callable[[Program], bool]) -> Program:
    """Takes parts out of a program as long as it `fails`, which must not raise."""
    while True:
        smaller = next((one for one in simpler(program) if fails(one)), None)
        if smaller is None:
            return program
        program = smaller


def simpler(program: Program) -> Iterator[Program]:
    """Programs with one part less, larger parts first; not all of them can be built."""
    yield from (dataclasses.replace(program, calls=(call,)) for call in program.calls[:-1])
    if len(program.calls) > 1:
        yield dataclasses.replace(program, calls=program.calls[-1:])
    for body in _simpler(program.body):
        if body.results:
            yield dataclasses.replace(program, body=body)
    for field in ("variables", "ordered"):
        for shorter in _shorter(getattr(program, field)):
            yield dataclasses.replace(program, **{field: shorter})


def _simpler(value: Any) -> Iterator[Any]:
    """A part of a program with one part less."""
    if isinstance(value, Op | Name | Floats | Int) and value not in _SIMPLEST:
        yield from _SIMPLEST
    if isinstance(value, Op):
        yield from value.args
    if isinstance(value, Block):
        yield from _simpler_block(value)
    if isinstance(value, While):
        yield from _simpler_loop(value)
    if dataclasses.is_dataclass(value):
        yield from _simpler_fields(value)


def _simpler_block(block: Block) -> Iterator[Block]:
    for statements in _shorter(block.statements):
        yield dataclasses.replace(block, statements=statements)
    if len(block.results) > 1:
        for results in _shorter(block.results):
            yield dataclasses.replace(block, results=results)


def _simpler_loop(loop: While) -> Iterator[While]:
    for index in range(len(loop.carried)):
        results = _without(loop.body.results, index)
        body = dataclasses.replace(loop.body, results=results)
        yield dataclasses.replace(loop, carried=_without(loop.carried, index), body=body)
    plain = While(loop.counter, loop.limit, loop.carried, loop.body)
    for field in ("condition", "growing", "maximum_iterations", "back_prop", "parallel_iterations"):
        if getattr(loop, field) != getattr(plain, field):
            yield dataclasses.replace(loop, **{field: getattr(plain, field)})


def _simpler_fields(value: Any) -> Iterator[Any]:
    for field in dataclasses.fields(value):
        found = getattr(value, field.name)
        if isinstance(found, tuple):
            for index, item in enumerate(found):
                for smaller in _simpler(item):
                    changed = (*found[:index], smaller, *found[index + 1 :])
                    yield dataclasses.replace(value, **{field.name: changed})
        else:
            for smaller in _simpler(found):
                yield dataclasses.replace(value, **{field.name: smaller})


def _shorter(items: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    yield from (_without(items, index) for index in reversed(range(len(items))))


def _without(items: tuple[Any, ...], index: int) -> tuple[Any, ...]:
    return items[:index] + items[index + 1 :]
