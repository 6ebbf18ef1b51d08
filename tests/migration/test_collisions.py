"""Modules whose SavedModels would be in each other's way: nothing begins."""

import pathlib

import pytest

import converter
from converter import errors
from converter.cli import main as cli
from converter.migration.candidates import Candidate, target_of
from converter.migration.collisions import check_collisions
from converter.migration.options import Options


def check(tmp_path, *paths):
    options = Options(source_root=tmp_path / "src", destination_root=tmp_path / "dst")
    check_collisions(
        [Candidate(path, pathlib.Path("/src", path), target_of(path)) for path in paths], options
    )


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (["b/a.zip", "b/a.tgz"], "'b/a.tgz' and 'b/a.zip' would both become 'b/a'"),
        (["a", "a.tar"], "'a' and 'a.tar' would both become 'a'"),
        (["a.zip", "a/b"], "'a/b' would become 'a/b', within that of 'a.zip'"),
        (["x.zip/y", "x.zip.zip"], "'x.zip/y' would become 'x.zip/y', within that of 'x.zip.zip'"),
    ],
)
def test_both_are_named(paths, words, tmp_path):
    with pytest.raises(errors.UsageError) as caught:
        check(tmp_path, *paths)
    assert caught.value.message == f"several modules would be converted to one place: {words}"


def test_the_remedy_can_be_typed(tmp_path):
    with pytest.raises(errors.UsageError) as caught:
        check(tmp_path, "[a] b", "[a] b.zip")
    assert caught.value.remedy == (
        "Leave out one of each, such as by --exclude '[[]a] b.zip', or rename it."
    )


def test_many_are_counted(tmp_path):
    paths = [f"{name}{suffix}" for name in "abcdefg" for suffix in ("", ".zip")]
    with pytest.raises(errors.UsageError, match=r"both become 'e'; and 2 more\. Leave"):
        check(tmp_path, *paths)


def test_nothing_is_said_where_all_have_a_place(tmp_path):
    check(tmp_path, "a", "ab.zip", "A", "b/c")


def test_letters_of_another_case_where_they_are_one_name(tmp_path, monkeypatch):
    monkeypatch.setattr("converter.migration.collisions.tells_case_apart", lambda _: False)
    with pytest.raises(errors.UsageError, match="'A' and 'a' would both become 'A'"):
        check(tmp_path, "a", "A")


@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]])
def test_nothing_is_written(dry_run, tree, tmp_path, capsys):
    root = tree({"a": None, "a.tar.gz": "x", "b": None})
    arguments = ["migrate", str(root), str(tmp_path / "dst"), *dry_run]
    assert cli.main(cli.parse_arguments(["tf1hub", *arguments])) == 2
    assert "'a' and 'a.tar.gz' would both become 'a'" in capsys.readouterr().err
    assert not (tmp_path / "dst").exists()


def test_what_is_excluded_is_in_nobody_s_way(tree, tmp_path):
    root = tree({"a": None, "a.tar.gz": "x"})
    converter.migrate(root, tmp_path / "dst", dry_run=True, exclude=["a.tar.gz"], workers=1)
