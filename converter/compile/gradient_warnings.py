"""Warnings about gradients that no file of the module holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from converter.compile.computations import CompiledCallable

_SHOWN = 3
_LOSSES = "regularization losses"


def find_gradient_warnings(
    callables: Mapping[str, CompiledCallable], losses: Iterable[Mapping[str, str]]
) -> Iterator[str]:
    """Yields one warning for each kind of gradient override that no library resolves.

    Args:
      callables: The graphs of each callable, by attribute.
      losses: For each regularization loss, its unresolved overrides by node.
    """
    touched: dict[str, list[str]] = {}
    overrides: dict[str, str] = {}
    for place, found in [*_overrides_of_calls(callables), *((_LOSSES, found) for found in losses)]:
        overrides |= found
        for override in found.values():
            places = touched.setdefault(_kind(override), [])
            places += [place] if place not in places else []
    for kind, places in touched.items():
        nodes = {node: name for node, name in overrides.items() if _kind(name) == kind}
        yield _warn(nodes, places)


def _overrides_of_calls(
    callables: Mapping[str, CompiledCallable],
) -> Iterator[tuple[str, Mapping[str, str]]]:
    for name, part in callables.items():
        for arguments, computation in part.computations.items():
            call = f"{name}(training=True)" if arguments.training else name
            yield call, computation.unresolved_overrides


def _kind(override: str) -> str:
    """`CustomGradient` for `CustomGradient-12`: each use of such a function has its own name."""
    return re.sub(r"-\d+$", "", override)


def _warn(nodes: Mapping[str, str], places: list[str]) -> str:
    names = list(dict.fromkeys(nodes.values()))
    shown = ", ".join(map(repr, names[:_SHOWN]))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    first = next(iter(nodes))
    what = f"{len(nodes)} nodes have" if len(nodes) > 1 else "1 node has"
    plural = "s" if len(names) > 1 else ""
    return (
        f"{what} a gradient that was Python code of the exporter, which no file holds: override"
        f"{plural} {shown}{more}, first at node {first!r}. TF1 cannot differentiate there after"
        " loading the module; the converted one takes the natural gradient of the op, which is"
        f" another function. This touches the gradients of {', '.join(places)}."
    )
