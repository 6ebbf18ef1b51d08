"""Where a region is, what it has to yield, and what is known of it once it is built."""

from __future__ import annotations

import dataclasses

from converter.ir.graph import TensorRef
from converter.ir.region import Loop, Region
from converter.passes.functionalize_control_flow.frames import ROOT, Frame
from converter.passes.functionalize_control_flow.guards import ALWAYS, Guard


@dataclasses.dataclass(frozen=True, slots=True)
class Scope:
    """The place of a region.

    Attributes:
      frame: The frame whose members it holds.
      assumed: The guard that holds throughout it because it is the body of a loop.
      guard: The guard that holds because it is a side of a conditional.
    """

    frame: Frame = ROOT
    assumed: Guard = ALWAYS
    guard: Guard = ALWAYS


@dataclasses.dataclass(frozen=True, slots=True)
class Fetches:
    """The tensors that a region has to return, and the nodes to run for their effect."""

    results: tuple[TensorRef, ...]
    targets: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Built:
    """A finished region or loop.

    Attributes:
      captures: The nodes outside its frame whose tensors it uses or for which it waits.
      control_dependencies: The nodes outside the region or loop for which it waits.
      size: The number of nodes in it.
      height: The number of nested regions, itself included.
    """

    captures: tuple[str, ...]
    control_dependencies: tuple[str, ...]
    size: int
    height: int


@dataclasses.dataclass(frozen=True, slots=True)
class BuiltRegion(Built):
    """A finished region."""

    region: Region


@dataclasses.dataclass(frozen=True, slots=True)
class BuiltLoop(Built):
    """A finished loop."""

    loop: Loop
