"""The objects of tensorflow_hub's TF1 API, and what they hold; all uses of its private attributes.

Tested with tensorflow_hub 0.12.0 and 0.15.0, the last that has this API. It is imported by whoever
made such an object, and never here.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import os
import sys
from collections.abc import Mapping
from typing import Any

from converter import errors


class HubObject(enum.Enum):
    """A kind of object that is a module, by the name of its class in tensorflow_hub."""

    SPEC = "ModuleSpec"
    MODULE = "Module"


@dataclasses.dataclass(frozen=True, slots=True)
class SpecContents:
    """What a module spec holds.

    Attributes:
      meta_graphs: The MetaGraphDef of each graph variant. Assets have the paths of their files.
      checkpoint: The path that the files of its checkpoint have in common; None for a spec that a
        `module_fn` made, whose variables have nothing but initializers.
    """

    meta_graphs: tuple[Any, ...]
    checkpoint: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class LiveModule:
    """What a live `hub.Module` holds.

    Attributes:
      spec: The spec that it was made from.
      tags: The graph variant that it is.
      variables: Its variables, or lists of the parts of one, by their names in the spec.
    """

    spec: Any
    tags: frozenset[str]
    variables: Mapping[str, Any]


def find_kind(value: object) -> HubObject | None:
    """Returns which kind of module an object is; None for other objects."""
    hub = sys.modules.get("tensorflow_hub")
    for kind in HubObject:
        known = getattr(hub, kind.value, None)
        if isinstance(known, type) and isinstance(value, known):
            return kind
    return None


def read_spec(spec: Any) -> SpecContents:
    """Reads the private attributes of a module spec.

    Raises:
      FormatError: if this tensorflow_hub, or a subclass of its ModuleSpec, has others.
    """
    try:
        checkpoint = spec._checkpoint_variables_path
        meta_graphs = tuple(spec._saved_model_handler.meta_graphs)
    except (AttributeError, TypeError) as error:
        raise _unknown(spec) from error
    return SpecContents(meta_graphs, None if checkpoint is None else os.fsdecode(checkpoint))


def read_module(module: Any) -> LiveModule:
    """Reads the private attributes of a live module.

    Raises:
      FormatError: if this tensorflow_hub, or a subclass of its Module, has others.
    """
    try:
        return LiveModule(module._spec, frozenset(module._tags), module.variable_map)
    except (AttributeError, TypeError) as error:
        raise _unknown(module) from error


def _unknown(value: object) -> errors.FormatError:
    version = getattr(sys.modules.get("tensorflow_hub"), "__version__", "?")
    return errors.FormatError(
        f"a {type(value).__name__} of tensorflow_hub {version} is not built like those of"
        " tensorflow_hub 0.12 to 0.15",
        remedy="Write it to a directory by its method `export`, and pass the path.",
    )


_ANYTHING = "Pass a path, what hub.create_module_spec returns, or a live hub.Module."
_FUNCTION = (
    "Pass hub.create_module_spec(module_fn), which tensorflow_hub has up to 0.15, for TensorFlow"
    " up to 2.15."
)
_TENSORFLOW_2 = "It needs no conversion: save it by tf.saved_model.save."


def refuse(value: object) -> errors.UsageError:
    """Returns the error to raise for an object that is not a module."""
    what, remedy = _describe(value)
    return errors.UsageError(
        f"{what} is not a TF1 module, expected a path, a module spec or a live hub.Module",
        remedy=remedy,
    )


def _describe(value: object) -> tuple[str, str]:
    kind = type(value)
    name = f"an object of type {kind.__name__!r}"
    packages = {base.__module__.partition(".")[0] for base in kind.__mro__}
    if isinstance(value, bytes):
        return name, "Pass the path as a string: os.fsdecode makes one."
    if "tensorflow_hub" in packages:
        return name, "Pass the path or the handle that it was made from."
    if inspect.isroutine(value) or kind.__name__ == "partial":
        return f"the function {getattr(value, '__name__', kind.__name__)!r}", _FUNCTION
    if packages & {"keras", "tf_keras"} or any(
        base.__name__ in ("Module", "AutoTrackable") and base.__module__.startswith("tensorflow.")
        for base in kind.__mro__
    ):
        return name, _TENSORFLOW_2
    return name, _ANYTHING
