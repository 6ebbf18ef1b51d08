"""Programs that most tests of the pass begin with, as text."""

_SCALAR = "{{tensor {{ dtype: DT_INT32 tensor_shape {{ }} int_val: {} }}}}"


def _const(name, number, controls=""):
    return f"{name} = Const[dtype=int32, value={_SCALAR.format(number)}]({controls})"


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
    begin = Const[dtype=int32, value={tensor { dtype: DT_INT32 tensor_shape { dim { size: 1 } } int_val: 0 }}]()
    stride = Const[dtype=int32, value={tensor { dtype: DT_INT32 tensor_shape { dim { size: 1 } } int_val: 1 }}]()
    rows = StridedSlice[T=int32, Index=int32, shrink_axis_mask=1](shape, begin, stride, stride)
    all = Range[Tidx=int32](zero, rows, one)
"""  # noqa: E501


def shape_const(*dims):
    sizes = " ".join(f"int_val: {dim}" for dim in dims)
    shape = f"tensor_shape {{ dim {{ size: {len(dims)} }} }}"
    return f"Const[dtype=int32, value={{tensor {{ dtype: DT_INT32 {shape} {sizes} }}}}]"


# An array that is filled at once, from a tensor that a caller gives.
STRINGS = """
    t = _Arg[T=string]()
    a = TensorArrayV3[dtype=string](n)
    all = Range[Tidx=int32](zero, n, one)
    w = TensorArrayScatterV3[T=string](a, all, t, a:1)
"""
