import pathlib

import pytest

from converter import errors
from converter.files.scratch import is_abandoned, scratch_name
from converter.sources.kaggle_cache import (
    ArchiveFacts,
    cached_versions,
    find_entry,
    folder_for,
    install,
    read_facts,
)
from converter.sources.kaggle_handle import KaggleHandle

ELMO = KaggleHandle("google", "elmo", "tensorFlow1", "elmo", 3)
FACTS = ArchiveFacts("0123456789abcdef" * 4, 12)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(folder))
    return folder


def place_in(cache, framework="tensorFlow1", version=3):
    return cache / "models/google/elmo" / framework / "elmo" / str(version)


def put(place, facts=""):
    """Puts a version there as kagglehub does."""
    place.mkdir(parents=True)
    place.with_name(f"{place.name}.complete").write_text(facts)


def add(before=lambda: None):
    """Adds a version; `before` is called when it is ready to be installed."""
    with folder_for(ELMO) as folder:
        (folder / "new").mkdir()
        (folder / "new" / "saved_model.pb").write_bytes(b"x")
        before()
        return install(ELMO, folder / "new", FACTS)


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
    put(place_in(cache, framework))
    place_in(cache).mkdir(parents=True)
    assert find_entry(ELMO) == place_in(cache, framework)
    assert cached_versions(ELMO) == (3,)


def test_a_marker_without_its_directory_is_no_entry(cache):
    place_in(cache).parent.mkdir(parents=True)
    place_in(cache).with_name("3.complete").touch()
    assert find_entry(ELMO) is None
    assert cached_versions(ELMO) == ()


def test_versions_are_numbers_in_order(cache):
    for version in (10, 9, 1, "x"):
        put(place_in(cache, version=version))
    assert cached_versions(ELMO) == (1, 9, 10)


def test_an_entry_is_added_whole(cache):
    assert add() == find_entry(ELMO) == place_in(cache)
    assert everything(place_in(cache).parent) == ["3", "3.complete", "3/saved_model.pb"]
    assert read_facts(place_in(cache)) == FACTS


@pytest.mark.parametrize(
    "facts", ["", "sha256:12 3\n", f"sha256:{'g' * 64} 3\n", f"sha256:{'0' * 64} 3", "é" * 500]
)
def test_kagglehub_notes_nothing_of_the_archive(facts, cache):
    put(place_in(cache), facts)
    assert read_facts(place_in(cache)) is None


def test_there_is_no_marker(cache):
    assert read_facts(place_in(cache)) is None


def test_nothing_is_added_after_an_error(cache):
    def fail():
        raise errors.FormatError("damaged")

    with pytest.raises(errors.FormatError, match="damaged"):
        add(fail)
    assert not cache.exists()


def test_the_leftovers_of_a_killed_process_are_removed(cache):
    boot = scratch_name().split("-")[2]
    own = place_in(cache).with_name(scratch_name().replace(boot, "0" * 12))
    other = place_in(cache).with_name(f".tf1hub-{'0' * 12}-{'0' * 12}-1-x")
    assert is_abandoned(own.name)
    for folder in (own, other):
        folder.mkdir(parents=True)
    add()
    # That of another machine is left alone.
    assert list(place_in(cache).parent.glob(".tf1hub*")) == [other]


def test_another_process_may_be_faster(cache):
    def be_faster():
        put(place_in(cache))
        (place_in(cache) / "first").touch()

    assert add(be_faster) == place_in(cache)
    assert everything(place_in(cache).parent) == ["3", "3.complete", "3/first"]
    assert read_facts(place_in(cache)) is None


def test_another_process_is_faster_at_the_last_moment(cache, monkeypatch):
    rename = pathlib.Path.rename

    def rename_too_late(path, target):
        if target == place_in(cache):
            put(target)
            (target / "first").touch()
        return rename(path, target)

    monkeypatch.setattr(pathlib.Path, "rename", rename_too_late)
    assert add() == place_in(cache)
    assert everything(place_in(cache).parent) == ["3", "3.complete", "3/first"]


def test_what_another_process_has_begun_is_not_called_complete(cache):
    with pytest.raises(errors.FormatError, match="holds only a part"):
        add(place_in(cache).mkdir)
    assert everything(place_in(cache).parent) == ["3"]


def test_a_file_cannot_be_moved(cache, monkeypatch):
    def refuse(*_):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(pathlib.Path, "rename", refuse)
    with pytest.raises(errors.DestinationError, match="cannot be written: Operation not permitted"):
        add()
    assert not cache.exists()


def test_a_cache_that_cannot_be_written(cache):
    cache.write_bytes(b"")
    with pytest.raises(
        errors.DestinationError, match="cannot be written: Not a directory"
    ) as caught:
        add()
    assert "KAGGLEHUB_CACHE" in str(caught.value)


def test_errors_of_the_disk_while_it_is_filled(cache):
    def fail():
        raise OSError(28, "No space left on device")

    with pytest.raises(errors.DestinationError, match="No space left on device"):
        add(fail)
    assert not cache.exists()


def test_the_usual_place(monkeypatch, tmp_path):
    monkeypatch.delenv("KAGGLEHUB_CACHE")
    monkeypatch.setattr(pathlib.Path, "home", lambda: tmp_path)
    assert add() == tmp_path / ".cache/kagglehub/models/google/elmo/tensorFlow1/elmo/3"
