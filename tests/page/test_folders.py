"""Outcomes by folder."""

from converter.page.document import ModuleFacts, ParityNumbers
from converter.page.folders import group_by_folder

EQUAL = ParityNumbers(
    verdict="equal", passed=True, tensors=1, bit_equal=1, worst_abs=0.0, worst_rel=0.0
)


def facts(*paths, outcome="converted", parity=None):
    return [ModuleFacts(path=path, outcome=outcome, parity=parity) for path in paths]


def test_modules_are_counted_by_their_first_folder():
    modules = [
        *facts("text/a", "text/deep/b", "top", parity=EQUAL),
        *facts("image/c", outcome="refused"),
        *facts("image/d", outcome="not_compared"),
        *facts("notes/e", outcome="not_legacy"),
    ]
    folders = group_by_folder(modules)
    assert [(f.path, f.modules, f.converted, f.equal) for f in folders] == [
        ("", 1, 1, 1),
        ("image", 2, 1, 0),
        ("text", 2, 2, 2),
    ]
    assert dict(folders[1].counts) == {"refused": 1, "not_compared": 1}


def test_folders_that_all_have_in_common_tell_nothing_apart():
    folders = group_by_folder(facts("a/b/c/x", "a/b/d/y", "a/b/d/e/z"))
    assert [(folder.path, folder.modules) for folder in folders] == [("a/b/c", 1), ("a/b/d", 2)]


def test_a_name_that_begins_like_another_is_another_folder():
    folders = group_by_folder(facts("text1/a", "text2/b"))
    assert [folder.path for folder in folders] == ["text1", "text2"]


def test_where_there_are_no_two_folders_there_are_none():
    assert group_by_folder([]) == []
    assert group_by_folder(facts("a", "b")) == []
    assert group_by_folder(facts("a/b", "a/c")) == []
