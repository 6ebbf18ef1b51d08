"""A mutant: the name of a fixture, and edits of it, as data that JSON can hold."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from module_fuzzing.places import Step

GRAPHS = "saved_model.pb"
MODULE_DEF = "tfhub_module.pb"
INDEX = "variables/variables.index"
SHARD = "variables/variables.data-00000-of-00001"


@dataclasses.dataclass(frozen=True)
class Edit:
    """One change of one file.

    Attributes:
      do: A key of `editing.EDITS`, which says what the other fields mean.
      file: The file, as a path in the module.
      at: A place in its message: see `places.py`.
      value: A JSON value.
      other: Another place in its message.
    """

    do: str
    file: str = GRAPHS
    at: tuple[Step, ...] = ()
    value: Any = None
    other: tuple[Step, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Returns the fields that have another value than by default."""
        values = dataclasses.asdict(self)
        defaults = {f.name: f.default for f in dataclasses.fields(self) if f.name != "do"}
        return {k: v for k, v in values.items() if k == "do" or v != defaults[k]}

    @staticmethod
    def from_json(values: dict[str, Any]) -> Edit:
        """Returns the edit of which `to_json` gave the values."""
        places = {key: tuple(values[key]) for key in ("at", "other") if key in values}
        return Edit(**{**values, **places})


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A fixture, and edits of it in their order."""

    fixture: str
    edits: tuple[Edit, ...]

    def to_json(self) -> dict[str, Any]:
        """Returns the mutant as JSON values."""
        return {"fixture": self.fixture, "edits": [edit.to_json() for edit in self.edits]}

    @staticmethod
    def from_json(values: dict[str, Any]) -> Mutant:
        """Returns the mutant of which `to_json` gave the values."""
        return Mutant(values["fixture"], tuple(map(Edit.from_json, values["edits"])))


def write_json(values: dict[str, Any]) -> str:
    """Returns a JSON document in which names may be no Unicode, as those of files are."""
    return json.dumps(values, indent=1, ensure_ascii=True) + "\n"
