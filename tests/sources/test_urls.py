import pytest

from converter import errors
from converter.sources.urls import check_url, compressed_url, is_url, module_name, public_url


def test_what_is_a_url():
    assert all(map(is_url, ("https://h/m", "HTTP://h", "https://")))
    assert not any(map(is_url, ("gs://b/m", "https:/h/m", "a/https://h", "ftp://h/m", "h/m")))


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("https://", "it names no host"),
        ("https:///m", "it names no host"),
        ("https://h/a b", "percent-encoded"),
        ("https://h/a\nb", "percent-encoded"),
        ("https://h/ä", "percent-encoded"),
        ("https://h:x/m", "Port could not be cast"),
        ("https://h:99999/m", "Port out of range"),
        ("https://[::1/m", "Invalid IPv6 URL"),
        ("https://me:pass@h/m", "a user name or a password"),
        ("https://me@h/m", "a user name or a password"),
    ],
)
def test_what_cannot_be_requested(url, fault):
    with pytest.raises(errors.UsageError, match=fault) as caught:
        check_url(url)
    assert "pass" not in caught.value.message.replace("password", "")


@pytest.mark.parametrize("url", ["https://h/m", "http://127.0.0.1:80/a/b?c=d#e", "https://[::1]/m"])
def test_what_can(url):
    check_url(url)


@pytest.mark.parametrize(
    ("handle", "asked"),
    [
        ("https://h/p/m/1", "https://h/p/m/1?tf-hub-format=compressed"),
        ("https://h", "https://h?tf-hub-format=compressed"),
        ("https://h/m?a=b%20c&d", "https://h/m?a=b%20c&d&tf-hub-format=compressed"),
        ("https://h/m?tf-hub-format=compressed", "https://h/m?tf-hub-format=compressed"),
        ("https://h/m?tf-hub-format=compressed&a", "https://h/m?tf-hub-format=compressed&a"),
        ("https://h/m#part", "https://h/m?tf-hub-format=compressed"),
    ],
)
def test_the_archive_is_asked_for(handle, asked):
    assert compressed_url(handle) == asked


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://h/m", "https://h/m"),
        ("https://h/m?tf-hub-format=compressed", "https://h/m"),
        ("https://h/m?token=secret", "https://h/m?..."),
        ("https://h/m?token=secret&tf-hub-format=compressed", "https://h/m?..."),
        ("https://me:secret@h:80/m#secret", "https://h:80/m"),
        ("file:///etc/passwd", "file:///etc/passwd"),
        ("https://[h/m", "https://[h/m"),
        ("https://h/" + "m" * 1000, "https://h/" + "m" * 290 + "..."),
    ],
)
def test_secrets_are_not_shown(url, shown):
    assert public_url(url) == shown


def test_the_name_of_a_module():
    assert module_name("https://tfhub.dev/google/elmo/3") == "google/elmo/3"
    assert module_name("https://h:80/m.tar.gz?x=y") == "m.tar.gz"
    assert module_name("https://h:80/") == "h:80"
