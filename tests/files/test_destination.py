"""Destinations that cannot be written are found before any work."""

import os
import pathlib

import pytest

from converter import errors
from converter.files import destination
from converter.files.destination import check_destination, check_file_place


@pytest.fixture
def source(tmp_path):
    (tmp_path / "source").mkdir()
    return tmp_path / "source"


@pytest.fixture
def _read_only(source, monkeypatch):
    """Makes file systems refuse new folders, as a read-only one does even to root."""
    assert source.is_dir()  # It was made before.

    def refuse(self, *_, **__):
        raise OSError(30, "Read-only file system", str(self))

    monkeypatch.setattr(pathlib.Path, "mkdir", refuse)


def test_nothing_is_left_of_the_check(source, tmp_path):
    check_destination(source, tmp_path / "a/b/model", overwrite=False)
    check_destination(source, pathlib.Path(os.path.relpath(tmp_path / "x")), overwrite=False)
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.usefixtures("_read_only")
def test_the_nearest_parent_decides(source, tmp_path):
    with pytest.raises(errors.DestinationError, match="model cannot be written: Read-only") as e:
        check_destination(source, tmp_path / "a/b/model", overwrite=False)
    assert not isinstance(e.value, errors.UsageError)


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_a_directory_without_permission(source, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(errors.DestinationError, match="cannot be written: Permission denied"):
        check_destination(source, tmp_path / "locked/model", overwrite=False)


def test_what_is_there_is_replaced_if_it_is_a_model(source, tmp_path):
    place = tmp_path / "model"
    place.mkdir()
    with pytest.raises(errors.UnsuitableDestinationError, match="exists already"):
        check_destination(source, place, overwrite=False)
    check_destination(source, place, overwrite=True)  # It is empty.
    (place / "thesis.tex").touch()
    with pytest.raises(errors.UnsuitableDestinationError, match="so it is not replaced") as caught:
        check_destination(source, place, overwrite=True)
    assert isinstance(caught.value, errors.UsageError)
    (place / "saved_model.pb").touch()
    check_destination(source, place, overwrite=True)


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_link_that_leads_nowhere_is_refused(overwrite, source, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(errors.UnsuitableDestinationError, match="link that leads nowhere"):
        check_destination(source, tmp_path / "link", overwrite=overwrite)


@pytest.mark.parametrize("where", [".", "inside", ".."])
def test_source_and_destination_are_apart(source, where):
    with pytest.raises(errors.UnsuitableDestinationError, match="lie one inside the other"):
        check_destination(source, source / where, overwrite=True)


def test_a_file_that_is_there_stays_as_it_is(tmp_path):
    path = tmp_path / "a"
    path.write_text("x")
    os.utime(path, (1, 1))
    check_file_place(path)
    check_file_place(tmp_path / "new")
    assert path.read_text() == "x"
    assert path.stat().st_mtime == 1
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_in_no_directory(tmp_path):
    with pytest.raises(errors.DestinationError, match="cannot be written: No such file"):
        check_file_place(tmp_path / "nowhere/a")
    with pytest.raises(errors.DestinationError, match="cannot be written: Is a directory"):
        check_file_place(tmp_path)


def test_the_parent_of_the_root_is_the_root():
    assert destination._nearest_parent(pathlib.Path("/a/b")) == pathlib.Path("/")
