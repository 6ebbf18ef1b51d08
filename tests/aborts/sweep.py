"""Imports many instances of ops in child processes, and reports what ends one, or hangs.

A child writes each graph to memory that it shares with the parent before TensorFlow sees it.
"""

from __future__ import annotations

import dataclasses
import mmap
import os
import pathlib
import random
import re
import resource
import signal
import struct
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

from tensorflow.core.framework import graph_pb2

from aborts import instances
from converter import errors
from converter.ir import op_facts, serde
from converter.safety.allowed_ops import NONE
from converter.safety.check_safety import check_nodes
from converter.safety.graph_bounds import check_graph_bounds
from converter.safety.op_table import read_table

_PATIENCE_SECS = 5
_LOCKED_SECS = 60  # Of a process that waits, on a busy machine.
_MOST_DEATHS = 3  # Of one op, before the sweep goes on to the next.
_SHARED_BYTES = 1 << 20
_MEMORY_BYTES = 12 << 30  # Of addresses, TensorFlow's own among them.
_HEADER = struct.Struct("<qqqqqq")
_KEPT = 40
_BATCH = 25  # Ops of one child.
_NUMBER = re.compile(r"-?\d+|\[[^\]]*\]")


@dataclasses.dataclass(frozen=True)
class Death:
    """The end of a process.

    Attributes:
      op: The op.
      how: The signal, or that it hung.
      message: What TensorFlow said last.
      graph_def: The graph.
    """

    op: str
    how: str
    message: str
    graph_def: graph_pb2.GraphDef

    def __str__(self) -> str:
        return f"{self.op}: {self.how}: {self.message}"


@dataclasses.dataclass
class Counts:
    """How many instances were drawn, and how many of them TensorFlow saw, and imported."""

    ops: int = 0
    drawn: int = 0
    seen: int = 0
    imported: int = 0


def list_ops() -> list[str]:
    """The registered ops that convert."""
    allowed = [op for op, found in read_table().items() if found.kind.is_allowed]
    return sorted(op for op in allowed if op_facts.find_op_def(op) is not None)


def sweep(
    ops: Sequence[str], each: int, seed: int, counts: Counts, *, checked: bool
) -> Iterator[Death]:
    """Imports instances of each op; `checked` leaves out those that the converter refuses."""
    for start in range(0, len(ops), _BATCH):
        waiting = [_Work(op, each) for op in ops[start : start + _BATCH]]
        counts.ops += len(waiting)
        while waiting:
            at, drawn, death = _run(waiting, seed, counts, checked)
            waiting = waiting[at:]
            if death is None:
                continue
            yield death
            left, deaths = waiting[0].count - drawn, waiting[0].deaths + 1
            again = [_Work(death.op, left, deaths)] if left > 0 and deaths < _MOST_DEATHS else []
            waiting = again + waiting[1:]


@dataclasses.dataclass(frozen=True)
class _Work:
    """How many instances of an op are left, and how many processes died of it."""

    op: str
    count: int
    deaths: int = 0


def _run(
    waiting: Sequence[_Work], seed: int, counts: Counts, checked: bool
) -> tuple[int, int, Death | None]:
    """Runs instances in a child until all are done, or it is dead.

    Returns:
      The number of the op that it died of, how many instances of it were drawn, and the death.
    """
    with tempfile.TemporaryFile() as said, mmap.mmap(-1, _SHARED_BYTES) as shared:
        child = os.fork()
        if not child:
            try:
                _work(waiting, seed, shared, said.fileno(), checked)
            except BaseException:
                os.write(said.fileno(), traceback.format_exc().encode())
            finally:
                os._exit(3)
        how = _wait(child, shared)
        at, drawn, length, all_drawn, seen, imported = _HEADER.unpack_from(shared)
        counts.drawn += all_drawn
        counts.seen += seen
        counts.imported += imported
        if not how:
            return len(waiting), 0, None
        graph_def = graph_pb2.GraphDef.FromString(shared[_HEADER.size : _HEADER.size + length])
        said.seek(0)
        return at, drawn, Death(waiting[at].op, how, _last_words(said.read()), graph_def)


def _last_words(said: bytes) -> str:
    lines = said.decode(errors="replace").splitlines()
    fatal = [line for line in lines if re.match(r"F\d{4}|.*Check failed|terminate", line)]
    line = (fatal or lines[-1:] or [""])[0]
    return line.split("] ", 1)[-1][:300]


def _wait(child: int, shared: Any) -> str:
    """Returns how a child ended; empty if it did all of its work."""
    last, since, started = -1, 0.0, time.monotonic()
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            if os.WIFSIGNALED(status):
                return signal.Signals(os.WTERMSIG(status)).name
            code = os.WEXITSTATUS(status)
            return f"exit status {code}" if code else ""
        drawn, now = _HEADER.unpack_from(shared)[3], _processor_seconds(child)
        if drawn != last:
            last, since, started = drawn, now, time.monotonic()
        elif now - since > _PATIENCE_SECS or time.monotonic() - started > _LOCKED_SECS:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "hangs"
        time.sleep(0.1)


def _processor_seconds(child: int) -> float:
    """The time that a child took of the processor, however busy the machine is."""
    fields = pathlib.Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _work(waiting: Sequence[_Work], seed: int, shared: Any, said: int, checked: bool) -> None:
    os.dup2(said, 2)
    os.dup2(said, 1)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    totals = [0, 0, 0]
    for at, work in enumerate(waiting):
        draws = random.Random(f"{work.op} {work.count} {seed}")
        known: dict[str, instances.Instance] = {}
        for number in range(work.count):
            instance = _next(work.op, known, draws)
            if instance is None:
                continue
            totals[0] += 1
            graph_def = instance.graph_def()
            data = graph_def.SerializeToString()
            shared[_HEADER.size : _HEADER.size + len(data)] = data
            _HEADER.pack_into(shared, 0, at, number + 1, len(data), *totals)
            answer = refuse(graph_def) if checked else ""
            if not answer:
                totals[1] += 1
                answer = import_alone(graph_def)
                totals[2] += not answer
            if len(known) < _KEPT:
                known.setdefault(_NUMBER.sub("#", answer), instance)
    _HEADER.pack_into(shared, 0, 0, 0, 0, *totals)
    os._exit(0)


def _next(op: str, known: dict[str, Any], draws: random.Random) -> instances.Instance | None:
    if known and draws.random() < 0.6:
        made = draws.choice(list(known.values()))
        for _ in range(draws.choice((1, 1, 2))):
            made = instances.change(made, draws)
    else:
        made = instances.draw(op, draws)
    return instances.limit_counts(made)


def import_alone(graph_def: graph_pb2.GraphDef) -> str:
    """Has TensorFlow import a graph; returns its error, or an empty string."""
    import tensorflow as tf

    try:
        with tf.Graph().as_default():
            tf.graph_util.import_graph_def(graph_def, name="")
    except Exception as error:
        return str(error).split("for '{{node")[0][:200] or "refused"
    return ""


def refuse(graph_def: graph_pb2.GraphDef) -> str:
    """Has the converter check a graph; returns its error, or an empty string."""
    try:
        nodes = serde.nodes_from_graph_def(graph_def)
        check_nodes(list(nodes.values()), NONE)
        check_graph_bounds(nodes, graph_def.versions.producer)
    except errors.ConversionError as error:
        return f"refused: {error.message}"
    return ""


def describe(graph_def: graph_pb2.GraphDef) -> Sequence[str]:
    """Returns a line for each node of a graph that its subject takes."""
    lines = []
    for node in graph_def.node:
        attrs = {key: " ".join(str(value).split()) for key, value in sorted(node.attr.items())}
        lines.append(f"    {node.name} = {node.op}({', '.join(node.input)}) {attrs}")
        if node.name == instances.SUBJECT:
            break
    return lines
