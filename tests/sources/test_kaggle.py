"""Kaggle's handles, asked of a server on the loopback interface."""

import hashlib

import pytest
from sources import hub_server
from sources.archive_makers import gz, info, tar_of
from sources.kaggle_server import ARCHIVE, DIRECT, GET, HANDLE, MD5, PAGE, refused, stored

from converter import errors
from converter.sources import hub_cache
from converter.sources.kaggle import check_available
from converter.sources.registry import open_source


def everything(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "kagglehub"


@pytest.mark.parametrize("spec", [HANDLE, "google/elmo/TensorFlow1/elmo/3", PAGE])
def test_a_download(spec, client, cache, capsys):
    stored(client, ARCHIVE, x_goog_hash=f"crc32c=AAAAAA==,md5={MD5}")
    said = []
    with open_source(spec, progress=said.append) as source:
        assert (source.directory / "saved_model.pb").read_bytes() == b"graph"
        assert source.directory == cache / "models/google/elmo/tensorFlow1/elmo/3"
        assert (source.name, source.is_private) == (HANDLE, False)
        assert source.origin.name == HANDLE
        assert source.origin.handle == PAGE
        assert source.origin.digest == hashlib.sha256(ARCHIVE).hexdigest()
        assert source.origin.size_bytes == len(ARCHIVE)
    (asked,) = client.asked
    assert asked == {
        "ownerSlug": "google", "modelSlug": "elmo", "instanceSlug": "elmo", "versionNumber": 3,
        "framework": "MODEL_FRAMEWORK_TENSOR_FLOW_1",
    }  # fmt: skip
    assert said == [f"downloading {HANDLE} from Kaggle"]
    assert capsys.readouterr().out == ""
    # From then on it is in the cache, and the record is the same.
    with open_source(spec) as again:
        assert again == source
    assert len(client.asked) == 1
    assert everything(cache / "models/google/elmo/tensorFlow1/elmo") == [
        "3", "3.complete", "3/saved_model.pb", "3/variables", "3/variables/variables.index",
    ]  # fmt: skip


def test_kagglehub_finds_what_was_downloaded(client):
    kagglehub = pytest.importorskip("kagglehub")
    if not hasattr(kagglehub, "model_download"):
        pytest.skip("it is the one that stands in")
    stored(client, ARCHIVE)
    with open_source(HANDLE) as source:
        asked = len(client.asked)
        assert kagglehub.model_download(HANDLE) == str(source.directory)
    assert len(client.asked) == asked


@pytest.mark.usefixtures("without_kagglehub")
def test_what_kagglehub_has_downloaded_is_used_offline(cache, monkeypatch):
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(cache))
    entry = cache / "models/google/elmo/TensorFlow1/elmo/3"
    entry.mkdir(parents=True)
    entry.with_name("3.complete").touch()
    check_available(HANDLE)
    with open_source(HANDLE) as source:
        assert source.directory == entry
        assert (source.origin.digest, source.origin.size_bytes) == (None, None)
        assert source.known_digest is None


@pytest.mark.parametrize("spec", ["google/elmo/tensorFlow1/elmo", PAGE.removesuffix("/3")])
def test_the_newest_version(spec, client):
    stored(client, ARCHIVE)
    answer = b'{"versionNumber": 12}'
    client.answer(GET, hub_server.status(200, answer, Content_Type="application/json"))
    with open_source(spec) as source:
        assert source.name == "google/elmo/tensorFlow1/elmo/12"
    assert [asked.get("versionNumber") for asked in client.asked] == [None, 12]
    # It may not be the newest any more, so it is asked for again.
    client.answer(GET, hub_server.status(503))
    text = refused(errors.DownloadError, "the newest version of google/elmo/tensorFlow1/elmo", spec)
    assert "has version 12: pass google/elmo/tensorFlow1/elmo/12" in text


@pytest.mark.usefixtures("client")
def test_no_version_is_known():
    text = refused(errors.DownloadError, "there is no google/elmo", "google/elmo/tensorFlow1/elmo")
    assert "See https://www.kaggle.com/models/google/elmo for variations and versions" in text


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        (b"<!DOCTYPE html>", errors.FormatError, f"{HANDLE} is not an archive of a module: it is"),
        (gz(tar_of(("../../x", b""))), errors.UnsafeModuleError, HANDLE),
        (gz(tar_of(info("x", b"2", "/etc/passwd"))), errors.UnsafeModuleError, HANDLE),
        (gz(tar_of(("model.h5", b"x"))), errors.NoModelError, f"{HANDLE} holds no model"),
        (ARCHIVE[:-20], errors.FormatError, HANDLE),
    ],
)  # fmt: skip
def test_what_is_not_a_sound_archive(body, kind, message, client, cache, tmp_path):
    stored(client, body)
    refused(kind, message)
    assert not cache.exists()
    assert [path.name for path in tmp_path.iterdir() if path.name not in ("tmp", "home")] == []


def test_the_cache_cannot_be_written(client, cache):
    cache.write_bytes(b"")
    stored(client, ARCHIVE)
    assert "set KAGGLEHUB_CACHE" in refused(errors.DestinationError, "cannot be written")
    assert client.asked == []


@pytest.mark.usefixtures("kaggle", "without_kagglehub")
def test_an_older_version_is_named_where_the_newest_is_not_known(cache):
    (cache / "models/google/elmo/tensorFlow1/elmo/3").mkdir(parents=True)
    (cache / "models/google/elmo/tensorFlow1/elmo/3.complete").touch()
    spec = HANDLE.removesuffix("/3")
    check_available(spec)
    text = refused(errors.DownloadError, "cannot be found: .* is not installed", spec)
    assert text.endswith(f"Its cache has version 3: pass {HANDLE}.")


@pytest.mark.parametrize("end", ["\udcff", "a b", "é"])
def test_addresses_that_are_none(end):
    for site in ("https://www.kaggle.com/models/", "https://tfhub.dev/"):
        refused(errors.UsageError, "is not the URL of a module", f"{site}{end}")


def test_a_half_written_entry(client, cache):
    (cache / "models/google/elmo/tensorFlow1/elmo/3").mkdir(parents=True)
    refused(errors.FormatError, "kagglehub's cache holds only a part of google/elmo")
    with pytest.raises(errors.FormatError, match="holds only a part"):
        check_available(HANDLE)
    assert client.asked == []


@pytest.mark.parametrize("spec", [HANDLE, PAGE])
@pytest.mark.usefixtures("without_kagglehub")
def test_without_kagglehub(spec, kaggle, cache):
    text = refused(errors.DownloadError, f"{HANDLE} is on Kaggle, and kagglehub", spec)
    assert text.endswith(
        "is not installed. Run `pip install 'tf1hub-converter[kaggle]'`, or download it by"
        f" `curl -fL -o elmo-elmo-3.tar.gz {DIRECT}`, and pass the file:"
        " `tf1hub convert elmo-elmo-3.tar.gz DST`."
    )
    with pytest.raises(errors.DownloadError, match="is not installed"):
        check_available(spec)
    assert kaggle.asked == []
    assert not cache.exists()


@pytest.mark.usefixtures("kaggle", "without_kagglehub")
def test_without_kagglehub_and_a_version():
    text = refused(errors.DownloadError, "is not installed", "google/elmo/tensorFlow1/elmo")
    assert f"download it from {PAGE.removesuffix('/3')}, and pass the file" in text


@pytest.mark.usefixtures("kaggle", "without_kagglehub")
def test_an_address_that_tensorflow_hub_has_downloaded(monkeypatch, tmp_path):
    monkeypatch.setenv(hub_cache.VARIABLE, str(tmp_path / "hub"))
    folder = hub_cache.find_entry(PAGE).folder
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"x")
    check_available(PAGE)
    with open_source(PAGE) as source:
        assert source.directory == folder
