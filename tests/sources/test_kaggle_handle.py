import pathlib

import pytest

from converter import errors
from converter.sources.kaggle_handle import (
    KaggleHandle,
    find_kaggle_handle,
    is_address,
    parse_address,
    parse_handle,
)

ELMO = KaggleHandle("google", "elmo", "tensorFlow1", "elmo", 3)
NEWEST = KaggleHandle("google", "elmo", "tensorFlow1", "elmo")


@pytest.mark.parametrize(
    ("text", "handle"),
    [
        ("google/elmo/tensorFlow1/elmo/3", ELMO),
        ("google/elmo/tensorFlow1/elmo/3/", ELMO),
        ("google/elmo/TensorFlow1/elmo/3", ELMO),
        ("google/elmo/tensorflow1/elmo/3", ELMO),
        ("google/elmo/tensorFlow1/elmo", NEWEST),
        ("a/b/tensorflow2/v_1.0-x/12", KaggleHandle("a", "b", "tensorFlow2", "v_1.0-x", 12)),
    ],
)  # fmt: skip
def test_handles(text, handle):
    assert find_kaggle_handle(text) == handle


@pytest.mark.parametrize(
    "text",
    [
        "google/elmo/tensorFlow1",
        "google/elmo/tensorFlow1/elmo/3/variables",
        "google/elmo/keras/elmo/3",
        "google/elmo/tensorFlow3/elmo/3",
        "google/elmo/tensorFlow1/elmo/0",
        "google/elmo/tensorFlow1/elmo/03",
        "google/elmo/tensorFlow1/elmo/-3",
        "google/elmo/tensorFlow1/elmo/v3",
        "google/elmo/tensorFlow1/elmo/٣",
        "google/elmo/tensorFlow1/elmo/1234567890",
        "google/elmo/tensorFlow1//3",
        "google/../tensorFlow1/elmo/3",
        "./elmo/tensorFlow1/elmo/3",
        ".x/elmo/tensorFlow1/elmo/3",
        "google/a b/tensorFlow1/elmo/3",
        "google/élmo/tensorFlow1/elmo/3",
        "google/elmo\n/tensorFlow1/elmo/3",
        "/google/elmo/tensorFlow1/elmo",
        "gs://google/elmo/tensorFlow1/elmo",
        "https://host/models/google/elmo/tensorFlow1/elmo/3",
        "https://kaggle.com.evil.org/models/google/elmo/tensorFlow1/elmo/3",
        "",
    ],
)
def test_paths_and_other_addresses(text):
    assert find_kaggle_handle(text) is None


@pytest.mark.parametrize(
    "place", ["google/elmo/tensorFlow1/elmo/3", "google/elmo/tensorFlow1/elmo"]
)
def test_a_path_that_exists_wins(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_kaggle_handle(place) is not None
    pathlib.Path(place).parent.mkdir(parents=True)
    pathlib.Path(place).symlink_to("nowhere")
    assert find_kaggle_handle(place) is None
    assert parse_handle(place) is not None


@pytest.mark.parametrize(
    "path",
    [
        "models/google/elmo/tensorFlow1/elmo/3",
        "models/google/elmo/TensorFlow1/elmo/3/",
        "models/google/elmo/tensorFlow1/elmo/3?tfhub-redirect=true",
        "models/google/elmo/tensorFlow1/elmo/3?tf-hub-format=compressed#x",
        "models/google/elmo/frameworks/TensorFlow1/variations/elmo/versions/3",
        "api/v1/models/google/elmo/tensorFlow1/elmo/3/download",
    ],
)
@pytest.mark.parametrize(
    "site", ["https://www.kaggle.com/", "http://kaggle.com/", "https://KAGGLE.com:443/"]
)
def test_addresses(site, path):
    assert is_address(site + path)
    assert find_kaggle_handle(site + path) == parse_address(site + path) == ELMO


@pytest.mark.parametrize(
    "path",
    [
        "models/google/elmo/tensorFlow1/elmo",
        "models/google/elmo/frameworks/tensorFlow1/variations/elmo",
    ],
)
def test_addresses_without_a_version(path):
    assert find_kaggle_handle(f"https://www.kaggle.com/{path}") == NEWEST


def test_a_model_may_be_called_like_the_words_of_the_long_spelling():
    address = "https://www.kaggle.com/models/google/frameworks/tensorFlow1/variations/3"
    handle = KaggleHandle("google", "frameworks", "tensorFlow1", "variations", 3)
    assert find_kaggle_handle(address) == handle


@pytest.mark.parametrize(
    "path",
    [
        "google/elmo",
        "google/elmo/tensorFlow1",
        "google/elmo/tfLite/elmo/3",
        "google/elmo/tensorFlow1/elmo/x",
        "google/elmo/frameworks/tensorFlow1/versions/elmo/variations/3",
        "google/..%2f/tensorFlow1/elmo/3",
    ],
)
def test_addresses_of_kaggle_that_name_no_variation(path):
    with pytest.raises(errors.UsageError, match="does not name a variation of a TensorFlow model"):
        parse_address(f"https://www.kaggle.com/models/{path}")


@pytest.mark.parametrize("path", ["", "models", "datasets/google/elmo", "api/v1/kernels"])
def test_addresses_of_kaggle_that_are_not_of_models(path):
    message = "does not name a variation" if path == "models" else "is not the address of a model"
    with pytest.raises(errors.UsageError, match=message) as caught:
        find_kaggle_handle(f"https://www.kaggle.com/{path}")
    assert "https://www.kaggle.com/models/google/elmo/tensorFlow1/elmo/3" in str(caught.value)


def test_texts():
    assert str(ELMO) == "google/elmo/tensorFlow1/elmo/3"
    assert str(NEWEST) == "google/elmo/tensorFlow1/elmo"
    assert ELMO.page == "https://www.kaggle.com/models/google/elmo/tensorFlow1/elmo/3"
    assert ELMO.archive == (
        "https://www.kaggle.com/api/v1/models/google/elmo/tensorFlow1/elmo/3/download"
    )
    assert parse_address(ELMO.page) == parse_address(ELMO.archive) == ELMO
    assert ELMO.file_name == "elmo-elmo-3.tar.gz"
