"""Requests: redirects within bounds, and no secrets."""

import urllib.error

import pytest
from sources.hub_server import redirects, sends, status

from converter import errors, limits
from converter.sources import http_get
from converter.sources.http_get import get


def read(url):
    with get(url, 5.0) as response:
        return response.status, response.read()


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_followed(code, hub_server):
    url = hub_server.answer("/a", redirects("/b?sig=x%2Fy", code))
    hub_server.answer("/b", redirects(hub_server.url("/c"), code))
    hub_server.answer("/c", redirects("../d", code))
    hub_server.answer("/d", sends(b"it"))
    assert read(f"{url}?tf-hub-format=compressed") == (200, b"it")
    assert hub_server.paths == ["/a?tf-hub-format=compressed", "/b?sig=x%2Fy", "/c", "/d"]


def test_a_place_with_letters_of_any_alphabet(hub_server):
    hub_server.answer("/%C3%A4%20b", sends(b"it"))
    assert read(hub_server.answer("/a", redirects("/Ã¤ b"))) == (200, b"it")


@pytest.mark.parametrize(
    ("location", "kind", "words"),
    [
        (
            "file:///etc/passwd",
            errors.UnsafeModuleError,
            "redirects to file:///etc/passwd, expected",
        ),
        ("ftp://h/m", errors.UnsafeModuleError, "redirects to ftp://h/m, expected http or https"),
        ("gs://bucket/m?x=y", errors.UnsafeModuleError, r"redirects to gs://bucket/m\?\.\.\.,"),
        ("data:,x", errors.UnsafeModuleError, "redirects to data:,x, expected"),
        ("https://", errors.DownloadError, "not a URL: it names no host"),
        (
            "http://me:secret@h/m",
            errors.DownloadError,
            "http://h/m, which is not a URL: it has a user",
        ),
        ("http://[h/m", errors.DownloadError, r"redirects to http://\[h/m, which is not a URL"),
        ("http://h:port/m", errors.DownloadError, "which is not a URL: Port could not be cast"),
        ("", errors.DownloadError, "redirects without saying where to"),
    ],
)
def test_redirects_that_are_not_followed(location, kind, words, hub_server):
    with pytest.raises(kind, match=words) as caught:
        read(hub_server.answer("/a", redirects(location)))
    assert type(caught.value) is kind
    assert len(hub_server.paths) == 1


def test_a_redirect_to_what_is_not_encrypted():
    with pytest.raises(errors.UnsafeModuleError, match="which is not encrypted"):
        http_get._follow("https://h/m", "http://h/m")
    assert http_get._follow("https://h/m", "//h2/m") == "https://h2/m"
    assert http_get._follow("http://h/m", "https://h/m") == "https://h/m"


def test_redirects_that_do_not_end(hub_server):
    url = hub_server.answer("/a", redirects("/b"))
    hub_server.answer("/b", redirects("/a"))
    with pytest.raises(
        errors.DownloadError, match="/a redirects more than 10 times, the last time"
    ):
        read(url)
    assert len(hub_server.paths) == limits.MAX_REDIRECTS + 1


def test_errors_of_servers_are_responses(hub_server):
    assert read(hub_server.answer("/a", status(404, b"no"))) == (404, b"no")
    assert read(hub_server.answer("/b", status(401, WWW_Authenticate="Basic"))) == (401, b"")


def test_no_secrets_are_sent(hub_server, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    hub_server.answer("/b", sends(b"it"))
    read(hub_server.answer("/a", redirects("/b", 301), status(200)))
    for _, headers in hub_server.requests:
        assert headers.keys() == {"Accept-Encoding", "Host", "User-Agent", "Connection"}


def test_a_proxy_is_used(hub_server, monkeypatch):
    monkeypatch.setenv("http_proxy", hub_server.url())
    hub_server.answer("/m", sends(b"it"))
    assert read("http://host.invalid/m?a=b") == (200, b"it")
    assert hub_server.paths == ["http://host.invalid/m?a=b"]
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert read(hub_server.url("/m")) == (200, b"it")
    assert hub_server.paths[1:] == ["/m"]


def test_a_server_that_speaks_no_tls(hub_server):
    with pytest.raises(urllib.error.URLError):
        get(hub_server.url("/a").replace("http:", "https:"), 5.0)
    assert hub_server.paths == []
