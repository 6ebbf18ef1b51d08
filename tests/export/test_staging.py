import pytest

from converter import errors
from converter.export.staging import staged


def _write(path, text):
    (path / "variables").mkdir()
    (path / "saved_model.pb").write_bytes(text)
    (path / "variables" / "v").write_bytes(text)


def _fail_halfway(path):
    with staged(path, overwrite=True) as staging:
        _write(staging, b"new")
        raise ValueError("no")


@pytest.fixture(params=["local", "remote"])
def root(request, tmp_path, remote):
    return tmp_path if request.param == "local" else remote


def test_it_appears_when_it_is_complete(root):
    with staged(root / "a" / "out", overwrite=False) as staging:
        _write(staging, b"new")
        assert not (root / "a" / "out").exists()
    assert (root / "a" / "out" / "saved_model.pb").read_bytes() == b"new"
    assert (root / "a" / "out" / "variables" / "v").read_bytes() == b"new"
    assert [path.name for path in (root / "a").iterdir()] == ["out"]


def test_it_replaces(root):
    for text in (b"old", b"new"):
        with staged(root / "out", overwrite=True) as staging:
            _write(staging, text)
    assert (root / "out" / "saved_model.pb").read_bytes() == b"new"
    assert [path.name for path in root.iterdir()] == ["out"]


def test_an_error_leaves_the_old_one(root):
    with staged(root / "out", overwrite=False) as staging:
        _write(staging, b"old")
    with pytest.raises(ValueError, match="no"):
        _fail_halfway(root / "out")
    assert (root / "out" / "saved_model.pb").read_bytes() == b"old"
    assert [path.name for path in root.iterdir()] == ["out"]


def test_what_the_system_refuses_is_a_destination_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(errors.DestinationError), staged(tmp_path / "file" / "out", overwrite=False):
        pass
