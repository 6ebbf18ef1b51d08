"""The cache of tensorflow_hub: what is complete is used, and nothing else."""

import hashlib
import os
import pathlib

import pytest

from converter import errors
from converter.sources import hub_cache
from converter.sources.hub_cache import find_entry, find_handle

HANDLE = "https://host/google/elmo/3"
SHA1 = hashlib.sha1(HANDLE.encode()).hexdigest()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def put(folder, *names):
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text("x")
    return folder


def module(place):
    return put(place / "new" / "module", "saved_model.pb")


def test_a_folder_that_holds_a_model_is_used(cache):
    entry = find_entry(HANDLE)
    assert (entry.folder, entry.is_chosen) == (cache / SHA1, True)
    assert entry.find() is None
    put(cache / SHA1)
    assert entry.find() is None  # tensorflow_hub takes an empty one for none, too.
    (cache / SHA1 / "tfhub_module.pb").write_text("x")
    assert entry.find() == cache / SHA1
    # Whatever lies beside it.
    (cache / f"{SHA1}.lock").write_text("host.1.x")
    put(cache / f"{SHA1}.x.tmp", "saved_model.pb")
    assert entry.find() == cache / SHA1


@pytest.mark.parametrize("names", [["variables"], [".DS_Store"], ["a", "assets"]])
def test_a_folder_without_a_model_is_refused(names, cache):
    put(cache / SHA1, *names)
    with pytest.raises(errors.FormatError, match="is not complete: it has neither") as caught:
        find_entry(HANDLE).find()
    assert f"{SHA1}, the cached module of {HANDLE}" in caught.value.message
    assert "Remove it" in caught.value.remedy


def test_a_file_in_the_place_of_the_folder(cache):
    put(cache, SHA1)
    with pytest.raises(errors.FormatError, match="is not complete"):
        find_entry(HANDLE).find()


def test_a_cache_that_cannot_be_looked_at(tmp_path, monkeypatch):
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / ("x" * 300)))
    with pytest.raises(errors.FormatError, match="cannot be read: File name too long") as caught:
        find_entry(HANDLE).find()
    assert "TFHUB_CACHE_DIR" in caught.value.remedy


def test_where_tensorflow_hub_puts_it_by_default(tmp_path, monkeypatch):
    monkeypatch.delenv("TFHUB_CACHE_DIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    entry = find_entry(HANDLE)
    assert (entry.folder, entry.is_chosen) == (tmp_path / "tfhub_modules" / SHA1, False)
    assert entry.find() is None
    put(entry.folder, "saved_model.pb")
    assert entry.find() == entry.folder
    # Others may write to /tmp.
    monkeypatch.setattr(os, "getuid", lambda: os.stat(tmp_path).st_uid + 1)
    own = {0: entry.folder}.get(os.stat(tmp_path).st_uid)
    assert entry.find() == own
    monkeypatch.setattr(hub_cache, "_is_own", lambda _: False)
    assert entry.find() is None


def test_a_module_is_installed_with_a_descriptor(cache, tmp_path):
    entry, new = find_entry(HANDLE), module(tmp_path)
    cache.mkdir()
    assert entry.install(new, "Archive: here\n")
    assert [p.name for p in sorted(cache.iterdir())] == [SHA1, f"{SHA1}.descriptor.txt"]
    lines = (cache / f"{SHA1}.descriptor.txt").read_text().splitlines()
    assert lines[0] == f"Module: {HANDLE}"
    assert lines[1].startswith("Download Time: ")
    assert lines[2].startswith("Downloader Hostname: ")
    assert lines[3] == "Archive: here"
    assert find_handle(entry.find()) == HANDLE


def test_one_that_somebody_else_installed_first_stays(cache, tmp_path):
    put(cache / SHA1, "tfhub_module.pb")
    assert not find_entry(HANDLE).install(module(tmp_path), "")
    assert [p.name for p in (cache / SHA1).iterdir()] == ["tfhub_module.pb"]


def test_an_empty_folder_is_replaced(cache, tmp_path):
    put(cache / SHA1)
    assert find_entry(HANDLE).install(module(tmp_path), "")
    assert find_entry(HANDLE).find() == cache / SHA1


def test_a_place_that_cannot_be_written(cache, tmp_path):
    cache.write_text("x")
    with pytest.raises(errors.DestinationError, match="cannot be written") as caught:
        find_entry(HANDLE).install(module(tmp_path), "")
    assert "TFHUB_CACHE_DIR" in caught.value.remedy
    refused = pytest.raises(errors.DestinationError, match="cannot be written")
    with refused, find_entry(HANDLE).downloading(print):
        pass


def test_a_download_has_a_folder_of_its_own_as_long_as_it_lasts(cache):
    with find_entry(HANDLE).downloading(print) as folder:
        (folder / "file").write_text("x")
        uid = (cache / f"{SHA1}.lock").read_text().split(".")[-1]
        assert folder == cache / f"{SHA1}.{uid}.tmp"
    assert not list(cache.iterdir())
    with pytest.raises(RuntimeError), find_entry(HANDLE).downloading(print):
        raise RuntimeError
    assert not list(cache.iterdir())


def test_no_download_where_the_module_came_meanwhile(cache):
    put(cache / SHA1, "saved_model.pb")
    with find_entry(HANDLE).downloading(print) as folder:
        assert folder is None
    assert [p.name for p in cache.iterdir()] == [SHA1]


@pytest.mark.parametrize(
    "descriptor",
    [None, b"", b"Module: https://host/google/elmo/2\n", b"\xff", HANDLE.encode()[:-1]],
)
def test_a_folder_of_whose_handle_nothing_is_known(descriptor, tmp_path):
    put(tmp_path / SHA1, "saved_model.pb")
    if descriptor is not None:
        (tmp_path / f"{SHA1}.descriptor.txt").write_bytes(descriptor)
    assert find_handle(tmp_path / SHA1) is None
    assert find_handle(pathlib.Path("/a/module")) is None


def test_a_download_that_was_not_finished(tmp_path):
    unfinished = tmp_path / f"{SHA1}.{'0f' * 16}.tmp"
    for place in (unfinished, unfinished / "module"):
        with pytest.raises(errors.FormatError, match="a download of tensorflow_hub that was not"):
            find_handle(place)


def test_a_cache_on_another_filesystem(remote, monkeypatch):
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(remote))
    entry = find_entry(HANDLE)
    assert entry.find() is None
    (remote / SHA1).mkdir()
    (remote / SHA1 / "saved_model.pb").write_bytes(b"x")
    assert entry.find() == remote / SHA1
