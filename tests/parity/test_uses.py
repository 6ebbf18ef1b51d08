import pytest

from converter.formats.registry import read_module
from converter.ir.graph import Kind
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
