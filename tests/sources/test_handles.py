import pathlib

import pytest

from converter import errors
from converter.sources.handles import check_handle, is_handle, is_of_one_version, public_address

KAGGLE = "google/elmo/tensorFlow1/elmo"
PAGE = f"https://www.kaggle.com/models/{KAGGLE}"


@pytest.mark.parametrize("spec", ["https://host/m", "HTTP://host/m", f"{KAGGLE}/3", PAGE])
def test_handles(spec):
    assert is_handle(spec)
    check_handle(spec)


@pytest.mark.parametrize("spec", ["gs://host/m", "google/elmo", "/tmp/m", "file:///tmp/m", ""])
def test_paths(spec):
    assert not is_handle(spec)


def test_a_path_is_no_handle(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pathlib.Path(KAGGLE).mkdir(parents=True)
    assert not is_handle(KAGGLE)
    assert is_handle(PAGE)


@pytest.mark.parametrize(
    ("handle", "message"),
    [
        ("https://host/a b", "is not the URL of a module"),
        ("https://www.kaggle.com/datasets/x", "is not the address of a model"),
        ("https://user:password@www.kaggle.com/models/x", "is not the URL of a module"),
    ],
)
def test_handles_that_cannot_be_asked_for(handle, message):
    with pytest.raises(errors.UsageError, match=message):
        check_handle(handle)


@pytest.mark.parametrize(
    ("handle", "address"),
    [
        (f"{KAGGLE}/3", f"{PAGE}/3"),
        (f"{PAGE}/3?token=secret", f"{PAGE}/3"),
        ("https://host/m?token=secret", "https://host/m?..."),
    ],
)
def test_public_addresses(handle, address):
    assert public_address(handle) == address


def test_handles_of_one_version():
    assert is_of_one_version(f"{PAGE}/3")
    assert is_of_one_version("https://host/m/1")
    assert not is_of_one_version(PAGE)
