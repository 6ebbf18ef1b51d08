"""Handles: each fault of a server is one line, and leaves nothing half written."""

import hashlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time

import pytest
from sources.archive_makers import gz, tar_of, zip_of
from sources.hub_server import hangs, redirects, says, sends, sends_chunks, status

from converter import errors
from converter.files.source_files import digest
from converter.sources import download
from converter.sources.hub_cache import VARIABLE
from converter.sources.registry import open_source


def _header(name, size):
    member = tarfile.TarInfo(name)
    member.size = size
    return member.tobuf()


MODULE = tar_of(("saved_model.pb", b"graph"), ("tfhub_module.pb", b"\x08\x03"))
ARCHIVE = gz(MODULE)
PAGE = b"<!DOCTYPE html><html><title>Sign in</title></html>"


@pytest.fixture(params=["cached", "private"])
def places(request, tmp_path, monkeypatch, hub_server):  # noqa: ARG001
    """The folders in which a download may leave something; with a cache, and without one."""
    cache = tmp_path / "cache"
    if request.param == "cached":
        monkeypatch.setenv(VARIABLE, str(cache))
    return [cache, tmp_path / "tmp", tmp_path / "new"]


def folders_in(places):
    return sorted(p for place in places if place.exists() for p in place.iterdir())


@pytest.mark.parametrize("archive", [ARCHIVE, MODULE, zip_of(("a/saved_model.pb", b"graph"))])
def test_a_module_is_downloaded_unpacked_and_described(archive, hub_server, places, tmp_path):
    hub_server.answer("/blob", sends(archive))
    url = hub_server.answer("/p/m/1", redirects("/blob?signature=secret"))
    with open_source(url, destination=tmp_path / "new" / "out") as source:
        assert source.digest() == digest(source.directory)
        assert (source.directory / "saved_model.pb").read_bytes() == b"graph"
        origin = source.origin
        assert (source.name, origin.handle, origin.name) == (url, url, "p/m/1")
        assert origin.url == hub_server.url("/blob?...")
        assert origin.digest == hashlib.sha256(archive).hexdigest()
        assert origin.size_bytes == len(archive)
    assert hub_server.paths == ["/p/m/1?tf-hub-format=compressed", "/blob?signature=secret"]
    sha1 = hashlib.sha1(url.encode()).hexdigest()
    kept = [] if source.is_private else [places[0] / sha1, places[0] / f"{sha1}.descriptor.txt"]
    assert folders_in(places) == kept
    if kept:
        assert origin.digest in kept[1].read_text()
        assert "secret" not in kept[1].read_text()


def test_a_module_in_the_cache_needs_no_server(hub_server, monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    url = hub_server.answer("/p/m/1", sends(ARCHIVE))
    with open_source(url) as first:
        pass
    hub_server.answer("/p/m/1", status(500))
    with open_source(url) as again:
        assert again.directory == first.directory
        assert again.digest() == first.digest()
        assert (again.origin.handle, again.origin.name, again.origin.url) == (url, "p/m/1", None)
        assert not again.is_private
    # And its folder is known by the handle as well.
    with open_source(first.directory) as folder:
        assert folder.origin == again.origin
    assert len(hub_server.paths) == 1
    # Another spelling is another entry, as it is for tensorflow_hub.
    with pytest.raises(errors.DownloadError), open_source(f"{url}/"):
        pass


def test_one_that_tensorflow_hub_left_in_its_usual_place_is_used(hub_server, tmp_path):
    url = hub_server.url("/p/m/1")
    entry = tmp_path / "tmp" / "tfhub_modules" / hashlib.sha1(url.encode()).hexdigest()
    entry.mkdir(parents=True)
    (entry / "saved_model.pb").write_bytes(b"graph")
    with open_source(url) as source:
        assert source.directory == entry
    assert hub_server.paths == []


def test_nothing_is_stored_in_a_cache_that_is_not_local(hub_server, remote, monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(remote / "cache"))
    said = []
    with open_source(hub_server.answer("/m", sends(ARCHIVE)), progress=said.append) as source:
        assert source.is_private
    assert said[0] == "TFHUB_CACHE_DIR is not local: nothing is stored there"
    assert not list((tmp_path / "tmp").iterdir())


BOMB = gz(_header("saved_model.pb", 300 << 20) + bytes(1 << 20))

LOOK = "Look at it in a browser: the module may have moved, or need a login."
MANY = "68,719,476,736 bytes"

# The answer of the server, the class of the error, and its text. {url} stands for the handle.
FAULTS = {
    "not found": (
        status(404), errors.DownloadError, "{url} answered 404 Not Found. Check the URL.",
    ),
    "a login": (
        status(403), errors.DownloadError,
        ("{url} answered 403 Forbidden. If it needs a login, download the archive yourself, and"
        " pass the file."),
    ),
    "too many requests": (
        status(429, Retry_After="0"), errors.DownloadError,
        "{url} answered 429 Too Many Requests. Try again later.",
    ),
    "a broken server": (
        status(500), errors.DownloadError,
        "{url} answered 500 Internal Server Error. Try again later.",
    ),
    "a cut body": (
        sends(ARCHIVE[:50], length=len(ARCHIVE)), errors.DownloadError,
        f"{{url}} sent 50 of {len(ARCHIVE)} bytes, and ended the connection. Try again later.",
    ),
    "a cut chunk": (
        sends_chunks([ARCHIVE[:50]], whole=False), errors.DownloadError,
        "{url} ended the connection: IncompleteRead. Try again later.",
    ),
    "a body cut where nobody says its length": (
        sends(ARCHIVE[:50], length=""), errors.FormatError,
        "{url}: the archive is cut off. Copy or download the archive again.",
    ),
    "a length that is too small": (
        sends(ARCHIVE, length=50), errors.FormatError,
        "{url}: the archive is cut off. Copy or download the archive again.",
    ),
    "a length that is too large": (
        sends(ARCHIVE, length=1 << 50), errors.UnsafeModuleError,
        (f"{{url}} sends more than {MANY}. Download it yourself if you trust it, and pass the"
        " file."),
    ),
    "no answer": (
        hangs(), errors.DownloadError, "{url} sent nothing for 0.3 seconds. Try again later.",
    ),
    "silence in between": (
        hangs(ARCHIVE[:50], len(ARCHIVE)), errors.DownloadError,
        "{url} sent nothing for 0.3 seconds. Try again later.",
    ),
    "no HTTP": (
        says(b"SSH-2.0-OpenSSH_9.0\r\n"), errors.DownloadError,
        "{url} ended the connection: BadStatusLine. Try again later.",
    ),
    "a page": (
        sends(PAGE), errors.FormatError,
        f"{{url}} sent an HTML page, expected an archive of a module. {LOOK}",
    ),
    "a page with an end that never comes": (
        hangs(PAGE + bytes(1 << 16), 1 << 30), errors.FormatError,
        f"{{url}} sent an HTML page, expected an archive of a module. {LOOK}",
    ),
    "a compressed page": (
        sends(gz(PAGE)), errors.FormatError,
        ("{url} is not an archive of a module: it is an HTML page. Download it again: `file NAME`"
        " shows what you have, `curl -L` follows redirects."),
    ),
    "an error in XML": (
        sends(b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>"), errors.FormatError,
        ("{url} sent an XML document, as storage services send for an error, expected an archive of"
        f" a module. {LOOK}"),
    ),
    "other data": (
        sends(b"hello"), errors.FormatError,
        f"{{url}} sent other data, expected an archive of a module. {LOOK}",
    ),
    "nothing": (
        sends(b""), errors.FormatError,
        f"{{url}} sent nothing, expected an archive of a module. {LOOK}",
    ),
    "a redirect to a file": (
        redirects("file:///etc/passwd"), errors.UnsafeModuleError,
        ("{url} redirects to file:///etc/passwd, expected http or https. Do not use this server"
        " unless you know why it does so."),
    ),
    "a redirect to FTP": (
        redirects("ftp://host/m"), errors.UnsafeModuleError,
        ("{url} redirects to ftp://host/m, expected http or https. Do not use this server unless"
        " you know why it does so."),
    ),
    "a redirect to itself": (
        redirects("/p/m/1"), errors.DownloadError,
        ("{url} redirects more than 10 times, the last time to {url}. Check the URL: `curl -IL"
        " URL` shows all redirects."),
    ),
    "a redirect to a server that is not there": (
        redirects("http://127.0.0.1:9/m"), errors.DownloadError,
        ("{url} cannot be reached: Connection refused. Check the network and the proxy; or download"
        " it elsewhere, by `curl -L -o module.tar.gz '{url}?tf-hub-format=compressed'`, and pass"
        " that file, as in `tf1hub convert module.tar.gz DST`."),
    ),
    "a bomb": (
        sends(BOMB), errors.UnsafeModuleError,
        (f"{{url}}: the archive has {len(BOMB):,} bytes, and would unpack to more than 268,435,456."
        " Unpack it yourself if you trust it, and pass the directory."),
    ),
    "a member that leads out": (
        sends(gz(tar_of(("../saved_model.pb", b"x")))), errors.UnsafeModuleError,
        "{url}: the archive's member '../saved_model.pb' ",
    ),
    "no model": (
        sends(gz(tar_of(("words.txt", b"x")))), errors.NoModelError,
        ("{url} holds no model: it has neither tfhub_module.pb nor saved_model.pb. Pack the"
        " directory that holds them."),
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_one_line_and_leaves_nothing(
    fault, hub_server, places, tmp_path, monkeypatch
):
    answer, kind, text = FAULTS[fault]
    secs = 0.3 if "sent nothing for" in text else 20.0
    monkeypatch.setattr(download, "PATIENCE", download.Patience(secs, attempts=2, pause_secs=0.0))
    url = hub_server.answer("/p/m/1", answer)
    with (
        pytest.raises(errors.ConversionError) as caught,
        open_source(url, destination=tmp_path / "new" / "out"),
    ):
        pass
    assert type(caught.value) is kind
    assert str(caught.value).startswith(text.replace("{url}", url))
    assert caught.value.remedy
    assert folders_in(places) == []
    # It is no harm done: the module can still come.
    hub_server.answer("/p/m/1", sends(ARCHIVE))
    with open_source(url) as source:
        assert (source.directory / "saved_model.pb").is_file()


@pytest.mark.usefixtures("places")
def test_a_fault_that_passes(hub_server):
    url = hub_server.answer("/p/m/1", status(500), sends(ARCHIVE[:50], length=99), sends(ARCHIVE))
    said = []
    with open_source(url, progress=said.append) as source:
        assert (source.directory / "saved_model.pb").is_file()
    assert [text for text in said if "trying" in text] == [
        f"{url} answered 500 Internal Server Error; trying again in 0 seconds",
        f"{url} sent 50 of 99 bytes, and ended the connection; trying again in 0 seconds",
    ]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, errors.WeightsError])
def test_it_is_removed_whatever_happens(error, hub_server, places):
    url = hub_server.answer("/p/m/1", sends(ARCHIVE))
    with pytest.raises(error), open_source(url) as source:
        raise error("stop")
    assert source.directory.exists() == (not source.is_private)
    assert [p for p in folders_in(places) if p.name.endswith((".tmp", ".lock"))] == []


def test_interrupted_while_it_is_downloaded(hub_server, places):
    def interrupt(text):
        if "bytes" in text:
            raise KeyboardInterrupt

    url = hub_server.answer("/p/m/1", sends(ARCHIVE))
    with pytest.raises(KeyboardInterrupt), open_source(url, progress=interrupt):
        pass
    assert folders_in(places) == []


def test_half_an_entry_is_refused_and_stays(hub_server, monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    url = hub_server.answer("/p/m/1", sends(ARCHIVE))
    entry = tmp_path / hashlib.sha1(url.encode()).hexdigest()
    (entry / "variables").mkdir(parents=True)
    with pytest.raises(errors.FormatError, match="is not complete"), open_source(url):
        pass
    assert hub_server.paths == []
    shutil.rmtree(entry)
    with open_source(url):
        pass


def test_two_at_once_download_it_once(hub_server, monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr("converter.sources.hub_lock._POLL_SECS", 0.01)
    waiting, begun = threading.Event(), threading.Event()

    def slowly(handler):
        begun.set()
        waiting.wait(30)
        sends(ARCHIVE)(handler)

    url = hub_server.answer("/p/m/1", slowly)
    found = []

    def run(progress):
        with open_source(url, progress=progress) as source:
            found.append(source.directory)

    one = threading.Thread(target=run, args=(lambda _: None,))
    one.start()
    begun.wait(30)
    run(lambda text: waiting.set() if text.startswith("waiting for") else None)
    one.join()
    assert len(hub_server.paths) == 1
    assert found[0] == found[1]
    names = sorted(path.name for path in (tmp_path / "cache").iterdir())
    assert names == [found[0].name, f"{found[0].name}.descriptor.txt"]


def test_one_that_was_stored_meanwhile_by_who_took_the_lock(hub_server, monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))

    def answer(handler):
        sha1 = hashlib.sha1(url.encode()).hexdigest()
        (tmp_path / "cache" / sha1).mkdir()
        (tmp_path / "cache" / sha1 / "saved_model.pb").write_bytes(b"theirs")
        sends(ARCHIVE)(handler)

    url = hub_server.answer("/p/m/1", answer)
    with open_source(url) as source:
        assert (source.directory / "saved_model.pb").read_bytes() == b"theirs"
        # What was downloaded is not what is there.
        assert (source.known_digest, source.origin.digest) == (None, None)
    assert not [p for p in (tmp_path / "cache").iterdir() if p.name.endswith(".tmp")]


def test_what_is_left_of_a_killed_download_is_removed(hub_server, monkeypatch, tmp_path):
    cache = tmp_path / "cache"
    monkeypatch.setenv(VARIABLE, str(cache))
    url = hub_server.answer("/p/m/1", sends(ARCHIVE))
    sha1 = hashlib.sha1(url.encode()).hexdigest()
    uid = "f" * 32
    (cache / f"{sha1}.{uid}.tmp").mkdir(parents=True)
    (cache / f"{sha1}.{uid}.tmp" / "archive").write_bytes(ARCHIVE[:50])
    (cache / f"{sha1}.lock").write_text(f"{socket.gethostname()}.999999999.{uid}")
    said = []
    with open_source(url, progress=said.append):
        pass
    assert "was not finished: it begins again" in said[0]
    assert sorted(p.name for p in cache.iterdir()) == [sha1, f"{sha1}.descriptor.txt"]


_OPEN = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # A shell's background job ignores it.
from converter.sources.registry import open_source
with open_source(sys.argv[1], progress=lambda text: print(text, flush=True)):
    print("open", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_process_that_is_stopped_leaves_nothing_for_long(number, hub_server, places):
    url = hub_server.answer("/p/m/1", hangs(ARCHIVE[:50], len(ARCHIVE)))
    command = [sys.executable, "-c", _OPEN, url]
    environment = {**os.environ, "TMPDIR": str(places[1])}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        assert process.stdout.readline().startswith("downloading")
        while not any(p.name == "archive" for place in places for p in place.rglob("*")):
            time.sleep(0.01)
        process.send_signal(number)
        process.wait()
    left = folders_in(places)
    assert bool(left) == (number == signal.SIGKILL)
    # The next one removes what a killed one left.
    hub_server.answer("/p/m/1", sends(ARCHIVE))
    with open_source(url) as source:
        assert (source.directory / "saved_model.pb").is_file()
    assert not {p.name for p in left} & {p.name for p in folders_in(places)}


@pytest.mark.parametrize("spec", ["https://", "https://h/a b", "http://me:pass@h/m"])
def test_what_is_not_a_url_is_wrong_use(spec):
    with pytest.raises(errors.UsageError, match="is not the URL of a module"), open_source(spec):
        pass


def test_a_path_is_not_a_url(tmp_path):
    with pytest.raises(errors.PathNotFoundError), open_source(pathlib.Path("https://h/m")):
        pass
    with pytest.raises(errors.PathNotFoundError), open_source(tmp_path / "https:" / "h"):
        pass
