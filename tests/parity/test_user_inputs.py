import io

import numpy as np
import pytest

from converter import errors
from converter.ir.graph import Kind, Signature, TensorInfo, TensorRef
from converter.parity.user_inputs import check_keys, find_value, read_arrays

_FLOAT, _STRING = 1, 7
_DENSE = TensorInfo(Kind.DENSE, _FLOAT, (None,), (TensorRef("x"),))
_WORDS = TensorInfo(Kind.DENSE, _STRING, (None,), (TensorRef("w"),))
_SPARSE = TensorInfo(Kind.SPARSE, _FLOAT, (None, 2), tuple(map(TensorRef, "ivs")))
_SIGNATURE = Signature("default", {"a/b": _DENSE, "s": _SPARSE}, {})


def test_finds_by_input_and_by_signature():
    arrays = {"a/b": np.ones(2), "default/a/b": np.zeros(2)}
    assert find_value(arrays, "default", "a/b", _DENSE).tolist() == [0, 0]
    assert find_value(arrays, "other", "a/b", _DENSE).tolist() == [1, 1]
    assert find_value(arrays, "default", "c", _DENSE) is None


def test_casts_to_the_dtype_of_the_input():
    assert find_value({"x": np.array([1, 2])}, "default", "x", _DENSE).dtype == np.float32
    words = find_value({"x": np.array(["é", "b"])}, "default", "x", _WORDS)
    assert words.tolist() == ["é".encode(), b"b"]


@pytest.mark.parametrize(("array", "info"), [(np.array(["1"]), _DENSE), (np.ones(2), _WORDS)])
def test_refuses_another_kind_of_dtype(array, info):
    with pytest.raises(errors.UsageError, match="'x' has dtype"):
        find_value({"x": array}, "default", "x", info)


def test_composites_need_all_parts():
    parts = {
        "s_indices": np.array([[0, 1]]),
        "s_values": np.array([1.0]),
        "s_dense_shape": np.array([2, 2]),
    }
    value = find_value(parts, "default", "s", _SPARSE)
    assert value.values.dtype == np.float32
    del parts["s_values"]
    with pytest.raises(errors.UsageError, match="lacks 's_values'"):
        find_value(parts, "default", "s", _SPARSE)


def test_names_the_known_keys():
    check_keys({"a/b": np.ones(1), "default/s_values": np.ones(1)}, [_SIGNATURE])
    with pytest.raises(errors.UsageError, match=r"'nope'.*'default/a/b'"):
        check_keys({"nope": np.ones(1)}, [_SIGNATURE])


def _compressed(change):
    file = io.BytesIO()
    np.savez_compressed(file, x=np.ones(100))
    content = bytearray(file.getvalue())
    change(content)
    return bytes(content)


def _damage_stream(content):
    content[60:64] = b"\xff" * 4


def _set_method(content):
    content[8] = content[content.rindex(b"PK\1\2") + 10] = 99


def _encrypt(content):
    content[6] |= 1
    content[content.rindex(b"PK\1\2") + 8] |= 1


@pytest.mark.parametrize(
    "content",
    [None, b"not an archive", *map(_compressed, (_damage_stream, _set_method, _encrypt))],
)
def test_a_file_that_holds_no_arrays(content, tmp_path):
    path = tmp_path / "inputs.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(errors.UsageError, match="cannot be read") as caught:
        read_arrays(path)
    assert "numpy.savez" in caught.value.remedy
