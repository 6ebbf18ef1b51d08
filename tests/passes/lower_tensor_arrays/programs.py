"""Programs that most tests of the pass begin with, as text."""


def _const(name, number, controls=""):
    return f"{name} = Const[dtype=int32, value=int32({number})]({controls})"


SOME = f"""
    n = _Arg[T=int32]()
    i = _Arg[T=int32]()
    j = _Arg[T=int32]()
    x = _Arg[T=float]()
    p = _Arg[T=bool]()
    {_const("zero", 0)}
    {_const("one", 1)}
"""
ARRAY = SOME + "a = TensorArrayV3[dtype=float, element_shape=[2,?]](n)\n"
ROWS = """
    shape = Shape[T=float, out_type=int32](x)
    begin = Const[dtype=int32, value=int32[1](0)]()
    stride = Const[dtype=int32, value=int32[1](1)]()
    rows = StridedSlice[T=int32, Index=int32, shrink_axis_mask=1](shape, begin, stride, stride)
    all = Range[Tidx=int32](zero, rows, one)
"""


def shape_const(*dims):
    return f"Const[dtype=int32, value=int32[{len(dims)}]({', '.join(map(str, dims))})]"


# An array that is filled at once, from a tensor that a caller gives.
STRINGS = """
    t = _Arg[T=string]()
    a = TensorArrayV3[dtype=string](n)
    all = Range[Tidx=int32](zero, n, one)
    w = TensorArrayScatterV3[T=string](a, all, t, a:1)
"""
