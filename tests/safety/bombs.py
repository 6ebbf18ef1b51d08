"""Graphs of a few nodes that would take all memory, or all time, when TensorFlow imports them.

Each is a text of nodes, of which `bomb` is a result, and its placeholders are inputs.
"""

_ZERO = "zero = Const[dtype=float, value=float(0.0)]()\n"
_BIG = _ZERO + (
    "dims = Const[dtype=int32, value=int32[2](16384, 16384)]()\n"
    "big = Fill[T=float, index_type=int32](dims, zero)\n"
)


def _vector(name, *numbers, dtype="int32"):
    listed = ", ".join(map(str, numbers))
    return f"{name} = Const[dtype={dtype}, value={dtype}[{len(numbers)}]({listed})]()\n"


def _scalar(name, number, dtype="int32"):
    return f"{name} = Const[dtype={dtype}, value={dtype}({number})]()\n"


def _doubled(dtype, first, line, times=40):
    """A text in which each node takes the one before twice."""
    lines = [first, *(line.format(before=f"d{i}", name=f"d{i + 1}") for i in range(times))]
    return "".join(lines) + f"bomb = Identity[T={dtype}](d{times})\n"


def _filled(count):
    """A text that makes as many zeros as `count`, an int32 scalar, is large."""
    return _ZERO + (
        f"known = Pack[N=1, T=int32, axis=0]({count})\n"
        "bomb = Fill[T=float, index_type=int32](known, zero)\n"
    )


# The difference of two numbers that are equal in Python's arithmetic, but not in TensorFlow's, or
# of which one is only an upper bound, times 2^30.
def _times_difference(dtype, one, other):
    return (
        f"gap = Sub[T={dtype}]({one}, {other})\n"
        f"wide = Cast[SrcT={dtype}, DstT=int32, Truncate=false](gap)\n"
        + _scalar("factor", 1 << 30)
        + "size = Mul[T=int32](wide, factor)\n"
    ) + _filled("size")


BOMBS = {
    "fill": _ZERO + _vector("dims", 1 << 15, 1 << 15)
    + "bomb = Fill[T=float, index_type=int32](dims, zero)\n",
    "fill_of_computed_size": _ZERO + _vector("half", 1 << 15) + (
        "dims = Mul[T=int32](half, half)\nbomb = Fill[T=float, index_type=int32](dims, zero)\n"
    ),
    "fill_many": _ZERO + _vector("dims", 1 << 20)
    + "".join(f"f{i} = Fill[T=float, index_type=int32](dims, zero)\n" for i in range(100))
    + f"bomb = AddN[N=100, T=float]({', '.join(f'f{i}' for i in range(100))})\n",
    "range": _scalar("start", 0) + _scalar("limit", 1 << 30) + _scalar("delta", 1)
    + "bomb = Range[Tidx=int32](start, limit, delta)\n",
    "range_of_floats": _scalar("start", 0.0, "float") + _scalar("limit", 1.0, "float")
    + _scalar("delta", 1e-9, "float") + "bomb = Range[Tidx=float](start, limit, delta)\n",
    "tile": _vector("one", 1) + _vector("many", 1 << 30)
    + "bomb = Tile[T=int32, Tmultiples=int32](one, many)\n",
    "tile_doubling": _doubled(
        "int32", _vector("d0", 1) + _vector("two", 2),
        "{name} = Tile[T=int32, Tmultiples=int32]({before}, two)\n",
    ),
    "broadcast_to": _ZERO + _vector("dims", 1 << 10, 1 << 20)
    + "bomb = BroadcastTo[T=float, Tidx=int32](zero, dims)\n",
    "one_hot": _ZERO + _vector("rows", *range(1000)) + _scalar("depth", 1 << 30)
    + "bomb = OneHot[T=float, TI=int32, axis=-1](rows, depth, zero, zero)\n",
    "pad": _vector("one", 1) + "by = Const[dtype=int32, value=int32[1,2](1, 1073741824)]()\n"
    + "bomb = Pad[T=int32, Tpaddings=int32](one, by)\n",
    "concat_doubling": _doubled(
        "int32", _vector("d0", 1) + _scalar("axis", 0),
        "{name} = ConcatV2[N=2, T=int32, Tidx=int32]({before}, {before}, axis)\n",
    ),
    "pack_doubling": _doubled(
        "int32", _vector("d0", 1), "{name} = Pack[N=2, T=int32, axis=0]({before}, {before})\n", 32
    ),
    "outer_sum": _scalar("zero", 0) + _scalar("n", 40000) + _scalar("one", 1) + (
        "row = Range[Tidx=int32](zero, n, one)\n"
        "column = ExpandDims[T=int32, Tdim=int32](row, one)\n"
        "bomb = AddV2[T=int32](row, column)\n"
    ),
    "matmul": _ZERO + _vector("dims", 65536, 1) + (
        "column = Fill[T=float, index_type=int32](dims, zero)\n"
        "bomb = MatMul[T=float, transpose_b=true](column, column)\n"
    ),
    "matmul_chain": _BIG + "".join(
        f"big{i} = MatMul[T=float](big, big)\n" for i in range(10)
    ) + f"bomb = AddN[N=10, T=float]({', '.join(f'big{i}' for i in range(10))})\n",
    "linspace": _scalar("start", 0.0, "float") + _scalar("stop", 1.0, "float")
    + _scalar("n", 1 << 30) + "bomb = LinSpace[T=float, Tidx=int32](start, stop, n)\n",
    "ragged_range": _scalar("start", 0) + _scalar("limit", 1 << 30) + _scalar("delta", 1) + (
        "r = RaggedRange[T=int32, Tsplits=int64](start, limit, delta)\n"
        "bomb = Identity[T=int32](r:1)\n"
    ),
    "diagonal": _vector("d", *([0] * 2)) + _scalar("zero", 0) + _scalar("n", 1 << 16)
    + "bomb = MatrixDiagV2[T=int32](d, zero, n, n, zero)\n",
    "const_of_one_element": "bomb = Const[dtype=float, value=float[32768,32768](7.0)]()\n",
    "bincount": _vector("one", 1) + _scalar("n", 1 << 30)
    + "bomb = Bincount[T=int32](one, n, one)\n",
    "unsorted_segment_sum": _vector("one", 1) + _scalar("n", 1 << 30)
    + "bomb = UnsortedSegmentSum[T=int32, Tindices=int32, Tnumsegments=int32](one, one, n)\n",
    "segment_sum": _vector("one", 1) + _vector("ids", 1 << 30)
    + "bomb = SegmentSum[T=int32, Tindices=int32](one, ids)\n",
    "dynamic_stitch": _vector("one", 1) + _vector("ids", 1 << 30)
    + "bomb = DynamicStitch[N=1, T=int32](ids, one)\n",
    "scatter_nd": "at = Const[dtype=int32, value=int32[1,1](1)]()\n" + _vector("one", 1)
    + _vector("dims", 1 << 30) + "bomb = ScatterNd[T=int32, Tindices=int32](at, one, dims)\n",
    "resize": "image = Const[dtype=float, value=float[1,1,1,1](0.0)]()\n"
    + _vector("dims", 1 << 15, 1 << 15) + "bomb = ResizeBilinear[T=float](image, dims)\n",
    "sparse_to_dense": _vector("at", 1) + _vector("dims", 1 << 30) + _scalar("zero", 0)
    + "bomb = SparseToDense[T=int32, Tindices=int32](at, dims, zero, zero)\n",
    "list_reserve": _vector("dims", 1) + _scalar("n", 1 << 30) + (
        "reserved = TensorListReserve[element_dtype=float, shape_type=int32](dims, n)\n"
        "bomb = TensorListStack[element_dtype=float, num_elements=-1](reserved, dims)\n"
    ),
    "list_of_large_elements": _vector("dims", 1 << 30) + _scalar("n", 1) + (
        "reserved = TensorListReserve[element_dtype=float, shape_type=int32](dims, n)\n"
        "bomb = TensorListStack[element_dtype=float, num_elements=1](reserved, dims)\n"
    ),
    "strings_doubling": _doubled(
        "string", 'd0 = Const[dtype=string, value=string("ab")]()\n',
        "{name} = StringJoin[N=2]({before}, {before})\n",
    ),
    "strings_replaced": _doubled(
        "string", 'd0 = Const[dtype=string, value=string("ab")]()\n',
        '{name} = StaticRegexReplace[pattern="(.*)", rewrite="\\\\1\\\\1", replace_global=false]'
        "({before})\n",
    ),
    "strings_formatted": _doubled(
        "string", 'd0 = Const[dtype=string, value=string("ab")]()\n',
        '{name} = StringFormat[T=(string, string), template="%%", placeholder="%", summarize=-1]'
        "({before}, {before})\n",
    ),
    "string_width": _scalar("one", 1) + "bomb = AsString[T=int32, width=2000000000]()\n".replace(
        "()", "(one)"
    ),
    "strings_filled": 'word = Const[dtype=string, value=string("ab")]()\n' + _vector("n", 1 << 28)
    + "bomb = Fill[T=string, index_type=int32](n, word)\n",
    "gather_repeated": _vector("rows", *([0] * 1000)) + _vector("dims", 1 << 20) + _ZERO + (
        "flat = Fill[T=float, index_type=int32](dims, zero)\naxis = Const[dtype=int32,"
        " value=int32(0)]()\ntable = ExpandDims[T=float, Tdim=int32](flat, axis)\n"
        "bomb = GatherV2[Taxis=int32, Tindices=int32, Tparams=float](table, rows, axis)\n"
    ),
    "split_and_add": _ZERO + _vector("dims", 1 << 24) + _scalar("axis", 0) + (
        "flat = Fill[T=float, index_type=int32](dims, zero)\n"
        "s = Split[T=float, num_split=8](axis, flat)\n"
        + "".join(f"t{i} = Split[T=float, num_split=8](axis, flat)\n" for i in range(40))
        + f"bomb = AddN[N=41, T=float](s:1, {', '.join(f't{i}:3' for i in range(40))})\n"
    ),
    "size_of_a_static_shape": _ZERO + (
        "column = Placeholder[dtype=float, shape=[65536,1]]()\n"
        "square = MatMul[T=float, transpose_b=true](column, column)\n"
        "dims = Shape[T=float, out_type=int32](square)\n"
        "bomb = Fill[T=float, index_type=int32](dims, zero)\n"
    ),
    "size_of_a_shape_by_a_rare_op": _ZERO + _vector("axis", 1) + (
        "column = Placeholder[dtype=float, shape=[65536,1]]()\n"
        'outer = Einsum[N=2, T=float, equation="ai,bi->ab"](column, column)\n'
        "dims = Shape[T=float, out_type=int32](outer)\n"
        "bomb = Fill[T=float, index_type=int32](dims, zero)\n"
    ),
    "size_that_depends_on_values": _ZERO
    + "mask = Const[dtype=bool, value=bool[65536](true)]()\n" + (
        "places = Where[T=bool](mask)\n"
        "dims = Shape[T=int64, out_type=int32](places)\n"
        "both = Mul[T=int32](dims, dims)\n"
        "bomb = Fill[T=float, index_type=int32](both, zero)\n"
    ),
    "difference_to_a_size_that_depends_on_values":
    "mask = Const[dtype=bool, value=bool[8](false)]()\n" + _scalar("one", 1) + (
        "places = Where[T=bool](mask)\n"
        "count = Size[T=int64, out_type=int32](places)\n"
    ) + _times_difference("int32", "one", "count"),
    "rounding_of_floats": _scalar("large", 16777216.0, "float") + _scalar("one", 1.0, "float") + (
        "sum = AddV2[T=float](large, one)\n"
        "lost = Sub[T=float](sum, large)\n"
    ) + _times_difference("float", "one", "lost"),
    "order_of_floats": "n = Const[dtype=float, value=float[3](1e8, 1.0, -1e8)]()\n"
    + _scalar("axis", 0) + _scalar("two", 2.0, "float")
    + "sum = Sum[T=float, Tidx=int32, keep_dims=false](n, axis)\n"
    + _times_difference("float", "two", "sum"),
    "division_of_floats": _scalar("one", 1.0, "float") + _scalar("tenth", 0.1, "float")
    + _scalar("ten", 9.0, "float") + "quotient = FloorDiv[T=float](one, tenth)\n"
    + _times_difference("float", "quotient", "ten"),
    "small_integers_that_wrap_around": _scalar("most", 255, "uint8") + _scalar("one", 1, "uint8")
    + _scalar("all", 257) + (
        "wrapped = AddV2[T=uint8](most, one)\n"
        "number = Cast[SrcT=uint8, DstT=int32, Truncate=false](wrapped)\n"
    ) + _times_difference("int32", "all", "number"),
    "rest_of_a_split": _vector("sizes", 7, -1) + _vector("ten", *range(10)) + _scalar("axis", 0)
    + _scalar("four", 4) + (
        "parts = SplitV[T=int32, Tlen=int32, num_split=2](ten, sizes, axis)\n"
        "rest = Size[T=int32, out_type=int32](parts:1)\n"
    ) + _times_difference("int32", "four", "rest"),
    "one_known_size": _ZERO + (
        "dynamic = Placeholder[dtype=float, shape=[?,1073741824]]()\n"
        "dims = Shape[T=float, out_type=int32](dynamic)\n"
    ) + _vector("one", 1) + _vector("two", 2) + (
        "second = StridedSlice[Index=int32, T=int32, begin_mask=0, ellipsis_mask=0, end_mask=0,"
        " new_axis_mask=0, shrink_axis_mask=1](dims, one, two, one)\n"
        "known = Pack[N=1, T=int32, axis=0](second)\n"
        "bomb = Fill[T=float, index_type=int32](known, zero)\n"
    ),
}  # fmt: skip
