"""Candidates: globs, targets, and those whose results would be in one another's way."""

import pathlib

import pytest

from converter.migration.candidates import Candidate, Globs, find_collisions, target_of


@pytest.mark.parametrize(
    ("include", "exclude", "path", "expected"),
    [
        ((), (), "a/b", True),
        (("a/*",), (), "a/b", True),
        (("a/*",), (), "a/b/c", True),
        (("a/*",), (), "b/a/c", False),
        (("x", "a/?"), (), "a/b", True),
        ((), ("a",), "a/b", False),
        ((), ("*/b",), "a/b/c", False),
        ((), ("b",), "a/b", True),
        (("a/*",), ("*/old",), "a/old", False),
        (("A/*",), (), "a/b", False),
    ],
)
def test_globs(include, exclude, path, expected):
    assert Globs(include, exclude).admits(path) is expected


@pytest.mark.parametrize(
    ("path", "target"),
    [("a/b", "a/b"), ("a/b.tar.gz", "a/b"), ("b.tgz", "b"), ("b.tgz/c", "b.tgz/c"),
     (".tar.gz", ".tar.gz"), ("a/.tgz", "a/.tgz"), ("a.zip", "a"), ("a.gz", "a.gz")],
)  # fmt: skip
def test_targets(path, target):
    assert target_of(path) == target


def candidate(path):
    return Candidate(path, pathlib.Path("/src", path), target_of(path))


@pytest.mark.parametrize(
    ("paths", "beaten"),
    [
        (["a", "b", "c/d"], {}),
        (["a.tar.gz", "a"], {"a.tar.gz": "a"}),
        (["a.tgz", "a.tar.gz"], {"a.tar.gz": "a.tgz"}),
        (["a.tar.gz", "a/b"], {"a.tar.gz": "a/b"}),
        (["a/b.tgz/c", "a/b.tgz"], {}),
        (["a.tgz/b", "a.tgz.tgz"], {"a.tgz.tgz": "a.tgz/b"}),
        (["ab", "a.tgz", "a/b/c"], {"a.tgz": "a/b/c"}),
    ],
)
def test_collisions(paths, beaten):
    found = find_collisions([candidate(path) for path in paths])
    assert {loser.path: winner.path for loser, winner in found} == beaten


@pytest.mark.parametrize("paths", [["a/b", "A/b"], ["a/b", "A"], ["\u00e9", "e\u0301"]])
def test_spellings_collide_where_the_filesystem_takes_them_for_one_name(paths):
    candidates = [candidate(path) for path in paths]
    assert not find_collisions(candidates)
    assert len(find_collisions(candidates, case_matters=False)) == 1
