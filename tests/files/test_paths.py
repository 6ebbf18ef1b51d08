import io
import pathlib

import pytest

from converter.files.paths import RemotePath, as_path, read_blocks, size_bytes


@pytest.mark.parametrize("text", ["a/b", "/a", "C:/x", "a:b", "."])
def test_local_paths(text):
    assert as_path(text) == pathlib.Path(text)


def test_a_path_may_begin_at_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert as_path("~/module") == tmp_path / "module"
    assert as_path("~") == tmp_path
    assert str(as_path("a/~/b")) == "a/~/b"
    assert str(as_path("~nobody")) == "~nobody"


def test_remote_paths():
    assert as_path("gs://bucket/x") == RemotePath("gs://bucket/x")
    assert as_path(RemotePath("gs://bucket/x")) == RemotePath("gs://bucket/x")
    assert as_path("file:///tmp/x") == pathlib.Path("/tmp/x")
    assert as_path(pathlib.Path("x")) == pathlib.Path("x")


def test_parts_of_remote_paths():
    path = RemotePath("gs://bucket/a/b.txt/")
    assert (str(path), path.name) == ("gs://bucket/a/b.txt", "b.txt")
    assert str(path.parent) == "gs://bucket/a"
    assert str(path.with_name("c")) == "gs://bucket/a/c"
    assert str(path.with_suffix(".json")) == "gs://bucket/a/b.json"
    assert str(path / ".." / "c") == "gs://bucket/a/c"
    assert path.relative_to(RemotePath("gs://bucket")).as_posix() == "a/b.txt"
    assert path.is_relative_to(path)
    assert not RemotePath("gs://bucket/ab").is_relative_to(RemotePath("gs://bucket/a"))
    with pytest.raises(ValueError, match="is not below"):
        path.relative_to(RemotePath("gs://other"))
    with pytest.raises(ValueError, match="no scheme"):
        RemotePath("a/b")


def test_files_and_directories(remote):
    assert remote.is_dir()
    file = remote / "x" / "f"
    file.parent.mkdir()
    file.write_bytes(b"content")
    assert file.is_file()
    assert file.exists()
    assert not file.is_dir()
    assert not file.is_symlink()
    assert not (remote / "none").exists()
    assert file.read_bytes() == b"content"
    assert size_bytes(file) == 7
    assert [p.name for p in remote.iterdir()] == ["x"]
    assert list(remote.walk_files()) == [file]
    file.rename(remote / "g")
    assert [p.name for p in remote.walk_files()] == ["g"]
    with pytest.raises(OSError, match="not empty"):
        remote.rmdir()
    (remote / "g").unlink()
    assert list(remote.walk_files()) == []


def test_downloads(remote, tmp_path):
    (remote / "x").mkdir()
    (remote / "x" / "f").write_bytes(b"content")
    remote.download(tmp_path / "all")
    assert (tmp_path / "all" / "x" / "f").read_bytes() == b"content"
    (remote / "x" / "f").download(tmp_path / "one")
    assert (tmp_path / "one").read_bytes() == b"content"


def test_errors_are_those_of_the_operating_system(remote):
    with pytest.raises(OSError, match="none"):
        (remote / "none").read_bytes()
    with pytest.raises(OSError, match="nosuchscheme"):
        RemotePath("nosuchscheme://x").exists()


def test_size_of_local_files(tmp_path):
    (tmp_path / "f").write_bytes(b"1234")
    assert size_bytes(tmp_path / "f") == 4


@pytest.mark.parametrize("total", [None, 0, 3, 10, 100])
def test_blocks(total, tmp_path):
    (tmp_path / "f").write_bytes(b"0123456789")
    with (tmp_path / "f").open("rb", buffering=0) as file:
        unbuffered = [bytes(block) for block in read_blocks(file, 4, total)]
    buffered = [bytes(block) for block in read_blocks(io.BytesIO(b"0123456789"), 4, total)]
    assert unbuffered == buffered
    assert b"".join(buffered) == b"0123456789"[:total]
    assert all(len(block) <= 4 for block in buffered)
