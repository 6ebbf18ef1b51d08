import contextlib

import pytest

from converter import errors
from converter.files import remote_staging, scratch
from converter.files.paths import RemotePath
from converter.files.staging import staged, sweep_beside


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


def test_a_fault_while_files_are_moved_leaves_the_old_one_or_the_new_one(remote, monkeypatch):
    rename = RemotePath.rename

    def fail(self, target):
        nonlocal left
        left -= 1
        if not left:
            raise OSError(None, "lost")
        rename(self, target)

    monkeypatch.setattr(RemotePath, "rename", fail)
    for number in range(1, 6):
        left = 100
        place = remote / str(number) / "out"
        with staged(place, overwrite=True) as staging:
            _write(staging, b"old")
            (staging / "only_old").write_bytes(b"old")
        with contextlib.suppress(errors.DestinationError), staged(place, overwrite=True) as staging:
            _write(staging, b"new")
            left = number
        assert left <= 0
        assert {path.read_bytes() for path in place.walk_files()} == {b"old"}
        assert len(list(place.walk_files())) == 3
        assert [path.name for path in place.parent.iterdir()] == ["out"]


@pytest.mark.parametrize("moved", range(7))
def test_what_a_killed_one_had_moved_aside_comes_back(remote, monkeypatch, moved):
    place, left = remote / "out", 100
    rename = RemotePath.rename

    def die(self, target):
        nonlocal left
        if left <= 0:
            raise _Killed
        left -= 1
        rename(self, target)

    with staged(place, overwrite=True) as staging:
        _write(staging, b"old")
        (staging / "only_old").write_bytes(b"old")
    with monkeypatch.context() as patched:
        patched.setattr(RemotePath, "rename", die)
        patched.setattr(remote_staging, "clear_remotely", lambda _: None)
        patched.setattr(remote_staging, "scratch_name", lambda: f".tf1hub-{'0' * 12}-x-1-x")
        with contextlib.suppress(_Killed), staged(place, overwrite=True) as staging:
            _write(staging, b"new")
            left = moved
    with monkeypatch.context() as patched:
        patched.setattr(scratch, "is_abandoned", lambda name: name.startswith(".tf1hub-"))
        sweep_beside(place)
    versions = {path.read_bytes() for path in place.walk_files()}
    assert versions == ({b"old"} if moved < 5 else {b"new"})
    assert len(list(place.walk_files())) == (3 if moved < 5 else 2)
    assert [path.name for path in place.parent.iterdir()] == ["out"]


class _Killed(BaseException):
    pass
