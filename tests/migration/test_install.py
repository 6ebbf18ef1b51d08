"""Renaming into place: the old version, or the new one, whole."""

import pathlib

import pytest

from converter import errors
from converter.migration.install import check_replaceable, install


def make(place, content, record='{"record_version": 1}'):
    (place / "assets.extra").mkdir(parents=True)
    (place / "saved_model.pb").write_text(content)
    (place / "assets.extra/conversion.json").write_text(record)
    return place


def content(place):
    return (place / "saved_model.pb").read_text()


def test_it_is_put_where_nothing_was(tmp_path):
    install(make(tmp_path / "s/new", "new"), tmp_path / "a/b/c")
    assert content(tmp_path / "a/b/c") == "new"
    assert not (tmp_path / "s/new").exists()


def test_the_old_version_goes_to_staging(tmp_path):
    make(tmp_path / "c", "old")
    install(make(tmp_path / "s/new", "new"), tmp_path / "c")
    assert content(tmp_path / "c") == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c", "s"]


def test_the_old_version_stays_where_the_new_one_cannot_go(tmp_path, monkeypatch):
    make(tmp_path / "c", "old")
    new = make(tmp_path / "s/new", "new")
    rename = pathlib.Path.rename

    def fail(self, target):
        if self == new:
            raise OSError(18, "Invalid cross-device link")
        return rename(self, target)

    monkeypatch.setattr(pathlib.Path, "rename", fail)
    with pytest.raises(errors.DestinationError, match="cross-device"):
        install(new, tmp_path / "c")
    assert content(tmp_path / "c") == "old"


def test_a_parent_that_is_a_file_is_an_error(tmp_path):
    (tmp_path / "a").write_text("x")
    with pytest.raises(errors.DestinationError, match="cannot be written"):
        install(make(tmp_path / "s/new", "new"), tmp_path / "a/b")


def test_what_may_be_replaced(tmp_path):
    check_replaceable(tmp_path / "nowhere")
    check_replaceable(make(tmp_path / "ours", "x"))
    (tmp_path / "empty").mkdir()
    check_replaceable(tmp_path / "empty")


def test_a_model_is_not_put_into_another(tmp_path):
    make(tmp_path / "a", "x")
    with pytest.raises(errors.DestinationError, match=f"would lie in the SavedModel {tmp_path}/a"):
        check_replaceable(tmp_path / "a/b/c")


def test_what_was_put_there_meanwhile_is_not_replaced(tmp_path):
    new = make(tmp_path / "s/new", "new")
    (tmp_path / "c").mkdir()
    (tmp_path / "c/precious").write_text("x")
    with pytest.raises(errors.DestinationError, match="did not write it"):
        install(new, tmp_path / "c")
    assert (tmp_path / "c/precious").read_text() == "x"


def test_what_may_not_be_replaced(tmp_path):
    make(tmp_path / "other", "x", record="[]")
    make(tmp_path / "damaged", "x", record="{")
    make(tmp_path / "deep", "x", record="[" * 100_000)
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/user").write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("empty")
    (tmp_path / "dead").symlink_to("nowhere")
    for name in ("other", "damaged", "deep", "file", "folder", "link", "dead"):
        with pytest.raises(errors.DestinationError, match="did not write it"):
            check_replaceable(tmp_path / name)
