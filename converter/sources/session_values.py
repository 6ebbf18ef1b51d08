"""Reads the values of a live `hub.Module` from the session that runs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from converter import errors
from converter.ir.serde import nodes_from_graph_def
from converter.sources.hub_objects import LiveModule
from converter.sources.module_variables import StoredValue, list_variables, store


def read_session_values(
    module: LiveModule, meta_graph: Any, session: Any
) -> tuple[StoredValue, ...]:
    """Reads the values of all variables at once. Adds nothing to the graph.

    Args:
      module: The module.
      meta_graph: The MetaGraphDef of its graph variant.
      session: The session, or any object with its method `run`; the default session if None.

    Raises:
      UsageError: if there is no session, or it has no value of a variable.
    """
    listed = list_variables(meta_graph, nodes_from_graph_def(meta_graph.graph_def))
    specs = [variable.spec for variable in listed]
    if not specs:
        return ()
    variables = [find_variable(module, spec.name) for spec in specs]
    values = _run(variables, session)
    return tuple(store(spec, value) for spec, value in zip(specs, values, strict=True))


def find_variable(module: LiveModule, name: str) -> Any:
    """Finds the variable of the user's graph that stands for one of the module.

    Args:
      module: The module.
      name: The name of the variable in the module.

    Raises:
      UsageError: if the module has none.
    """
    # A partitioned variable is listed by the name of the whole.
    whole = name if name in module.variables else name.rpartition("/")[0]
    found = module.variables.get(whole, ())
    parts = found if isinstance(found, Sequence) else [found]
    for part in parts:
        if part.op.name == name or part.op.name.endswith(f"/{name}"):
            return part
    raise errors.UsageError(
        f"the live module has no variable {name!r}, which its spec has",
        remedy="Make the module again by hub.Module(spec).",
    )


def _run(variables: Sequence[Any], session: Any) -> Sequence[Any]:
    if session is None:
        session = tf.compat.v1.get_default_session()
    if session is None:
        raise errors.UsageError(
            "a live hub.Module has its values in a session, and there is none",
            remedy="Pass session=…, or call this where it is the default session.",
        )
    try:
        values: Sequence[Any] = session.run(list(variables))
    except (tf.errors.OpError, AttributeError, RuntimeError, TypeError, ValueError) as error:
        raise errors.UsageError(
            f"the session has no values of the live module: {errors.summarize(error)}",
            remedy="Pass the session of its graph, after its variables have been initialized.",
        ) from error
    return values
