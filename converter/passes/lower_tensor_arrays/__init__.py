"""Turns TensorArrays, objects that ops change, into TensorLists, which are values.

The ops on a V1 TensorArray take its handle and a flow, a float scalar that only orders them. A
list needs no handle: it flows where the flow did, through loops and conditionals too.

Before:
    n = _Arg[T=int32]()
    i = _Arg[T=int32]()
    x = _Arg[T=float]()
    a = TensorArrayV3[dtype=float, dynamic_size=true](n)
    w = TensorArrayWriteV3[T=float](a, i, x, a:1)
    f = Identity[T=float](w)
    r = TensorArrayReadV3[dtype=float](a, i, f)
    return r

After:
    n = _Arg[T=int32]()
    i = _Arg[T=int32]()
    x = _Arg[T=float]()
    a/dims = Const[dtype=int32, value=int32(-1)]()
    a = TensorListReserve[element_dtype=float, shape_type=int32](a/dims, n)
    w = TensorListSetItem[element_dtype=float, resize_if_index_out_of_bounds=true](a, i, x)
    f = Identity[T=variant](w)
    r/dims = Const[dtype=int32, value=int32(-1)](^f)
    r = TensorListGetItem[element_dtype=float](f, i, r/dims)
    return r
"""

from __future__ import annotations

from converter.ir import op_facts
from converter.ir.graph import Graph, Program
from converter.passes.lower_tensor_arrays.flows import find_arrays
from converter.passes.lower_tensor_arrays.order import check_order
from converter.passes.lower_tensor_arrays.rewrite import Rewrite


def lower_tensor_arrays(graph: Graph, program: Program) -> Graph:
    """Replaces all ops on TensorArrays, and the types of what passes their flows on.

    What V1 computes stays as it is. Some of its errors go: a list may be written twice at one
    index, and read again after `clear_after_read`.

    Raises:
      UnsupportedOpError: if the graph does not say which array an op uses, orders ops on an
        array by more than flows, or contains gradients of arrays.
    """
    del program
    if not any(node.op in op_facts.TENSOR_ARRAY_OPS for node in graph.nodes.values()):
        return graph
    arrays = find_arrays(graph)
    check_order(graph, arrays)
    return Rewrite(graph, arrays).run()
