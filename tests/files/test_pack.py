import os
import tarfile

import pytest

from converter.files.pack import pack


@pytest.fixture
def saved_model(tmp_path):
    root = tmp_path / "model"
    (root / "variables").mkdir(parents=True)
    (root / "saved_model.pb").write_bytes(b"graph")
    (root / "variables/variables.index").write_bytes(b"index")
    (root / "assets").mkdir()
    return root


def test_it_is_rooted_at_the_model_and_in_order(saved_model, tmp_path):
    pack(saved_model, tmp_path / "a.tar.gz")
    with tarfile.open(tmp_path / "a.tar.gz") as archive:
        assert archive.getnames() == ["saved_model.pb", "variables/variables.index"]
        assert archive.extractfile("saved_model.pb").read() == b"graph"
        for member in archive:
            assert (member.mode, member.mtime, member.uid, member.uname) == (0o644, 0, 0, "")


def test_the_order_is_that_of_the_names_as_text(saved_model, tmp_path):
    """A folder's files do not stand together: `-` sorts before `/`."""
    (saved_model / "variables-old").write_bytes(b"")
    pack(saved_model, tmp_path / "a.tar.gz")
    with tarfile.open(tmp_path / "a.tar.gz") as archive:
        assert archive.getnames() == sorted(archive.getnames())


def test_the_bytes_depend_on_the_files_alone(saved_model, tmp_path):
    pack(saved_model, tmp_path / "a.tar.gz")
    os.utime(saved_model / "saved_model.pb", (1, 1))
    (saved_model / "saved_model.pb").chmod(0o400)
    moved = saved_model.rename(tmp_path / "moved")
    pack(moved, tmp_path / "b.tar.gz")
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()


def test_the_bytes_tell_of_the_files(saved_model, tmp_path):
    pack(saved_model, tmp_path / "a.tar.gz")
    (saved_model / "saved_model.pb").write_bytes(b"grapH")
    pack(saved_model, tmp_path / "b.tar.gz")
    assert (tmp_path / "a.tar.gz").read_bytes() != (tmp_path / "b.tar.gz").read_bytes()
