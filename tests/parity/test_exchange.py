import dataclasses
import json
import zipfile
from collections.abc import Mapping

import numpy as np
import pytest
import tensorflow as tf

from converter.parity.exchange import DamagedMessageError, read_message, write_message
from converter.parity.values import RaggedValue, SparseValue, Value

_LIMIT = 1 << 20


@dataclasses.dataclass(frozen=True)
class _Message:
    name: str
    count: int | None
    values: Mapping[str, Value]
    shape: tuple[int | None, ...] = ()
    tags: frozenset[str] = frozenset()
    pair: tuple[str, bool] = ("", False)
    gradient: np.ndarray | None = None


def _message(**values):
    return _Message("näme/\udcff", 3, values, (None, 2), frozenset("ab"), ("x", True))


def _there_and_back(message, path):
    write_message(path, message)
    return read_message(path, type(message), _LIMIT)


def _assert_same(one, other):
    assert one.dtype == other.dtype
    assert one.shape == other.shape
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "dtype",
    ["float16", "bfloat16", "float32", "float64", "complex64", "bool", "uint8", "int64", "qint8"],
)
def test_arrays_of_every_dtype(tmp_path, dtype):
    kind = tf.as_dtype(dtype).as_numpy_dtype
    for shape in ((), (0, 3), (2, 2)):
        array = np.ones(shape, kind)
        seen = _there_and_back(_message(a=array), tmp_path / "m")
        _assert_same(array, seen.values["a"])


def test_strings_keep_ending_zeros(tmp_path):
    array = np.empty((2, 2), object)
    array.reshape(-1)[:] = [b"", b"a\0\0", b"\xff", b"b"]
    seen = _there_and_back(_message(a=array, scalar=np.array(b"x\0", object)), tmp_path / "m")
    assert seen.values["a"].tolist() == array.tolist()
    assert seen.values["scalar"].item() == b"x\0"


def test_every_kind_of_value(tmp_path):
    one = np.array([1])
    message = _message(
        sparse=SparseValue(one, one, one), ragged=RaggedValue(one, (one, one)), array=one
    )
    seen = _there_and_back(message, tmp_path / "m")
    assert isinstance(seen.values["sparse"], SparseValue)
    assert isinstance(seen.values["ragged"], RaggedValue)
    assert (seen.name, seen.count, seen.shape) == (message.name, message.count, message.shape)
    assert (seen.tags, seen.pair, seen.gradient) == (message.tags, message.pair, None)


def _write(path, change):
    write_message(path, _message(a=np.ones(2, np.float32)))
    text = path.with_suffix(".json")
    document = json.loads(text.read_text())
    change(document)
    text.write_text(json.dumps(document))


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.pop("arrays"),
        lambda d: d.update(value=[]),
        lambda d: d["value"]["fields"].update(more=1),
        lambda d: d["value"]["fields"].pop("name"),
        lambda d: d["value"]["fields"].update(name=1),
        lambda d: d["value"]["fields"].update(count=True),
        lambda d: d["value"]["fields"].update(values={"map": [["a", {"array": 7}]]}),
        lambda d: d["value"]["fields"].update(values={"map": [[1, {"array": 0}]]}),
        lambda d: d["value"]["fields"].update(pair={"tuple": ["x"]}),
        lambda d: d.update(arrays=[["float32", [3]]]),
        lambda d: d.update(arrays=[["float32", [-1, -2]]]),
        lambda d: d.update(arrays=[["float32", [2.0]]]),
        lambda d: d.update(arrays=[["object", [1]]]),
        lambda d: d.update(arrays=[["resource", [1]]]),
        lambda d: d.update(arrays=[["string", [8]]]),
        lambda d: d.update(arrays=[["nonsense", [2]]]),
        lambda d: d.update(arrays=[["float32", [2]]] * 2),
    ],
)
def test_refuses_what_is_not_of_the_agreed_form(tmp_path, change):
    _write(tmp_path / "m", change)
    with pytest.raises(DamagedMessageError):
        read_message(tmp_path / "m", _Message, _LIMIT)


def test_refuses_bools_that_are_none(tmp_path):
    write_message(tmp_path / "m", _message(a=np.full(2, 7, np.uint8)))
    text = tmp_path / "m.json"
    text.write_text(text.read_text().replace("uint8", "bool"))
    with pytest.raises(DamagedMessageError, match="bool"):
        read_message(tmp_path / "m", _Message, _LIMIT)


def test_refuses_what_is_too_large(tmp_path):
    write_message(tmp_path / "m", _message(a=np.zeros(_LIMIT + 1, np.uint8)))
    with pytest.raises(DamagedMessageError, match="bytes"):
        read_message(tmp_path / "m", _Message, _LIMIT)


def test_refuses_small_files_of_large_arrays(tmp_path):
    write_message(tmp_path / "m", _message(a=np.zeros(_LIMIT + 1, np.uint8)))
    with zipfile.ZipFile(tmp_path / "m.npz") as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(tmp_path / "m.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    assert (tmp_path / "m.npz").stat().st_size < _LIMIT // 100
    with pytest.raises(DamagedMessageError, match="bytes"):
        read_message(tmp_path / "m", _Message, _LIMIT)


def test_never_unpickles(tmp_path):
    write_message(tmp_path / "m", _message(a=np.ones(1, np.uint8)))
    with (tmp_path / "m.npz").open("wb") as file:
        np.savez(file, **{"0": np.array([print], object)})
    with pytest.raises(DamagedMessageError, match="pickle"):
        read_message(tmp_path / "m", _Message, _LIMIT)


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff\xfe\x00", b"null"])
def test_refuses_what_is_no_json(tmp_path, content):
    write_message(tmp_path / "m", _message())
    (tmp_path / "m.json").write_bytes(content)
    with pytest.raises(DamagedMessageError):
        read_message(tmp_path / "m", _Message, _LIMIT)


def test_refuses_an_unknown_compression(tmp_path):
    write_message(tmp_path / "m", _message(a=np.ones(1)))
    path = tmp_path / "m.npz"
    content = bytearray(path.read_bytes())
    content[8] = content[content.index(b"PK\1\2") + 10] = 99
    path.write_bytes(content)
    with pytest.raises(DamagedMessageError, match="compression method"):
        read_message(tmp_path / "m", _Message, _LIMIT)


def test_refuses_what_is_not_there(tmp_path):
    with pytest.raises(DamagedMessageError):
        read_message(tmp_path / "m", _Message, _LIMIT)
