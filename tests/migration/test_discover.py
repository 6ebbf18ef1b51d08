"""Discovery: what may be a module, what is not, and where it does not go."""

import os

import pytest

from converter import errors
from converter.migration.discover import discover
from converter.migration.outcomes import NotLegacy, Reason, Refused


@pytest.fixture
def find(tmp_path):
    def call(root):
        found = discover(root, tmp_path / "dst")
        return [c.path for c in found.candidates], {o.path: o for o in found.outcomes}

    return call


def test_relative_paths_are_kept(tree, find):
    root = tree({"a/b/1": None, "a/b/2": None, "c": None, "d.tar.gz": "x", "e/f.tgz": "x"})
    assert find(root) == (["a/b/1", "a/b/2", "c", "d.tar.gz", "e/f.tgz"], {})


@pytest.mark.parametrize("name", ["saved_model.pb", "saved_model.pbtxt", "tfhub_module.pb"])
def test_each_file_of_a_model_makes_a_candidate(tree, find, name):
    assert find(tree({f"a/{name}": "x"}))[0] == ["a"]


def test_a_module_is_not_looked_into(tree, find):
    root = tree({"a": None, "a/assets/inner/saved_model.pb": "x", "a/x.tgz": "x"})
    assert find(root)[0] == ["a"]


def test_files_without_a_model_are_named_once_at_the_top(tree, find, tmp_path):
    root = tree({"a": None, "docs/x.txt": "x", "docs/more/y.txt": "y", "empty/z/k": None})
    (root / "empty/z/k/tfhub_module.pb").unlink()
    candidates, outcomes = find(root)
    assert candidates == ["a"]
    assert list(outcomes) == ["docs"]
    assert outcomes["docs"] == NotLegacy(
        path="docs", source=str(root / "docs"), destination=str(tmp_path / "dst/docs"),
        reason=Reason.NO_MODEL, explanation="It holds files, but neither a model nor an archive.",
    )  # fmt: skip


def test_files_beside_modules_are_nothing_to_speak_of(tree, find):
    assert find(tree({"README": "x", "a/README": "x", "a/b": None})) == (["a/b"], {})


def test_links_are_not_followed_and_it_says_so(tree, find, tmp_path):
    root = tree({"a/1": None})
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/tfhub_module.pb").write_text("x")
    (tmp_path / "x.tgz").write_text("x")
    (root / "a/latest").symlink_to("1")
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "x.tgz").symlink_to(tmp_path / "x.tgz")
    (root / "loop").symlink_to(".")
    (root / "dead").symlink_to("nowhere")
    candidates, outcomes = find(root)
    assert candidates == ["a/1"]
    assert {outcome.reason for outcome in outcomes.values()} == {Reason.LINK}
    inside = {path: "own place" in o.explanation for path, o in outcomes.items()}
    assert inside == {"a/latest": True, "loop": True, "out": False, "x.tgz": False}


def test_the_root_itself_may_be_a_link(tree, find, tmp_path):
    tree({"a": None})
    (tmp_path / "link").symlink_to("src")
    assert find(tmp_path / "link") == (["a"], {})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read_is_refused(tree, find):
    root = tree({"a": None, "b/c": None})
    (root / "b").chmod(0)
    try:
        candidates, outcomes = find(root)
    finally:
        (root / "b").chmod(0o700)
    assert candidates == ["a"]
    assert isinstance(outcomes["b"], Refused)


def test_a_root_that_is_no_tree_is_wrong_use(tree, find, tmp_path):
    root = tree({"a": None, "file": "x"})
    for place in (root / "a", root / "file", tmp_path / "nowhere"):
        with pytest.raises(errors.UsageError):
            find(place)


def test_a_tree_that_is_nested_deeper_than_the_stack_is_not_followed(tree, find, nest_folders):
    root = tree({"a": None})
    nest_folders(root, 1500)
    candidates, outcomes = find(root)
    assert candidates == ["a"]
    (outcome,) = outcomes.values()
    assert isinstance(outcome, Refused)
    assert "it lies more than 64 folders deep" in outcome.error.message
