"""A server on the loopback interface that speaks TF Hub's protocol, cuts connections, and lies."""

import http.server
import socketserver
import tempfile
import threading

import pytest

from converter.sources import download


class HubServer:
    """Answers as it is told.

    Attributes:
      requests: The path with the query, and the headers, of each request so far.
    """

    def __init__(self):
        self.requests = []
        self._answers = {}
        self._stopping = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.hub = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def url(self, path=""):
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def answer(self, path, *answers):
        """Gives each answer to one request of a path, and the last one to all further ones."""
        self._answers[path] = list(answers)
        return self.url(path)

    def next_answer(self, path):
        answers = self._answers.get(path) or [status(404)]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def wait_for_the_end(self):
        self._stopping.wait(30)

    def close(self):
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def paths(self):
        return [path for path, _ in self.requests]


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, client_address):
        """Clients that hang up are expected."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.hub.requests.append((self.path, dict(self.headers)))
        # A proxy gets the whole URL.
        path = self.path
        if path.startswith("http://"):
            path = "/" + path.removeprefix("http://").partition("/")[2]
        self.close_connection = True
        self.server.hub.next_answer(path.partition("?")[0])(self)

    def log_message(self, *_):
        pass


def status(code, body=b"", **headers):
    """An answer with a status and a body of the length that it says."""
    return sends(body, code=code, **headers)


def sends(body, *, code=200, length=None, **headers):
    """An answer with a body; `length` is what it says of its length, "" for nothing."""

    def answer(handler):
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        if length != "":
            handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def redirects(location, code=302):
    return status(code, Location=location)


def sends_chunks(blocks, *, whole=True):
    """An answer in chunks; without the last one if it is not whole."""

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for block in blocks:
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
        if whole:
            handler.wfile.write(b"0\r\n\r\n")

    return answer


def says(raw):
    """An answer that need not be HTTP."""

    def answer(handler):
        handler.wfile.write(raw)

    return answer


def hangs(body=b"", length=100):
    """An answer that begins, and is silent then."""

    def answer(handler):
        if body:
            handler.send_response(200)
            handler.send_header("Content-Length", str(length))
            handler.end_headers()
            handler.wfile.write(body)
            handler.wfile.flush()
        handler.server.hub.wait_for_the_end()

    return answer


@pytest.fixture
def hub_server(monkeypatch, tmp_path):
    """A server; the client does not pause, and has temporary files of its own, and no cache."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("TFHUB_CACHE_DIR", raising=False)
    monkeypatch.setattr(download, "PATIENCE", download.Patience(20.0, attempts=3, pause_secs=0.0))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    server = HubServer()
    yield server
    server.close()
