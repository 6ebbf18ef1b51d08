import pytest

from converter import errors
from converter.sources.member_names import MemberNames


@pytest.fixture
def names():
    return MemberNames()


def test_paths_are_relative_and_clean(names):
    assert names.add(".", is_folder=True) == ""
    assert names.add("./a//b/", is_folder=True) == "a/b"
    assert names.add("./a/b/c", is_folder=False) == "a/b/c"
    assert names.add("é", is_folder=False) == "é"


def test_a_folder_may_be_listed_twice_and_after_its_files(names):
    names.add("a/b", is_folder=False)
    assert names.add("a", is_folder=True) == names.add("a", is_folder=True) == "a"


def test_the_same_name_in_two_folders_is_two_files(names):
    assert names.add("a/x", is_folder=False) != names.add("b/x", is_folder=False)


@pytest.mark.parametrize(
    ("one", "other"), [("a/x", "A/y"), ("a", "A"), ("ß", "SS"), ("e\u0301", "\u00e9")]
)
def test_two_spellings_of_one_name(names, one, other):
    names.add(one, is_folder=False)
    with pytest.raises(errors.UnsafeModuleError, match="the same name on some filesystems"):
        names.add(other, is_folder=False)


@pytest.mark.parametrize("name", ["/a", "..", "a/../b", "a\\b", "C:a", "c:/a"])
def test_names_that_lead_elsewhere(names, name):
    with pytest.raises(errors.UnsafeModuleError, match="lies outside"):
        names.add(name, is_folder=True)


def test_what_was_refused_takes_no_place(names):
    names.add("a", is_folder=False)
    with pytest.raises(errors.UnsafeModuleError, match="both a file and a folder"):
        names.add("a/b", is_folder=False)
    assert names.add("b", is_folder=False) == "b"
