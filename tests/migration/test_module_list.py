"""Lists of handles."""

import pytest

from converter import errors
from converter.migration.module_list import read_module_list


@pytest.fixture
def read(tmp_path):
    def call(text):
        (tmp_path / "list").write_text(text)
        found = read_module_list(tmp_path / "list", tmp_path / "src", tmp_path / "dst")
        places = {c.path: (str(c.source), c.target) for c in found.candidates}
        return places, {o.path: o for o in found.outcomes}

    return call


def test_paths_are_relative_to_the_source_root(read, tmp_path):
    src = tmp_path / "src"
    text = f"# all\n\na/b   # the best\n{src}/c/\n  ./a/b\nd.tar.gz\n"
    assert read(text) == (
        {
            "a/b": (f"{src}/a/b", "a/b"),
            "c": (f"{src}/c", "c"),
            "d.tar.gz": (f"{src}/d.tar.gz", "d"),
        },
        {},
    )


def test_a_path_outside_keeps_all_of_itself_and_stays_below_the_destination(read, tmp_path):
    outside = str(tmp_path / "x")
    places, _ = read(f"{outside}/y\n../x/z\n")
    for name in "yz":
        place = f"{outside}/{name}"
        assert places[place[1:]] == (place, place[1:])


def test_a_url_is_refused_by_itself(read, tmp_path):
    places, outcomes = read("https://tfhub.dev/google/../elmo/3?x=1\ngs://bucket/m\na\n")
    assert list(places) == ["a"]
    assert list(outcomes) == ["tfhub.dev/google/elmo/3", "bucket/m"]
    outcome = outcomes["tfhub.dev/google/elmo/3"]
    assert outcome.source == "https://tfhub.dev/google/../elmo/3?x=1"
    assert outcome.destination == str(tmp_path / "dst/tfhub.dev/google/elmo/3")
    assert "is not a local path" in outcome.error.text


def test_two_modules_that_would_become_one_are_wrong_use(read, tmp_path):
    inside = str(tmp_path / "x/y")[1:]
    with pytest.raises(errors.UsageError, match="would both go to"):
        read(f"{inside}\n{tmp_path}/x/y\n")
    with pytest.raises(errors.UsageError, match="would both go to 'bucket/m'"):
        read("gs://bucket/m\nbucket/m\n")
    assert list(read("a\n./a\n")[0]) == ["a"]
    assert list(read("gs://b/m\ngs://b/m/\n")[1]) == ["b/m"]


def test_a_list_that_cannot_be_read_is_wrong_use(tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name in ("nowhere", "binary"):
        with pytest.raises(errors.UsageError, match="cannot be read"):
            read_module_list(tmp_path / name, tmp_path, tmp_path)
