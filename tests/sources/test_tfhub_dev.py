import pathlib
import re

import pytest

from converter.sources import tfhub_dev
from converter.sources.kaggle_handle import parse_handle
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
    assert not TfhubDev().recognizes(address)
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
