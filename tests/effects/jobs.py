"""What a watched process is told to do, and what it says of it; JSON, one value a line."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Iterator

MARKER_ROOT = "/tf1hub-marker"


@dataclasses.dataclass(frozen=True, order=True)
class Case:
    """An op at a place of a module, and what to do with the module.

    Attributes:
      place: A key of `hostile_models.PLACES`.
      op: The op.
      mode: `convert` scans, inspects and converts the module; `allow` converts it with the op let
        through; `import` only gives the graph to TensorFlow.
    """

    place: str
    op: str
    mode: str = "convert"

    @property
    def marker(self) -> str:
        """A path that does not exist; looking for it tells the watcher that the case begins."""
        return f"{MARKER_ROOT}/{self.mode}/{self.place}/{self.op}"


def read_marker(path: str) -> Case | None:
    """Returns the case that begins; None after the last."""
    mode, _, rest = path.removeprefix(MARKER_ROOT).strip("/").partition("/")
    place, _, op = rest.partition("/")
    return Case(place, op, mode) if op else None


@dataclasses.dataclass(frozen=True)
class Job:
    """The work of a process.

    Attributes:
      root: The folder that it may read and write.
      module: The module that cases are added to.
      file: The canary; see `payloads.Canary`.
      urls: The canary's addresses.
      cases: What to do.
      patience_secs: How long a case may take, before the process is killed.
    """

    root: str
    module: str
    file: str
    urls: tuple[str, ...]
    cases: tuple[Case, ...]
    patience_secs: float = 120

    @property
    def outcomes_path(self) -> pathlib.Path:
        """Where the process writes the outcome of each case."""
        return pathlib.Path(self.root, "outcomes")

    def write(self) -> pathlib.Path:
        """Writes the job to its folder, and returns the path."""
        path = pathlib.Path(self.root, "job.json")
        path.write_text(json.dumps(dataclasses.asdict(self)))
        return path

    @classmethod
    def read(cls, path: pathlib.Path) -> Job:
        """Reads what `write` wrote."""
        values = json.loads(path.read_text())
        values["cases"] = tuple(Case(**case) for case in values["cases"])
        return cls(**{**values, "urls": tuple(values["urls"])})


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What the process says of a case.

    Attributes:
      case: The case.
      scan_found: Whether the scan names the op.
      inspected: The type of the first refusal of `inspect`; "" if it has none.
      converted: The type of the error of `convert`; "" if it converts.
      node: The node of that error.
      message: Its message.
    """

    case: Case
    scan_found: bool = False
    inspected: str = ""
    converted: str = ""
    node: str = ""
    message: str = ""

    def to_line(self) -> str:
        """Returns a line that `read_outcomes` reads."""
        return json.dumps(dataclasses.asdict(self)) + "\n"


def read_outcomes(path: pathlib.Path) -> Iterator[Outcome]:
    """Yields the outcomes so far; the process may have died while it wrote the last."""
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            values = json.loads(line)
        except ValueError:
            continue
        yield Outcome(**{**values, "case": Case(**values["case"])})
