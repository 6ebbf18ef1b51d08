"""Graphs that would take all memory are refused, and others are not."""

import time

import pytest
from safety.bombs import BOMBS

from converter import errors, limits
from converter.compile.compile_module import compile_module
from converter.formats.registry import read_module
from converter.ir.graph import TensorRef
from converter.ir.region import Branch, Carried, Loop, Region
from converter.ir.text import parse_graph
from converter.safety.bounds import check_bounds


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_at_once(name, bomb):
    module = bomb(name)
    start = time.perf_counter()
    with pytest.raises(errors.UnsafeModuleError) as caught:
        compile_module(read_module(module))
    assert time.perf_counter() - start < 20
    assert caught.value.node


def _check(text, shapes=(), **fields):
    graph = parse_graph(text)
    items = tuple(node for node in graph.nodes.values() if node.op != "_Arg")
    check_bounds(Region(graph.args, items, graph.results), shapes, **fields)


_STORED = "w = Const[dtype=half, value=half[50,1000]{" + ", ".join(["0.0"] * 50_000) + "}]()\n"
_CAST = "{name} = Cast[SrcT=half, DstT=float](w)\n"


@pytest.fixture
def _small_limit(monkeypatch):
    monkeypatch.setattr(limits, "MAX_COMPUTED_CONSTANTS_BYTES", 10_000)


@pytest.mark.usefixtures("_small_limit")
def test_casts_of_stored_weights_pass():
    """A hundred kilobytes of half precision become two hundred of single precision."""
    _check(_STORED + _CAST.format(name="c") + "return c")
    twice = _STORED + _CAST.format(name="c") + _CAST.format(name="d") + "return c"
    _check(twice)
    with pytest.raises(errors.UnsafeModuleError, match="op 'Cast' makes") as caught:
        _check(twice.replace("return", _CAST.format(name="e") + "return"))
    assert caught.value.node == "e"


@pytest.mark.usefixtures("_small_limit")
def test_views_take_nothing():
    views = "".join(f"i{n} = Identity[T=half]({f'i{n - 1}' if n else 'w'})\n" for n in range(99))
    _check(_STORED + views + "return i98")


def test_a_table_of_positions_passes():
    """BERT-Large has 512 positions of 1024 floats; here they are computed."""
    _check(
        "zero = Const[dtype=float, value=float(0.0)]()\n"
        "one = Const[dtype=float, value=float(1.0)]()\n"
        "rows = Const[dtype=float, value=float(512.0)]()\n"
        "columns = Const[dtype=float, value=float(1024.0)]()\n"
        "axis = Const[dtype=int32, value=int32(1)]()\n"
        "row = Range[Tidx=float](zero, rows, one)\n"
        "column = Range[Tidx=float](zero, columns, one)\n"
        "position = ExpandDims[T=float, Tdim=int32](row, axis)\n"
        "angle = RealDiv[T=float](position, column)\n"
        "s = Sin[T=float](angle)\nc = Cos[T=float](angle)\n"
        "table = ConcatV2[N=2, T=float, Tidx=int32](s, c, axis)\nreturn table"
    )


_ZEROS_LIKE = (
    "x = _Arg[T=float]()\n"
    "zero = Const[dtype=float, value=float(0.0)]()\n"
    "dims = Shape[T=float, out_type=int32](x)\n"
    "parts_0 = Unpack[T=int32, num=2, axis=0](dims)\n"
    "again = Pack[N=2, T=int32, axis=0](parts_0, parts_0:1)\n"
    "y = Fill[T=float, index_type=int32](again, zero)\nreturn y"
)


@pytest.mark.parametrize("shape", [None, (None, 1 << 40), (1 << 40, None), (8, 128)])
def test_a_size_that_only_a_call_tells_passes(shape):
    _check(_ZEROS_LIKE, [shape])


def test_a_size_that_the_signature_tells_is_bounded():
    with pytest.raises(errors.UnsafeModuleError, match="op 'Fill' makes 4096 MiB"):
        _check(_ZEROS_LIKE, [(1 << 15, 1 << 15)])


def test_the_shape_of_a_variable_is_known():
    text = _ZEROS_LIKE.replace("_Arg[T=float]()", '_VariableValue[key="w"]()')
    _check(text, variables={"w": (8, 128)})
    with pytest.raises(errors.UnsafeModuleError):
        _check(text, variables={"w": (1 << 15, 1 << 15)})


def test_what_wraps_around_is_not_taken_for_small():
    """2^16 squared is 0 as an int32, and 2^33 times something is any size."""
    with pytest.raises(errors.UnsafeModuleError, match="cannot be bounded"):
        _check(
            "zero = Const[dtype=float, value=float(0.0)]()\n"
            "n = Const[dtype=int32, value=int32[1](-65537)]()\n"
            "dims = Mul[T=int32](n, n)\n"
            "y = Fill[T=float, index_type=int32](dims, zero)\nreturn y"
        )


def test_what_stateful_ops_make_is_not_computed():
    _check(
        "dims = Const[dtype=int32, value=int32[2](32768, 32768)]()\n"
        "y = RandomUniform[T=int32, dtype=float](dims)\nz = Tanh[T=float](y)\nreturn z"
    )


def test_carried_values_of_loops_are_not_constants():
    inner = Region(("i",), (), (TensorRef("i"),))
    loop = Loop("l", (Carried("i", TensorRef("n"), (), TensorRef("out")),), inner, inner)
    graph = parse_graph(
        "zero = Const[dtype=float, value=float(0.0)]()\n"
        "n = Const[dtype=int32, value=int32(1)]()\n"
        "out = NoOp()\n"
        "dims = Pack[N=1, T=int32, axis=0](out)\n"
        "y = Fill[T=float, index_type=int32](dims, zero)\nreturn y"
    )
    zero, n, _, *after = graph.nodes.values()
    check_bounds(Region((), (zero, n, loop, *after), graph.results))


def test_graphs_inside_of_loops_are_bounded():
    graph = parse_graph(BOMBS["fill"] + "return bomb")
    body = Region((), tuple(graph.nodes.values()), ())
    branch = Branch(TensorRef("p"), body, Region((), (), ()), ())
    with pytest.raises(errors.UnsafeModuleError):
        check_bounds(Region((), (branch,), ()))


_READ = (
    'name = Const[dtype=string, value=string[]("sizes")]()\n'
    "read = ReadFile(name)\n"
    "raw = DecodeRaw[little_endian=true, out_type=uint8](read)\n"
    "shape = Cast[SrcT=uint8, DstT=int32](raw)\n"
    "zero = Const[dtype=float, value=float[]{0.0}]()\n"
    "fill = Fill[T=float, index_type=int32](shape, zero)\n"
)


def test_nothing_bounds_what_an_op_decides_that_the_user_lets_through():
    _check(_READ + "return fill")


def test_a_bomb_beside_such_an_op_is_refused():
    many = "n = Const[dtype=int32, value=int32[1]{2000000000}]()\n"
    known = "bomb = Fill[T=string, index_type=int32](n, read)\n"
    with pytest.raises(errors.UnsafeModuleError, match="op 'Fill' makes") as caught:
        _check(_READ + many + known + "return bomb")
    assert caught.value.node == "bomb"


def test_the_same_is_refused_where_no_such_op_decides():
    shape = "shape = Cast[SrcT=half, DstT=int32](w)\n"
    sizes = ", ".join(["1.0"] * 200)
    text = f"w = Const[dtype=half, value=half[200]{{{sizes}}}]()\n{shape}{_READ.splitlines()[-2]}"
    with pytest.raises(errors.UnsafeModuleError, match="cannot be bounded"):
        _check(f"{text}\nfill = Fill[T=float, index_type=int32](shape, zero)\nreturn fill")


def test_a_range_of_more_numbers_than_a_float_counts_is_refused():
    consts = "".join(
        f"{name} = Const[dtype=double, value=double({value})]()\n"
        for name, value in (("zero", 0.0), ("far", 1e300), ("near", 1e-300))
    )
    with pytest.raises(errors.UnsafeModuleError) as caught:
        _check(consts + "r = Range[Tidx=double](zero, far, near)\nreturn r")
    assert caught.value.node == "r"


def test_more_bytes_than_a_float_counts_are_refused():
    sides = ", ".join(["1000000000000"] * 30)
    with pytest.raises(errors.UnsafeModuleError, match="op 'Fill' makes"):
        _check(
            f"sides = Const[dtype=int64, value=int64[30]{{{sides}}}]()\n"
            "one = Const[dtype=float, value=float(1.0)]()\n"
            "f = Fill[T=float, index_type=int64](sides, one)\nreturn f"
        )
