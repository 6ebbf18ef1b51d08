import pathlib
import shutil

import pytest

from converter import errors
from converter.sources.kaggle_cache import add_entry, cached_versions, find_entry
from converter.sources.kaggle_handle import KaggleHandle

ELMO = KaggleHandle("google", "elmo", "tensorFlow1", "elmo", 3)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(folder))
    return folder


def place_in(cache, framework="tensorFlow1", version=3):
    return cache / "models/google/elmo" / framework / "elmo" / str(version)


def fill(folder):
    (folder / "new").mkdir()
    (folder / "new" / "saved_model.pb").write_bytes(b"x")
    return folder / "new"


def everything(cache):
    return sorted(path.relative_to(cache).as_posix() for path in cache.rglob("*"))


def test_an_entry_is_found_once_it_is_complete(cache):
    place = place_in(cache)
    assert find_entry(ELMO) is None
    assert cached_versions(ELMO) == ()
    place.mkdir(parents=True)
    with pytest.raises(errors.FormatError, match="holds only a part of google/elmo/tensorFlow1"):
        find_entry(ELMO)
    assert cached_versions(ELMO) == ()
    place.with_name("3.complete").touch()
    assert find_entry(ELMO) == place
    assert cached_versions(ELMO) == (3,)


@pytest.mark.parametrize("framework", ["TensorFlow1", "tensorflow1"])
def test_users_of_kagglehub_spell_the_framework_as_they_like(framework, cache):
    place_in(cache, framework).mkdir(parents=True)
    place_in(cache, framework).with_name("3.complete").touch()
    place_in(cache).mkdir(parents=True)
    assert find_entry(ELMO) == place_in(cache, framework)
    assert cached_versions(ELMO) == (3,)


def test_a_marker_without_its_directory_is_no_entry(cache):
    place_in(cache).parent.mkdir(parents=True)
    place_in(cache).with_name("3.complete").touch()
    assert find_entry(ELMO) is None
    assert cached_versions(ELMO) == ()


def test_versions_are_numbers_in_order(cache):
    for version in (10, 9, 1):
        place_in(cache, version=version).mkdir(parents=True)
        place_in(cache, version=version).with_name(f"{version}.complete").touch()
    place_in(cache, version="x").mkdir()
    place_in(cache, version="x").with_name("x.complete").touch()
    assert cached_versions(ELMO) == (1, 9, 10)


def test_an_entry_is_added_whole(cache):
    assert add_entry(ELMO, fill) == find_entry(ELMO) == place_in(cache)
    assert everything(place_in(cache).parent) == ["3", "3.complete", "3/saved_model.pb"]


def test_nothing_is_added_after_an_error(cache):
    def fail(folder):
        fill(folder)
        raise errors.FormatError("damaged")

    with pytest.raises(errors.FormatError, match="damaged"):
        add_entry(ELMO, fail)
    assert not cache.exists()


def test_the_leftovers_of_a_killed_process_are_removed(cache):
    left = place_in(cache).with_name(".tf1hub-" + "0" * 12 + "-" + "0" * 12 + "-1-x")
    left.mkdir(parents=True)
    from converter.files.scratch import is_abandoned, scratch_name

    own = place_in(cache).with_name(scratch_name().replace(scratch_name().split("-")[2], "0" * 12))
    own.mkdir()
    assert is_abandoned(own.name)
    add_entry(ELMO, fill)
    # That of another machine is left alone.
    assert [path.name for path in place_in(cache).parent.glob(".tf1hub*")] == [left.name]


def test_another_process_may_be_faster(cache):
    def fill_too_late(folder):
        place_in(cache).mkdir()
        (place_in(cache) / "first").touch()
        place_in(cache).with_name("3.complete").touch()
        return fill(folder)

    assert add_entry(ELMO, fill_too_late) == place_in(cache)
    assert everything(place_in(cache).parent) == ["3", "3.complete", "3/first"]


def test_what_another_process_has_begun_is_not_called_complete(cache):
    def fill_too_late(folder):
        place_in(cache).mkdir()
        return fill(folder)

    with pytest.raises(errors.FormatError, match="holds only a part"):
        add_entry(ELMO, fill_too_late)
    assert everything(place_in(cache).parent) == ["3"]


def test_a_cache_that_cannot_be_written(cache):
    cache.parent.mkdir(exist_ok=True)
    cache.write_bytes(b"")
    with pytest.raises(errors.DestinationError, match="cannot be written: Not a directory") as caught:
        add_entry(ELMO, fill)
    assert "KAGGLEHUB_CACHE" in str(caught.value)


def test_errors_of_the_disk_while_it_is_filled(cache):
    def fail(folder):
        raise OSError(28, "No space left on device")

    with pytest.raises(errors.DestinationError, match="No space left on device"):
        add_entry(ELMO, fail)
    assert not cache.exists()


def test_the_usual_place(monkeypatch, tmp_path):
    monkeypatch.delenv("KAGGLEHUB_CACHE")
    monkeypatch.setattr(pathlib.Path, "home", lambda: tmp_path)
    place = tmp_path / ".cache/kagglehub/models/google/elmo/tensorFlow1/elmo/3"
    assert add_entry(ELMO, fill) == place
    shutil.rmtree(tmp_path / ".cache")
