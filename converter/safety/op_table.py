"""The class of each op: what running it can do to the machine. `ops.toml` is the table."""

from __future__ import annotations

import dataclasses
import enum
import functools
import pathlib
import sys
from collections.abc import Mapping
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TABLE_PATH = pathlib.Path(__file__).with_name("ops.toml")


class Kind(enum.Enum):
    """What an op can do, in the words of an error."""

    PURE = "pure"  # It computes from its inputs, and does nothing else.
    STATE = "state of this module"  # Variables, tables, lists, random numbers and the like.
    OWN_ASSETS = "reads own assets"
    HOLDS_GRAPH = "holds a graph"  # As safe as that graph.
    READS_FILES = "reads files"
    WRITES_FILES = "writes files"
    NETWORK = "network"  # It exchanges values with other processes or devices.
    RUNS_CODE = "runs code"  # It runs code that is not of TensorFlow's graph.
    DENIAL_OF_SERVICE = "denial of service"  # It takes time or memory without a limit, or aborts.
    INTERNAL = "internal"  # Of TensorFlow's own rewrites, tests and devices, not for models.
    UNKNOWN = "unknown to this version"  # In no supported TensorFlow.

    @property
    def is_allowed(self) -> bool:
        """Whether an op of this kind converts, if what it reads or holds is allowed, too."""
        return self in _ALLOWED


_ALLOWED = frozenset({Kind.PURE, Kind.STATE, Kind.OWN_ASSETS, Kind.HOLDS_GRAPH})


@dataclasses.dataclass(frozen=True, slots=True)
class Classification:
    """The class of an op.

    Attributes:
      kind: The class.
      reason: Why it is that; completes the sentence "The op …".
    """

    kind: Kind
    reason: str


_UNKNOWN = Classification(Kind.UNKNOWN, "is not in the table of TensorFlow's ops")


def classify(op: str) -> Classification:
    """Returns the class of an op type; `Kind.UNKNOWN` if no supported TensorFlow registers it."""
    return read_table().get(op, _UNKNOWN)


@functools.cache
def read_table() -> Mapping[str, Classification]:
    """Returns the class of each op that a supported TensorFlow registers, by name."""
    table: dict[str, Classification] = {}
    for group in _read()["group"]:
        classification = Classification(Kind(group["kind"]), group["reason"])
        table.update(dict.fromkeys(group["ops"].split(), classification))
    return table


def read_versions() -> Mapping[str, frozenset[str]]:
    """Returns the ops that only one TensorFlow registers, by its version ("2.15")."""
    return {version: frozenset(ops.split()) for version, ops in _read()["only"].items()}


@functools.cache
def _read() -> Any:
    return tomllib.loads(TABLE_PATH.read_text(encoding="utf-8"))
