"""Lists of handles."""

import pytest

from converter import errors
from converter.migration.module_list import read_module_list


@pytest.fixture
def read(tmp_path):
    def call(text):
        (tmp_path / "list").write_text(text)
        found = read_module_list(tmp_path / "list", tmp_path / "src")
        assert found.outcomes == ()
        return {c.path: (str(c.source), c.target) for c in found.candidates}

    call.root = tmp_path / "src"
    return call


def test_paths_are_relative_to_the_source_root(read, tmp_path):
    src = tmp_path / "src"
    text = f"# all\n\na/b   # the best\n{src}/c/\n  ./a/b\nd.tar.gz\n"
    assert read(text) == {
        "a/b": (f"{src}/a/b", "a/b"),
        "c": (f"{src}/c", "c"),
        "d.tar.gz": (f"{src}/d.tar.gz", "d"),
    }


def test_a_path_outside_keeps_all_of_itself_and_stays_below_the_destination(read, tmp_path):
    outside = str(tmp_path / "x")
    places = read(f"{outside}/y\n../x/z\n")
    for name in "yz":
        place = f"{outside}/{name}"
        assert places[place[1:]] == (place, place[1:])


def test_a_handle_goes_to_the_place_that_it_names(read):
    assert read(
        "https://host:8080/google/../elmo/3?x=1#y\nhttp://h/a%2F..%2Fb/c.tar.gz # best\n"
        "gs://bucket/m//n/\na\nhttps://[::1]/m/...\n"
    ) == {
        "host_8080/google/elmo/3": (
            "https://host:8080/google/../elmo/3?x=1#y", "host_8080/google/elmo/3",
        ),
        "h/a%2F..%2Fb/c.tar.gz": ("http://h/a%2F..%2Fb/c.tar.gz", "h/a%2F..%2Fb/c"),
        "bucket/m/n": ("gs://bucket/m/n", "bucket/m/n"),
        "a": (str(read.root / "a"), "a"),
        "___1_/m/...": ("https://[::1]/m/...", "___1_/m/..."),
    }  # fmt: skip


@pytest.mark.parametrize("line", ["https://", "https://h:x/m", "https://me:pass@h/m"])
def test_what_is_not_a_url_is_wrong_use(read, line):
    with pytest.raises(errors.UsageError, match="is not the URL of a module"):
        read(f"a\n{line}\n")


def test_two_modules_that_would_become_one_are_wrong_use(read, tmp_path):
    inside = str(tmp_path / "x/y")[1:]
    with pytest.raises(errors.UsageError, match="would both go to"):
        read(f"{inside}\n{tmp_path}/x/y\n")
    with pytest.raises(errors.UsageError, match="would both go to 'bucket/m'"):
        read("gs://bucket/m\nbucket/m\n")
    for other in ("http://h/m", "https://h/m/", "https://h/m?v=1", "https://h/./m", "gs://h/m"):
        with pytest.raises(errors.UsageError, match="would both go to 'h/m'"):
            read(f"https://h/m\n{other}\n")
    assert list(read("a\n./a\n")) == ["a"]
    assert list(read("gs://b/m\ngs://b/m/\n")) == ["b/m"]
    assert list(read("https://h/m\nhttps://h/m\n")) == ["h/m"]


def test_a_list_that_cannot_be_read_is_wrong_use(tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name in ("nowhere", "binary"):
        with pytest.raises(errors.UsageError, match="cannot be read"):
            read_module_list(tmp_path / name, tmp_path)
