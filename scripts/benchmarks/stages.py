"""Where the time of a conversion goes: a stopwatch around the functions that are its stages.

The converter knows nothing of it. A stage that runs inside another counts for itself alone.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import pkgutil
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

# Each stage by the functions that make it up; `*` stands for all public ones of a module. What a
# version of the converter lacks is passed over.
STAGES: dict[str, tuple[str, ...]] = {
    "read": ("converter.formats.registry:read_module",),
    "passes": ("converter.compile.compile_module:compile_module",),
    "trace": ("converter.assemble.reusable:build_reusable",),
    "save": (
        "converter.export.saved_model:_save",
        "tensorflow:saved_model.save",
        "converter.export.canonical:canonicalize",
        "converter.export.describe:make_record",
    ),
    "weights": ("converter.tensor_bundle.checkpoint:Checkpoint.read", "converter.export.weights:*"),
}


class Stopwatch:
    """Seconds by stage; the innermost running stage has the time."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self._running: list[str] = []
        self._since = 0.0

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, whose time counts for a stage."""

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            self._settle()
            self._running.append(stage)
            try:
                return function(*args, **kwargs)
            finally:
                self._settle()
                self._running.pop()

        return wrapper

    def _settle(self) -> None:
        now = time.perf_counter()
        if self._running:
            self.seconds[self._running[-1]] += now - self._since
        self._since = now


@contextlib.contextmanager
def watched() -> Iterator[Stopwatch]:
    """Times the stages of all that is converted inside."""
    watch = Stopwatch()
    with contextlib.ExitStack() as patches:
        for stage, names in STAGES.items():
            for owner, attribute in (place for name in names for place in find_places(name)):
                timed = watch.timed(stage, getattr(owner, attribute))
                patches.enter_context(mock.patch.object(owner, attribute, timed))
        yield watch


def find_places(name: str) -> list[tuple[Any, str]]:
    """Where a function can be reached, as objects and the names of their attributes.

    Args:
      name: `module:function`, `module:Class.method` or `module:*`.
    """
    module_name, _, path = name.partition(":")
    try:
        module = pkgutil.resolve_name(module_name)
        if path == "*":
            return [place for function in _public(module) for place in _importers(function)]
        parent, _, attribute = path.rpartition(".")
        owner = pkgutil.resolve_name(f"{module_name}:{parent}" if parent else module_name)
        function = getattr(owner, attribute)
    except (ImportError, AttributeError):
        return []
    return [(owner, attribute)] if parent else _importers(function)


def _public(module: Any) -> list[Any]:
    return [
        value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and inspect.isfunction(value)
        and value.__module__ == module.__name__
    ]


def _importers(function: Any) -> list[tuple[Any, str]]:
    """The module that has a function, and those that imported it by name."""
    return [
        (module, attribute)
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] == "converter"
        for attribute, value in list(vars(module).items())
        if value is function
    ]
