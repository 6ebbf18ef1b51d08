"""What a region is asked for, where it is, and what comes of it."""

from __future__ import annotations

import dataclasses

from converter.ir.graph import TensorRef
from converter.ir.region import Loop, Region
from converter.passes.raise_control_flow.frames import ROOT, Frame
from converter.passes.raise_control_flow.guards import ALWAYS, Guard


@dataclasses.dataclass(frozen=True, slots=True)
class Scope:
    """Where a region is.

    Attributes:
      frame: The frame whose units it holds.
      assumed: What holds in all of it since it is the body of a loop.
      guard: What holds since it is a side of a conditional.
    """

    frame: Frame = ROOT
    assumed: Guard = ALWAYS
    guard: Guard = ALWAYS


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """What a region is asked for: tensors to give, and nodes to run for their effect."""

    results: tuple[TensorRef, ...]
    targets: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Needs:
    """What a region or loop needs of outside, and how large it is.

    Attributes:
      outside: The nodes outside of its frame whose tensors it uses or for which it waits.
      controls: The nodes outside of itself for which it waits.
      size: How many nodes it holds.
      height: How many regions are inside of each other, itself included.
    """

    outside: tuple[str, ...]
    controls: tuple[str, ...]
    size: int
    height: int


@dataclasses.dataclass(frozen=True, slots=True)
class MadeRegion(Needs):
    """A region, and what it needs."""

    region: Region


@dataclasses.dataclass(frozen=True, slots=True)
class MadeLoop(Needs):
    """A loop, and what it needs."""

    loop: Loop
