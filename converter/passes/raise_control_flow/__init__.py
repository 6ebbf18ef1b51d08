"""Turns V1 control flow into nested loops and branches.

V1 graphs are flat: `Switch`, `Merge`, `Enter`, `Exit`, `NextIteration` and `LoopCond` steer values
between conditionals and iterations. TensorFlow 2 has no gradient for them in functions that are
loaded. Only the edges of the graph are looked at: what its exporter's Python knew about loops is
not all in the file. `frames.py` finds the loop that each node is in, `guards.py` the conditions it
runs under, `wiring.py` what is left of the edges, and `regions.py` builds the nested form.

Before:
    x = _Arg[T=float]()
    p = _Arg[T=bool]()
    cond/Switch = Switch[T=bool](p, p)
    cond/switch_t = Identity[T=bool](cond/Switch:1)
    cond/pred_id = Identity[T=bool](p)
    cond/Neg/Switch = Switch[T=float](x, cond/pred_id)
    cond/Neg = Neg[T=float](cond/Neg/Switch:1)
    cond/Switch_1 = Switch[T=float](x, cond/pred_id)
    cond/Merge = Merge[T=float, N=2](cond/Switch_1, cond/Neg)
    return cond/Merge

After:
    branch p -> cond/Merge:
      then:
        cond/Neg = Neg[T=float](x)
        return cond/Neg
      else:
        return x
    return cond/Merge
"""

from __future__ import annotations

from converter.ir.graph import Graph, Program
from converter.ir.region import Region
from converter.passes.raise_control_flow.frames import find_frames, find_loops
from converter.passes.raise_control_flow.guards import find_guards
from converter.passes.raise_control_flow.reads import check_reads
from converter.passes.raise_control_flow.regions import RegionBuilder


def raise_control_flow(graph: Graph, program: Program) -> Region:
    """Returns the nested form of a graph.

    Args:
      graph: A graph that has gone through all passes.
      program: The variant it comes from, for the loops through which no gradient leads.

    Raises:
      ConversionError: if the graph's control flow is none that `while_loop`, `cond` or `case` of
        V1 make, and has no nested form.
    """
    frames = find_frames(graph.nodes)
    loops = find_loops(graph.nodes, frames)
    guards = find_guards(graph.nodes, frames, loops)
    builder = RegionBuilder(graph, frames, loops, guards, program.loops_without_gradient)
    region = builder.build()
    check_reads(region, program)
    return region
