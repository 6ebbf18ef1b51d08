import tarfile

import pytest

from converter import errors
from converter.build_actions.stage import staged_module


def names(root):
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())


@pytest.fixture
def half(golden_links):
    return golden_links("half_plus_two")


def test_files_are_copied_below_a_folder_of_the_module_s_name(half, tmp_path):
    with staged_module(half, tmp_path) as module:
        assert module.directory.name == "half"
        assert names(module.directory) == names(tmp_path / "sandbox/half")
        assert not any(path.is_symlink() for path in module.directory.rglob("*"))
    assert not module.directory.exists()
    assert all(link.is_symlink() for link in half)


@pytest.mark.usefixtures("half")
def test_a_directory_is_copied(tmp_path):
    with staged_module([tmp_path / "sandbox/half"], tmp_path) as module:
        assert module.directory.name == "half"
        assert names(module.directory) == names(tmp_path / "sandbox/half")


@pytest.mark.usefixtures("half")
def test_an_archive_is_unpacked(tmp_path):
    with tarfile.open(tmp_path / "v1.tar.gz", "w:gz", dereference=True) as archive:
        archive.add(tmp_path / "sandbox/half", "")
    with staged_module([tmp_path / "v1.tar.gz"], tmp_path) as module:
        assert module.directory.name == "v1"
        assert names(module.directory) == names(tmp_path / "sandbox/half")


def test_the_outermost_graph_is_the_module_s(half, tmp_path):
    inner = tmp_path / "sandbox/half/assets/inner/saved_model.pb"
    inner.parent.mkdir(parents=True)
    inner.write_bytes(b"")
    with staged_module([inner, *half], tmp_path) as module:
        assert module.directory.name == "half"
        assert "assets/inner/saved_model.pb" in names(module.directory)


def test_a_file_that_is_not_the_module_s_is_refused(half, tmp_path):
    other = tmp_path / "sandbox/other.txt"
    other.write_text("")
    refused = pytest.raises(errors.FormatError, match=r"other\.txt.*not below")
    with refused, staged_module([*half, other]):
        pass


def test_files_without_a_graph_are_refused(half):
    without = [path for path in half if path.name != "saved_model.pb"]
    refused = pytest.raises(errors.FormatError, match=r"none is saved_model\.pb.*glob")
    with refused, staged_module(without):
        pass
