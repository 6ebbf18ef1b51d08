import pathlib
import re

import pytest
from sources import hub_server
from sources.archive_makers import gz, tar_of
from sources.kaggle_server import stored

from converter import errors
from converter.sources import hub_cache, tfhub_dev
from converter.sources.kaggle_handle import parse_handle
from converter.sources.registry import open_source
from converter.sources.tfhub_dev import TfhubDev, find_replacement


@pytest.mark.parametrize(
    ("path", "handle"),
    [
        ("google/elmo/3", "google/elmo/tensorFlow1/elmo/3"),
        ("google/elmo/1/", "google/elmo/tensorFlow1/elmo/1"),
        ("google/elmo/2?tf-hub-format=compressed", "google/elmo/tensorFlow1/elmo/2"),
        ("vtab/vae/1", "vtab/vae/tensorFlow1/vae/1"),
        # Its second version is called 3 on tfhub.dev: there was never a 2.
        (
            "google/imagenet/mobilenet_v1_100_224/quantops/classification/3",
            "google/mobilenet-v1/tensorFlow1/100-224-quantops-classification/2",
        ),
    ],
)
@pytest.mark.parametrize("site", ["https://tfhub.dev/", "http://www.tfhub.dev/"])
def test_what_is_known(site, path, handle):
    assert TfhubDev().recognizes(site + path)
    assert str(find_replacement(site + path)) == handle


@pytest.mark.parametrize(
    "address",
    [
        "https://tfhub.dev/google/elmo",
        "https://tfhub.dev/google/elmo/4",
        "https://tfhub.dev/google/elmo/03",
        "https://tfhub.dev/google/ELMO/3",
        "https://tfhub.dev/google/imagenet/mobilenet_v1_100_224/quantops/classification/2",
        "https://tfhub.dev/",
        "https://tfhub.dev.evil.org/google/elmo/3",
        "ftp://tfhub.dev/google/elmo/3",
        "tfhub.dev/google/elmo/3",
        "google/elmo/3",
    ],
)
def test_what_is_not_known(address):
    assert find_replacement(address) is None


def test_the_table_is_sound():
    modules = tfhub_dev._read_modules()
    assert list(modules) == sorted(modules)
    places = [known["kaggle"] for known in modules.values()]
    assert len(set(places)) == len(places)
    for path, known in modules.items():
        assert set(known) == {"kaggle", "versions"}
        assert known["versions"] == sorted(set(known["versions"])) != []
        handle = parse_handle(known["kaggle"])
        assert handle is not None
        assert handle.framework == "tensorFlow1"
        # Kaggle's names are made of those of tfhub.dev: none is of another module.
        words = set(re.split(r"[^a-z0-9]+", path.lower()))
        assert set(re.split(r"[^a-z0-9]+", handle.variation.lower())) <= words, path


def test_the_table_is_installed():
    assert pathlib.Path(tfhub_dev.__file__).with_name("tfhub_dev.toml").is_file()
    package_data = pathlib.Path(__file__).parents[2].joinpath("pyproject.toml").read_text()
    assert '"converter.sources" = ["tfhub_dev.toml"]' in package_data


ELMO = "http://tfhub.dev/google/elmo/3"
ARCHIVE = gz(tar_of(("saved_model.pb", b"graph")))


@pytest.fixture
def tfhub(kaggle, monkeypatch):
    """A server that is taken for tfhub.dev, as a proxy is asked for it."""
    monkeypatch.setenv("http_proxy", kaggle.url())
    return kaggle


def entry_of(tmp_path, version=3):
    """Puts a version of ELMo in kagglehub's cache."""
    entry = tmp_path / f"kagglehub/models/google/elmo/tensorFlow1/elmo/{version}"
    entry.mkdir(parents=True)
    entry.with_name(f"{version}.complete").touch()
    return entry


@pytest.mark.usefixtures("without_kagglehub")
def test_what_is_in_kagglehubs_cache_is_used_offline(kaggle, tmp_path):
    entry, said = entry_of(tmp_path), []
    with open_source(ELMO, progress=said.append) as source:
        assert source.directory == entry
        assert source.name == source.origin.handle == ELMO
        assert source.origin.name == "google/elmo/tensorFlow1/elmo/3"
    assert said == [f"{ELMO} is google/elmo/tensorFlow1/elmo/3 on Kaggle"]
    assert kaggle.requests == []


def test_what_the_table_has_is_downloaded_from_kaggle(client, tmp_path):
    stored(client, ARCHIVE)
    with open_source("https://tfhub.dev/google/elmo/2") as source:
        assert source.directory == tmp_path / "kagglehub/models/google/elmo/tensorFlow1/elmo/2"
    assert [asked["versionNumber"] for asked in client.asked] == [2]


def test_what_tensorflow_hub_has_downloaded_goes_first(kaggle, tmp_path, monkeypatch):
    entry_of(tmp_path)
    monkeypatch.setenv(hub_cache.VARIABLE, str(tmp_path / "hub"))
    folder = hub_cache.find_entry(ELMO).folder
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"x")
    with open_source(ELMO) as source:
        assert source.directory == folder
    assert kaggle.requests == []


@pytest.mark.usefixtures("without_kagglehub")
@pytest.mark.parametrize("address", [ELMO, "http://tfhub.dev/google/unknown/1"])
def test_otherwise_tfhub_dev_itself_is_asked(address, tfhub):
    path = address.removeprefix("http://tfhub.dev")
    tfhub.answer(path, hub_server.redirects("http://storage.host/archive?X-Goog-Signature=secret"))
    tfhub.answer("/archive", hub_server.status(200, ARCHIVE))
    with open_source(address) as source:
        assert (source.directory / "saved_model.pb").read_bytes() == b"graph"
        assert source.origin.url == "http://storage.host/archive?..."


@pytest.mark.usefixtures("without_kagglehub")
@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (hub_server.status(404), "answered 404 Not Found"),
        (hub_server.status(200, b"<!DOCTYPE html>"), "sent an HTML page"),
    ],
)
def test_what_to_do_where_tfhub_dev_does_not_send_it(answer, message, tfhub):
    for path in ("/google/elmo/3", "/google/unknown/1"):
        tfhub.answer(path, answer)
    with pytest.raises(errors.ConversionError, match=message) as caught, open_source(ELMO):
        pass
    assert str(caught.value).endswith(
        "Run `pip install 'tf1hub-converter[kaggle]'`, or download it by `curl -fL -o"
        " elmo-elmo-3.tar.gz https://www.kaggle.com/api/v1/models/google/elmo/tensorFlow1/elmo/3"
        "/download`, and pass the file: `tf1hub convert elmo-elmo-3.tar.gz DST`."
    )
    with (
        pytest.raises(errors.ConversionError, match=message) as caught,
        open_source("http://tfhub.dev/google/unknown/1"),
    ):
        pass
    assert str(caught.value).endswith(
        "The modules of tfhub.dev are on Kaggle now: look for google/unknown/1 at"
        " https://www.kaggle.com/models, and pass its handle there, or the archive that you"
        " download there: `tf1hub convert ARCHIVE DST`."
    )


def test_errors_of_who_uses_it_are_left_alone(kaggle, tmp_path):
    entry_of(tmp_path)
    with pytest.raises(errors.FormatError, match="later") as caught, open_source(ELMO):
        raise errors.FormatError("later", remedy="Do so.")
    assert caught.value.remedy == "Do so."
    assert kaggle.requests == []
