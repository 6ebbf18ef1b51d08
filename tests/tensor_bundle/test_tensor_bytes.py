import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.tensor_bundle.checkpoint_index import Entry
from converter.tensor_bundle.tensor_bytes import encode, make_checksum

# That these are TensorFlow's bytes and checksums: test_checkpoint_index.py.
_STRINGS = st.lists(st.binary(max_size=300), max_size=20)


def _checksum(entry, blocks):
    checksum = make_checksum(entry)
    for block in blocks:
        checksum.update(memoryview(block))
    return checksum.value()


def _array(strings):
    array = np.empty([len(strings)], object)
    array[:] = strings
    return array


@given(_STRINGS, st.integers(1, 50))
def test_the_checksum_of_strings_does_not_depend_on_the_blocks(strings, size):
    data = b"".join(bytes(block) for block in encode(_array(strings)))
    entry = Entry(7, (len(strings),))
    blocks = [data[i : i + size] for i in range(0, len(data), size)]
    assert _checksum(entry, blocks) == _checksum(entry, [data])


@given(_STRINGS.filter(any), st.data())
def test_a_changed_byte_changes_the_checksum(strings, data):
    content = bytearray(b"".join(bytes(block) for block in encode(_array(strings))))
    entry = Entry(7, (len(strings),))
    before = _checksum(entry, [bytes(content)])
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    assert _checksum(entry, [bytes(content)]) != before


@pytest.mark.parametrize(
    "array", [np.float32(1.5), np.arange(6).reshape(2, 3).T, np.zeros([0, 3], np.int8)]
)
def test_numbers_are_as_in_memory(array):
    array = np.asarray(array)
    assert b"".join(bytes(block) for block in encode(array)) == array.tobytes()


def test_text_is_utf_8():
    array = np.array(["ä"], dtype=object)
    assert bytes(list(encode(array))[-1]) == "ä".encode()
