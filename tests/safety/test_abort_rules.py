"""Nodes at which TensorFlow would end the process are refused, and others are not."""

import pytest

from converter import errors
from converter.ir.region import Region
from converter.ir.text import parse_graph
from converter.safety.bounds import check_bounds

_ARGS = "x = _Arg[T=float]()\ni = _Arg[T=int32]()\nhandle = _Arg[T=resource]()\n"
_CONSTANTS = """
    none = Const[dtype=int32, value=int32[0]{}]()
    zero = Const[dtype=int32, value=int32(0)]()
    sizes = Const[dtype=int32, value=int32[2]{1, 2}]()
    matrix = Const[dtype=int32, value=int32[1,2]{1, 2}]()
    unique = Unique[T=int32, out_idx=int32](sizes)
    image = Const[dtype=uint8, value=uint8[2,0,3]{}]()
    rank = Rank[T=int32](sizes)
    hidden = Squeeze[T=int32](unique)
"""


def _check(text):
    graph = parse_graph(f"{_ARGS}{_CONSTANTS}{text}")
    items = tuple(node for node in graph.nodes.values() if node.op != "_Arg")
    check_bounds(Region(graph.args, items, ()), producer=_PRODUCER)


_PRODUCER = 134  # TensorFlow 1.15
_GATHER = "y = GatherV2[Tparams=float, Tindices=int32, Taxis=int32{}](x, i, {})"
_SPLIT = "y = SplitV[T=float, Tlen=int32, num_split=2](x, {}, zero)"
# No rule knows the shape of Lgamma: TensorFlow is asked.
_TREES = """
    f = Reshape[T=float, Tshape=int32](x, {})
    g = Lgamma[T=float](f)
    ids = Bitcast[T=float, type=int32](g)
    y = BoostedTreesPredict[num_bucketized_features=1, logits_dimension=1](handle, ids)
"""
_PAD = "y = Pad[T=float, Tpaddings=int32](x, {})"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (_GATHER.format(", batch_dims=4", "i"), "batch_dims=4"),
        (_GATHER.format(", batch_dims=-1", "i"), "batch_dims=-1"),
        (
            _GATHER.format(", batch_dims=4", "zero").replace("x, i", "sizes, zero"),
            "inputs of rank 1 and 0",
        ),
        (_GATHER.format(", batch_dims=-2147483648", "zero"), "batch_dims=-2147483648"),
        ("y = RandomIndexShuffle[rounds=-1, dtype=int32, Tseed=int32](i, i, i)", "rounds=-1"),
        ("y = EncodePng[T=uint8](image)", "without elements"),
        (_GATHER.format(", batch_dims=1", "rank"), "batch_dims=1"),
        (_GATHER.format("", "hidden"), "input 2 is a constant of unknown rank"),
        (_SPLIT.format("zero"), "rank 0"),
        (_SPLIT.format("matrix"), "rank 2"),
        (_SPLIT.format("hidden"), "input 1 is a constant of unknown rank"),
        (_PAD.format("hidden"), "input 1 is a constant of unknown rank"),
        (_TREES.format("none"), "input 1 is a scalar"),
    ],
)
def test_what_could_end_the_process_is_refused(text, problem):
    with pytest.raises(errors.UnsafeModuleError, match="could crash TensorFlow") as caught:
        _check(text)
    assert problem in caught.value.message
    assert caught.value.node == "y"


@pytest.mark.parametrize("length", [254, 255, (1 << 62) + 1])
def test_more_dimensions_than_there_are(length):
    """Of a `Transpose` of unknown rank, the permutation tells the rank."""
    graph = parse_graph("x = _Arg[T=float]()\np = _Arg[T=int32]()\ny = Transpose[T=float](x, p)")
    region = Region(graph.args, (graph.nodes["y"],), ())
    if length == 254:
        check_bounds(region, [None, (length,)])
        return
    with pytest.raises(errors.UnsafeModuleError, match=f"asks for {length} dimensions"):
        check_bounds(region, [None, (length,)])


@pytest.mark.parametrize(
    "node",
    [
        "Transpose[T=float](x, u)",
        "ConjugateTranspose[T=float](x, u)",
        "DecodeAndCropJpeg[](words, u)",
        "IRFFT2D[](waves, u)",
        "ResizeBilinear[T=float](x, u)",
    ],
)
def test_a_constant_of_any_length_where_so_many_elements_are_read(node):
    with pytest.raises(errors.UnsafeModuleError, match="a constant of unknown length"):
        _check(
            "words = Placeholder[dtype=string]()\nwaves = Placeholder[dtype=complex64]()\n"
            f"u = Unique[T=int32, out_idx=int32](sizes)\ny = {node}"
        )


def test_sound_is_analysed_in_calls_only():
    analysis = "y = AudioMicrofrontend[out_type=float]({})"
    _check("sound = Placeholder[dtype=int16]()\n" + analysis.format("sound"))
    with pytest.raises(errors.UnsafeModuleError, match="it analyses constant sound"):
        _check("sound = Const[dtype=int16, value=int16[2]{1, 2}]()\n" + analysis.format("sound"))


def test_a_permutation_of_many_columns():
    graph = parse_graph("x = _Arg[T=float]()\np = _Arg[T=int32]()\ny = Transpose[T=float](x, p)")
    with pytest.raises(errors.UnsafeModuleError, match="asks for 300 dimensions"):
        check_bounds(Region(graph.args, (graph.nodes["y"],), ()), [None, (4, 300)])


@pytest.mark.parametrize(
    "text",
    [
        _GATHER.format("", "i"),
        "y = RandomIndexShuffle[dtype=int32, Tseed=int32](i, i, i)",
        _GATHER.format(", batch_dims=1", "zero"),
        _SPLIT.format("sizes"),
        _SPLIT.format("i"),
        _PAD.format("i"),
        _TREES.format("sizes"),
        _TREES.format("i"),
        "y = AddV2[T=int32](hidden, i)",
        "y = Shape[T=int32, out_type=int32](hidden)",
    ],
)
def test_what_exporters_write_passes(text):
    _check(text)
