"""Functionalizes V1 control flow: turns it into nested loops and branches.

V1 graphs are flat: `Switch`, `Merge`, `Enter`, `Exit`, `NextIteration` and `LoopCond` steer values
between conditionals and iterations. TensorFlow 2 has no gradient for them in functions that are
loaded. Only the edges of the graph decide: the file does not hold all that its exporter's Python
knew about loops. `frames.py` finds the loop of each node, `guards.py` the conditions it runs under,
`edges.py` the inputs it has in the nested form, and `functionalizer.py` builds that form.

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
    args x, p
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
from converter.passes.functionalize_control_flow.frames import find_frames, find_loops
from converter.passes.functionalize_control_flow.functionalizer import Functionalizer
from converter.passes.functionalize_control_flow.guards import find_guards
from converter.passes.functionalize_control_flow.reads import check_reads


def functionalize_control_flow(graph: Graph, program: Program) -> Region:
    """Returns the nested form of a graph.

    Args:
      graph: A graph that has gone through all other passes.
      program: The variant it comes from, for the loops through which no gradient leads.

    Raises:
      ConversionError: if the graph's control flow is not what V1's `while_loop`, `cond` or `case`
        make, and has no nested form.
    """
    frames = find_frames(graph.nodes)
    loops = find_loops(graph.nodes, frames)
    guards = find_guards(graph.nodes, frames, loops)
    region = Functionalizer(graph, frames, loops, guards, program.loops_without_gradient).build()
    check_reads(region, program)
    return region
