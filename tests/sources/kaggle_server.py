"""Kaggle on the loopback interface, and a stand-in for kagglehub where that is not installed."""

import base64
import enum
import hashlib
import importlib.util
import sys
import types

import pytest
import requests
from sources.archive_makers import gz, tar_of
from sources.hub_server import _Handler, status

from converter.sources import kaggle_client
from converter.sources.registry import open_source

DOWNLOAD = "/v1/models.ModelApiService/DownloadModelInstanceVersion"
GET = "/v1/models.ModelApiService/GetModelInstance"
# As Kaggle does, it redirects to a storage service, by an address that is signed.
STORED = "/kagglesdsdata/models/4711/bundle/archive.tar.gz"

HANDLE = "google/elmo/tensorFlow1/elmo/3"
PAGE = f"https://www.kaggle.com/models/{HANDLE}"
DIRECT = f"https://www.kaggle.com/api/v1/models/{HANDLE}/download"
ARCHIVE = gz(tar_of(("./saved_model.pb", b"graph"), ("./variables/variables.index", b"index")))
MD5 = base64.b64encode(hashlib.md5(ARCHIVE).digest()).decode()


def refused(kind, message, spec=HANDLE):
    """Opens a source that is refused, and returns the whole text of the error."""
    with pytest.raises(kind, match=message) as caught, open_source(spec):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


def stored(hub, body, **headers):
    """Has the server give an archive to whoever asks for a version."""
    hub.answer(STORED, status(200, body, **headers))
    hub.answer(DOWNLOAD, status(302, b"", Location=hub.url(STORED) + "?X-Goog-Signature=secret"))


@pytest.fixture
def kaggle(hub_server, monkeypatch, tmp_path):
    """A server that the client takes for Kaggle; it notes what is asked, as JSON."""
    monkeypatch.setattr(_Handler, "do_POST", _post, raising=False)
    # It closes connections, which clients of HTTP 1.1 would use again.
    monkeypatch.setattr(_Handler, "protocol_version", "HTTP/1.0")
    monkeypatch.setattr(kaggle_client, "PAUSE_FACTOR_SECS", 0.0)
    monkeypatch.setattr(kaggle_client, "TIMEOUT_SECS", 0.5)
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "kagglehub"))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)
    hub_server.asked = []
    return hub_server


def _post(self):
    import json

    length = int(self.headers["Content-Length"])
    self.server.hub.asked.append(json.loads(self.rfile.read(length)))
    self.do_GET()


@pytest.fixture(params=["stand-in", "kagglehub"])
def client(kaggle, monkeypatch, request):
    """The server, asked by kagglehub's client, or by one that does the same."""
    if request.param == "stand-in":
        _install_stand_in(kaggle, monkeypatch)
    else:
        pytest.importorskip("kagglehub")
        import kagglehub.clients
        import kagglesdk.kaggle_env as env

        # It looks through the stack for who calls, which takes seconds in a test.
        monkeypatch.setattr(kagglehub.clients, "get_user_agent", lambda: "kagglehub/test")
        monkeypatch.setitem(env._env_to_endpoint, env.KaggleEnv.PROD, kaggle.url())
    return kaggle


@pytest.fixture
def without_kagglehub(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "kagglehub" else find(name)
    )


class _Framework(enum.Enum):
    MODEL_FRAMEWORK_TENSOR_FLOW_1 = 1
    MODEL_FRAMEWORK_TENSOR_FLOW_2 = 2


class _Request:
    def to_dict(self):
        names = {"owner_slug": "ownerSlug", "model_slug": "modelSlug", "framework": "framework",
                 "instance_slug": "instanceSlug", "version_number": "versionNumber"}  # fmt: skip
        named = {names[name]: value for name, value in vars(self).items()}
        return named | {"framework": named["framework"].name}


class _Client:
    """Does what that of kagglesdk 0.1.38 does (source: its kaggle_http_client.py)."""

    def __init__(self, url):
        self._url = url
        self._session = requests.Session()
        self.models = types.SimpleNamespace(model_api_client=self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._session.close()

    def http_client(self):
        return self

    def _call(self, path, request, **options):
        response = self._session.post(self._url + path, json=request.to_dict(), **options)
        response.raise_for_status()
        return response

    def download_model_instance_version(self, request):
        sys.stdout.write("You should update kagglehub\n")
        return self._call(DOWNLOAD, request, stream=True)

    def get_model_instance(self, request):
        answer = self._call(GET, request).json()
        return types.SimpleNamespace(version_number=answer["versionNumber"])


def _install_stand_in(kaggle, monkeypatch):
    parts = {
        "kagglehub": {"__spec__": importlib.util.spec_from_loader("kagglehub", None)},
        "kagglehub.clients": {"build_kaggle_client": lambda: _Client(kaggle.url())},
        "kagglesdk": {},
        "kagglesdk.models": {},
        "kagglesdk.models.types": {},
        "kagglesdk.models.types.model_api_service": {
            "ApiGetModelInstanceRequest": _Request,
            "ApiDownloadModelInstanceVersionRequest": _Request,
        },
        "kagglesdk.models.types.model_enums": {"ModelFramework": _Framework},
    }
    for name, contents in parts.items():
        module = types.ModuleType(name)
        vars(module).update(contents)
        monkeypatch.setitem(sys.modules, name, module)
