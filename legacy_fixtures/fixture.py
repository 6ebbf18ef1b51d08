"""What a fixture is: a module_fn, its graph variants, and the calls to record."""

from __future__ import annotations

import dataclasses
import os
from typing import Any, Callable, FrozenSet, Mapping, Optional, Tuple

TagSet = FrozenSet[str]

INFERENCE: TagSet = frozenset()
TRAIN: TagSet = frozenset({"train"})


@dataclasses.dataclass(frozen=True)
class Call:
    """One application of a signature.

    Attributes:
      signature: Name of the signature.
      inputs: A value to feed for every input of the signature, by its TF1 name.
      label: Tells several calls of one signature apart.
      tags: The one tag set to record the call for; None means every tag set with the signature.
    """

    signature: str
    inputs: Mapping[str, Any]
    label: str = "plain"
    tags: Optional[TagSet] = None


@dataclasses.dataclass(frozen=True)
class Fixture:
    """One TF1 Hub module and how to exercise it.

    Attributes:
      name: Name of its directory under `golden/`.
      family: The name of its file under `families/`.
      description: One line for humans.
      module_fn: The module's graph, called once per tag set.
      calls: What to record; every signature of every tag set needs at least one call.
      tags_and_args: As for `hub.create_module_spec`.
      export_tags: The tag set that is instantiated to export the module; its variables go into
        the checkpoint.
      values: Exact values of variables, by TF1 name, where seeded ones do not do.
      export: Writes the module in another way than from `module_fn` with seeded weights; called
        with the fixture and the directory to write.
      needs: Fixtures whose modules must have been built before this one.
      trained: Whether the weights come from training, which rounds differently on other machines.
      is_saved_model: Whether it is a plain SavedModel, which TensorFlow's loader reads, and not a
        module for hub.
      left_out: Signatures that the converter leaves out, so that no call of them is recorded.
      import_ops: Packages that register ops of the module. It goes to `golden_custom_ops/` then,
        away from the modules that any TensorFlow can run.
    """

    name: str
    family: str
    description: str
    module_fn: Callable[..., None]
    calls: Tuple[Call, ...]
    tags_and_args: Tuple[Tuple[TagSet, Mapping[str, Any]], ...] = ((INFERENCE, {}),)
    export_tags: TagSet = INFERENCE
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    export: Optional[Callable[[Fixture, str], None]] = None
    needs: Tuple[str, ...] = ()
    trained: bool = False
    is_saved_model: bool = False
    left_out: Tuple[str, ...] = ()
    import_ops: Tuple[str, ...] = ()


def module_path(name: str) -> str:
    """Where a built module is, relative to the directory that fixtures are built in."""
    return os.path.join("golden", name, "module")


def vocabulary_path(filename: str) -> str:
    """Where a text file is that modules take as asset, relative to the same directory.

    TF1 writes the path into `shared_name` of tables, so it must not differ between builds.
    """
    return os.path.join("vocabularies", filename)
