"""kagglehub's client, and a stand-in for it, asked for archives that do not come as they should."""

import importlib
import logging
import re
import sys

import pytest
from sources import hub_server
from sources.archive_makers import gz
from sources.kaggle_server import (
    ARCHIVE,
    DIRECT,
    DOWNLOAD,
    HANDLE,
    MD5,
    PAGE,
    STORED,
    refused,
    stored,
)

from converter import errors, limits
from converter.sources import kaggle_client
from converter.sources.registry import open_source


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "kagglehub"


def test_an_archive_may_be_sent_without_a_redirect(client):
    client.answer(DOWNLOAD, hub_server.status(200, ARCHIVE))
    with open_source(HANDLE) as source:
        assert (source.directory / "saved_model.pb").exists()


def test_a_server_need_not_say_the_size(client):
    client.answer(DOWNLOAD, hub_server.sends_chunks([ARCHIVE[:5], ARCHIVE[5:]]))
    with open_source(HANDLE) as source:
        assert source.origin.size_bytes == len(ARCHIVE)


def test_what_is_compressed_for_the_way(client):
    body = gz(ARCHIVE)
    client.answer(DOWNLOAD, hub_server.status(200, body, Content_Encoding="gzip"))
    with open_source(HANDLE) as source:
        assert source.origin.size_bytes == len(ARCHIVE)


@pytest.mark.parametrize(
    ("status", "message", "remedy"),
    [
        (401, r"does not let you download .* \(status 401\)", "KAGGLE_API_TOKEN"),
        (403, r"does not let you download .* \(status 403\)", f"Accept its terms at {PAGE}"),
        (404, f"there is no {HANDLE} on Kaggle", "for variations and versions"),
        (410, "Kaggle answered with status 410", "Try again later"),
        (429, "Kaggle answered with status 429", f"`curl -fL -o elmo-elmo-3.tar.gz {DIRECT}`"),
        (500, "Kaggle answered with status 500", "`tf1hub convert elmo-elmo-3.tar.gz DST`"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("where", [DOWNLOAD, STORED])
def test_refusals(where, status, message, remedy, client, cache):
    stored(client, ARCHIVE)
    body = b'{"code": %d, "message": "no"}' % status
    client.answer(where, hub_server.status(status, body, Content_Type="application/json"))
    assert re.search(remedy, refused(errors.DownloadError, message))
    assert not cache.exists()


def test_passing_faults_are_tried_again(client):
    stored(client, ARCHIVE)
    found = client._answers[DOWNLOAD]
    client.answer(DOWNLOAD, hub_server.status(503), hub_server.status(429), *found)
    with open_source(HANDLE) as source:
        assert (source.directory / "saved_model.pb").exists()
    assert len(client.asked) == 3


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (hub_server.sends(ARCHIVE[:50], length=len(ARCHIVE)), "the connection ended before all"),
        (hub_server.sends_chunks([ARCHIVE[:50]], whole=False), "the connection ended before all"),
        (hub_server.hangs(ARCHIVE[:50]), "nothing more came in time"),
        (hub_server.hangs(), "nothing more came in time"),
        (hub_server.says(b"220 smtp.host ESMTP\r\n"), "what answers does not speak HTTP"),
    ],
)
def test_faults_of_the_network(answer, message, client, cache, monkeypatch):
    monkeypatch.setattr(kaggle_client, "RETRIES", 1)
    stored(client, ARCHIVE)
    client.answer(STORED, answer)
    text = refused(errors.DownloadError, message)
    assert "secret" not in text
    assert not cache.exists()


def test_nobody_is_there(client, cache, monkeypatch):
    monkeypatch.setattr(kaggle_client, "RETRIES", 0)
    client.answer(DOWNLOAD, hub_server.redirects("http://127.0.0.1:1/"))
    assert "Try again, or download it by" in refused(
        errors.DownloadError, "cannot be downloaded from Kaggle: the connection is refused"
    )
    assert not cache.exists()


def test_a_body_that_is_shorter_than_it_says(tmp_path):
    class Short:
        headers = {"Content-Length": "7"}

        def iter_content(self, _):
            yield b"12345"

    handle = kaggle_client.KaggleHandle("google", "elmo", "tensorFlow1", "elmo", 3)
    message = f"Kaggle sent 5 of the 7 bytes of {HANDLE}"
    with pytest.raises(errors.DownloadError, match=message):
        kaggle_client._save(handle, Short(), tmp_path / "archive", lambda *_: None)


def test_redirects_that_are_not_encrypted():
    handle = kaggle_client.KaggleHandle("google", "elmo", "tensorFlow1", "elmo", 3)
    kaggle_client._check_redirects(handle, ["https://a/", "https://b/"])
    kaggle_client._check_redirects(handle, ["http://a/", "http://b/", "https://c/"])
    message = r"redirects to http://b/\?\.\.\. for google/elmo/.*, which is not encrypted"
    with pytest.raises(errors.UnsafeModuleError, match=message):
        kaggle_client._check_redirects(handle, ["https://a/", "http://b/?token=secret"])


def test_a_wrong_checksum(client, cache):
    stored(client, ARCHIVE, x_goog_hash=f"md5={MD5[::-1].lstrip('=')}==")
    refused(errors.DownloadError, "has the wrong checksum")
    assert not cache.exists()


def test_an_archive_that_is_too_large(client, cache, monkeypatch):
    monkeypatch.setattr(limits, "MAX_UNPACKED_BYTES", len(ARCHIVE) - 1)
    stored(client, ARCHIVE)
    refused(errors.UnsafeModuleError, "Kaggle sends more than 1[0-9]+ bytes for google/elmo")
    assert not cache.exists()


@pytest.mark.parametrize("gone", ["build_kaggle_client", None])
@pytest.mark.usefixtures("client")
def test_a_kagglehub_that_is_too_new(gone, monkeypatch, cache):
    if gone is None:
        monkeypatch.setitem(sys.modules, "kagglehub.clients", None)
    else:
        monkeypatch.delattr(importlib.import_module("kagglehub.clients"), gone)
    text = refused(errors.DownloadError, "the installed version of kagglehub is not supported")
    assert "pip install 'tf1hub-converter[kaggle]'" in text
    assert not cache.exists()


@pytest.mark.usefixtures("client")
def test_credentials_that_kagglehub_cannot_read(cache, monkeypatch):
    def build():
        raise ValueError("Invalid Kaggle credentials file at kaggle.json\nmore")

    clients = importlib.import_module("kagglehub.clients")
    monkeypatch.setattr(clients, "build_kaggle_client", build)
    refused(errors.DownloadError, "kagglehub cannot be used: Invalid Kaggle credentials file at")
    assert not cache.exists()


def test_tokens_are_sent_to_kaggle_alone(client, monkeypatch):
    if not hasattr(sys.modules["kagglehub"], "model_download"):
        pytest.skip("it needs kagglehub")
    monkeypatch.setenv("KAGGLE_API_TOKEN", "my-token")
    stored(client, ARCHIVE)
    # Another host, as a storage service is.
    place = client.url(STORED).replace("127.0.0.1", "localhost")
    client.answer(DOWNLOAD, hub_server.redirects(place))
    with open_source(HANDLE):
        pass
    sent = [headers.get("Authorization") for _, headers in client.requests]
    assert sent == ["Bearer my-token", None]


def test_attempts_are_not_logged():
    """urllib3 warns of each, where the last word should be the one line that says what failed."""
    logger = logging.getLogger("urllib3.connectionpool")
    before = logger.level
    with kaggle_client._quiet_retries():
        assert not logger.isEnabledFor(logging.WARNING)
        assert logger.isEnabledFor(logging.ERROR)
    assert logger.level == before
