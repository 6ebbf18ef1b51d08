"""Downloads from a server that cuts, lies, hangs and refuses."""

import hashlib
import shutil
import ssl
import subprocess

import pytest
from sources.hub_server import (
    HubServer,
    hangs,
    redirects,
    says,
    sends,
    sends_chunks,
    status,
)

from converter import errors
from converter.sources import download as downloads
from converter.sources.download import Download, Patience, download

BODY = bytes(range(256)) * 1000


@pytest.fixture
def fetch(tmp_path):
    def call(url, **options):
        said = []
        options.setdefault("name", "the module")
        got = download(url, tmp_path / "file", progress=said.append, by_hand="Walk.", **options)
        assert (tmp_path / "file").read_bytes() == BODY
        return got, said

    return call


def test_a_file(fetch, hub_server):
    got, said = fetch(hub_server.answer("/a", sends(BODY)))
    digest = hashlib.sha256(BODY).hexdigest()
    assert got == Download(hub_server.url("/a"), digest, len(BODY))
    assert said[:2] == ["downloading the module", "downloading the module: 64 KiB of 250 KiB, 26%"]


def test_the_url_that_sent_it_is_told_without_its_query(fetch, hub_server):
    hub_server.answer("/b", sends(BODY))
    got, _ = fetch(hub_server.answer("/a", redirects("/b?signature=secret")))
    assert got.url == hub_server.url("/b?...")


@pytest.mark.parametrize("answer", [sends_chunks([BODY[:9], BODY[9:]]), sends(BODY, length="")])
def test_a_file_of_unknown_size(answer, fetch, hub_server):
    got, said = fetch(hub_server.answer("/a", answer))
    assert got.size_bytes == len(BODY)
    assert said[1] == "downloading the module: 64 KiB"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (
            sends(BODY[:500], length=len(BODY)),
            "sent 500 of 256,000 bytes, and ended the connection",
        ),
        (sends_chunks([BODY[:500]], whole=False), "ended the connection: IncompleteRead"),
        (says(b""), "ended the connection: RemoteDisconnected"),
        (says(b"220 ftp.example.com ready\r\n"), "ended the connection: BadStatusLine"),
        (hangs(), "sent nothing for 0.3 seconds"),
        (hangs(BODY[:500], len(BODY)), "sent nothing for 0.3 seconds"),
        (status(500), "answered 500 Internal Server Error"),
        (status(502), "answered 502 Bad Gateway"),
        (status(503, Retry_After="0"), "answered 503 Service Unavailable"),
        (status(429, Retry_After="soon"), "answered 429 Too Many Requests"),
        (status(408), "answered 408 Request Timeout"),
    ],
)
def test_what_may_pass_is_tried_again(fault, words, fetch, hub_server):
    patience = Patience(0.3 if "nothing" in words else 20.0, attempts=3, pause_secs=0.0)
    got, said = fetch(hub_server.answer("/a", fault, fault, sends(BODY)), patience=patience)
    assert got.size_bytes == len(BODY)
    again = [text for text in said if "trying again" in text]
    assert again == [f"the module {words}; trying again in 0 seconds"] * 2
    # Not for ever.
    with pytest.raises(errors.DownloadError, match=words) as caught:
        fetch(hub_server.answer("/b", fault), patience=patience)
    assert caught.value.remedy == "Try again later."
    assert len(hub_server.paths) == 6


@pytest.mark.parametrize(
    ("code", "words", "remedy"),
    [
        (404, "answered 404 Not Found", "Check the URL."),
        (410, "answered 410 Gone", "Check the URL."),
        (401, "answered 401 Unauthorized", "needs a login"),
        (403, "answered 403 Forbidden", "needs a login"),
        (204, "answered 204 No Content", "Check the URL."),
        (206, "answered 206 Partial Content", "Check the URL."),
        (599, "answered 599", "Check the URL."),
    ],
)
def test_what_does_not_pass_is_not_tried_again(code, words, remedy, fetch, hub_server):
    with pytest.raises(errors.DownloadError) as caught:
        fetch(hub_server.answer("/a", status(code, b"no")))
    assert caught.value.message == f"the module {words}"
    assert remedy in caught.value.remedy
    assert len(hub_server.paths) == 1


def test_the_pauses_grow_unless_the_server_asks_for_one(fetch, hub_server, monkeypatch):
    pauses = []
    monkeypatch.setattr(downloads.time, "sleep", pauses.append)
    fault, date = status(500), status(503, Retry_After="Fri, 31 Dec 1999 23:59:59 GMT")
    url = hub_server.answer(
        "/a", fault, date, fault, status(429, Retry_After="7"), status(429, Retry_After="86400"),
        sends(BODY),
    )  # fmt: skip
    fetch(url, patience=Patience(5.0, attempts=6, pause_secs=1.0))
    assert pauses == [1.0, 2.0, 4.0, 7.0, 60.0]


def test_an_error_after_a_redirect_says_who_answered(fetch, hub_server):
    hub_server.answer("/b", status(403))
    url = hub_server.answer("/a", redirects("/b?secret"))
    with pytest.raises(errors.DownloadError) as caught:
        fetch(url)
    there = hub_server.url("/b?...")
    assert caught.value.message == f"the module, redirected to {there}, answered 403 Forbidden"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://host.invalid/m", "the module cannot be reached: "),
        ("http://127.0.0.1:9/m", "the module cannot be reached: Connection refused"),
        (f"http://{'a' * 70}.com/m", "the module cannot be reached: "),
    ],
)
@pytest.mark.usefixtures("hub_server")
def test_without_a_network_it_says_what_to_do(url, words, fetch):
    with pytest.raises(errors.DownloadError, match=words) as caught:
        fetch(url)
    assert caught.value.remedy == "Walk."
    assert "\n" not in str(caught.value)


def test_a_proxy_that_refuses(fetch, hub_server, monkeypatch):
    monkeypatch.setenv("https_proxy", hub_server.url())
    with pytest.raises(
        errors.DownloadError, match="cannot be reached: Tunnel connection failed: 501"
    ):
        fetch("https://host.invalid/m")


@pytest.fixture
def tls_server(tmp_path):
    """A server whose certificate no authority has signed."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj",
         "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
         tmp_path / "key.pem", "-out", tmp_path / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    server = HubServer()
    server._server.socket = context.wrap_socket(server._server.socket, server_side=True)
    yield server
    server.close()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate")
@pytest.mark.usefixtures("hub_server")
def test_certificates_are_verified(tls_server, fetch, tmp_path, monkeypatch):
    url = tls_server.answer("/a", sends(BODY)).replace("http:", "https:")
    # tensorflow_hub would not verify it then.
    monkeypatch.setenv("TFHUB_DISABLE_CERT_VALIDATION", "true")
    words = "the certificate of the module cannot be verified: self.signed certificate"
    with pytest.raises(errors.DownloadError, match=words) as caught:
        fetch(url)
    assert "SSL_CERT_FILE" in caught.value.remedy
    assert tls_server.paths == []
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    assert fetch(url)[0].size_bytes == len(BODY)


def test_the_first_bytes_are_looked_at_before_the_rest_comes(fetch, hub_server):
    heads = []

    def check(head):
        heads.append(head)
        raise errors.FormatError("it is a page", remedy="Look at it.")

    for answer in (hangs(BODY[: 1 << 16], 1 << 30), sends(b"page"), sends(b"")):
        with pytest.raises(errors.FormatError, match="it is a page"):
            fetch(hub_server.answer("/a", answer), check_head=check)
    assert heads == [BODY[: 1 << 16], b"page", b""]
    assert len(hub_server.paths) == 3


@pytest.mark.parametrize("answer", [sends(BODY, length=1 << 35), sends_chunks([BODY] * 300)])
def test_there_is_no_space(answer, fetch, hub_server, monkeypatch):
    left = [1 << 29, 1 << 27]
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(
        shutil, "disk_usage", lambda _: usage._replace(free=left.pop(0) if left[1:] else left[0])
    )
    with pytest.raises(errors.DestinationError, match="too little space to download the module"):
        fetch(hub_server.answer("/a", answer))


def test_a_file_that_is_too_large(fetch, hub_server):
    with pytest.raises(errors.UnsafeModuleError, match="the module sends more than 68,719,476,736"):
        fetch(hub_server.answer("/a", sends(BODY, length=1 << 40)))


def test_a_disk_that_fills_up(fetch, hub_server, tmp_path):
    (tmp_path / "file").symlink_to("/dev/full")
    with pytest.raises(errors.DestinationError, match="cannot be written: No space left on device"):
        fetch(hub_server.answer("/a", sends(BODY)))
    assert len(hub_server.paths) == 1


def test_a_disk_that_cannot_be_looked_at(fetch, hub_server, monkeypatch):
    def fail(_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(shutil, "disk_usage", fail)
    with pytest.raises(errors.DestinationError, match="cannot be written: Input/output error"):
        fetch(hub_server.answer("/a", sends(BODY)))


@pytest.mark.parametrize("error", [BrokenPipeError, TimeoutError, OSError])
def test_a_progress_that_nobody_reads_is_not_the_network_s_fault(error, hub_server, tmp_path):
    def fail(text):
        if "250 KiB" in text:
            raise error

    with pytest.raises(error):
        download(hub_server.answer("/a", sends(BODY)), tmp_path / "f", name="m", progress=fail)
    assert len(hub_server.paths) == 1


def test_a_length_that_is_too_small_ends_the_file(hub_server, tmp_path):
    """The archive is then damaged, which its own format tells."""
    url = hub_server.answer("/a", sends(BODY, length=500))
    got = download(url, tmp_path / "file", name="m", progress=lambda _: None)
    assert got.size_bytes == 500


@pytest.mark.parametrize("length", ["-5", "many", "1e3"])
def test_a_length_that_is_none(length, fetch, hub_server):
    assert fetch(hub_server.answer("/a", sends(BODY, length=length)))[0].size_bytes == len(BODY)
