import pytest

from converter.formats.registry import read_module
from converter.ir.graph import Kind, TensorRef
from converter.parity.uses import Use, UseFinder


@pytest.fixture(scope="module")
def find_use(golden):
    """`find_use(fixture, signature, input)` returns the use of an input's values."""

    def find(name, signature, key):
        legacy = read_module(golden(name))
        program = next(iter(legacy.variants.values()))
        info = program.signatures[signature].inputs[key]
        ref = info.components[1] if info.kind is Kind.SPARSE else info.components[0]
        return UseFinder(legacy, program).find(ref)

    return find


def test_rows_of_an_embedding(find_use):
    assert find_use("ref_embedding", "default", "default").limit == 7


def test_rows_that_are_scattered_to(find_use):
    assert find_use("ref_scatter", "add", "ids").limit == 7


def test_depth_of_a_one_hot(find_use):
    assert find_use("bert_tiny", "tokens", "segment_ids").limit == 2


def test_the_smallest_limit_counts(find_use):
    assert find_use("layers_segments", "default", "groups").limit == 4


def test_ids_through_other_ops(find_use):
    assert find_use("bert_tiny", "tokens", "input_ids").limit == 40


def test_words_of_a_vocabulary_file(find_use, golden):
    words = (golden("table_file") / "assets" / "words.txt").read_bytes().splitlines()
    assert find_use("table_file", "default", "default").keys == tuple(words)


def test_words_of_a_table_in_memory(find_use):
    use = find_use("table_in_memory", "index", "words")
    assert use.keys
    assert all(isinstance(key, bytes) for key in use.keys)


def test_line_numbers_of_a_vocabulary(find_use):
    use = find_use("table_index_to_string", "default", "default")
    assert use.keys == tuple(range(len(use.keys)))
    assert use.keys


def test_sentences(find_use):
    use = find_use("text_embedding_mean", "default", "text")
    assert use.in_sentences
    assert use.keys


def test_encoded_images_and_numbers(find_use):
    assert find_use("layers_image_bytes", "default", "default").encoding == "png"
    assert find_use("layers_strings", "default", "numbers").encoding == "number"


def test_sizes(find_use):
    assert find_use("random_noise", "default", "shape").is_size


def test_width_of_what_it_is_multiplied_by(find_use):
    assert find_use("sparse_input", "default", "default").width == 5
    assert find_use("dense_regularized", "default", "default").width == 6


def test_no_use_that_is_known(find_use):
    assert find_use("half_plus_two", "default", "default") == Use()


@pytest.fixture
def use_of_x(make_program):
    """`use_of_x(text)` returns the use of `x` in a graph."""
    return lambda text: UseFinder(None, make_program(text)).find(TensorRef("x"))


@pytest.mark.parametrize("op", ["Greater", "GreaterEqual", "Less", "LessEqual"])
@pytest.mark.parametrize("inputs", ["x, n", "n, x"])
def test_trip_counts(op, inputs, use_of_x):
    use = use_of_x(f"x = Placeholder()\nn = Const()\nc = {op}({inputs})")
    assert use == Use(is_compared=True)


@pytest.mark.parametrize("op", ["Equal", "NotEqual", "AddV2", "Range"])
def test_what_is_not_compared_as_a_trip_count_is(op, use_of_x):
    assert use_of_x(f"x = Placeholder()\nn = Const()\nc = {op}(x, n)") == Use()


def test_trip_counts_of_loops(use_of_x):
    text = """
        x = Placeholder()
        x/enter = Enter[frame_name="f", is_constant=true](x)
        zero = Const()
        i/enter = Enter[frame_name="f"](zero)
        i = Merge(i/enter, i/next)
        least = Minimum(x/enter, i)
        less = Less(i, least)
        more = LoopCond(less)
        i/switch = Switch(i, more)
        i/next = NextIteration(i/switch:1)
    """
    assert use_of_x(text).is_compared


_ARRAYS = """
    x = Placeholder()
    i = Const()
    flow = Const()
    array = TensorArrayV3[dtype=int32](i)
    table = Const[value={tensor { dtype: DT_FLOAT tensor_shape { dim { size: 7 } } }}]()
"""


@pytest.mark.parametrize(
    "write",
    [
        "TensorArrayWriteV3(array, i, x, flow)",
        "TensorArrayScatterV3(array, i, x, flow)",
        "TensorArraySplitV3(array, x, i, flow)",
    ],
)
@pytest.mark.parametrize(
    "read",
    [
        "TensorArrayReadV3(array, i, w)",
        "TensorArrayGatherV3(array, i, w)",
        "TensorArrayConcatV3(array, w)",
    ],
)
def test_ids_through_arrays(write, read, use_of_x):
    text = f"{_ARRAYS}w = {write}\nr = {read}\ny = GatherV2(table, r, axis)\n"
    assert use_of_x(text + "axis = Const[value={tensor { dtype: DT_INT32 }}]()") == Use(limit=7)


def test_the_size_of_an_array_says_nothing_of_its_elements(use_of_x):
    text = _ARRAYS + "w = TensorArrayWriteV3(array, i, x, flow)\ns = TensorArraySizeV3(array, w)\n"
    assert use_of_x(text + "c = Less(i, s)") == Use()
