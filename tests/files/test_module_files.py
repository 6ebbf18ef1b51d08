import os

import pytest

from converter import errors, limits
from converter.files.module_files import check_name, walk_files


def _refuse(function, *args):
    with pytest.raises(errors.FormatError) as caught:
        function(*args)
    assert "\n" not in str(caught.value)
    return caught.value.message


def test_files_and_links_are_found(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").touch()
    (tmp_path / "link").symlink_to("folder")
    (tmp_path / "broken").symlink_to("nowhere")
    names = {path.relative_to(tmp_path).as_posix() for path in walk_files(tmp_path)}
    assert names == {"folder/file", "link", "broken"}


def test_remote_files_are_found(remote):
    (remote / "folder").mkdir()
    (remote / "folder" / "file").write_bytes(b"")
    assert [str(path) for path in walk_files(remote)] == [f"{remote}/folder/file"]


@pytest.mark.parametrize("depth", [limits.MAX_FOLDER_DEPTH + 1, 1500, 5000])
def test_folders_that_are_nested_too_deeply(depth, nest_folders, tmp_path):
    nest_folders(tmp_path, depth)
    assert "of a file has more than 64 folders" in _refuse(list, walk_files(tmp_path))


def test_the_deepest_folders(nest_folders, tmp_path):
    nest_folders(tmp_path, limits.MAX_FOLDER_DEPTH)
    assert len(list(walk_files(tmp_path))) == 1


def test_names_that_are_not_utf8(tmp_path):
    with open(os.fsencode(tmp_path) + b"/\xff\xfe", "wb"):
        pass
    assert _refuse(list, walk_files(tmp_path)) == "the name '\\udcff\\udcfe' of a file is not UTF-8"


def test_more_files_than_a_module_has(tmp_path, monkeypatch):
    for name in "abc":
        (tmp_path / name).touch()
    monkeypatch.setattr(limits, "MAX_FILES", 3)
    assert len(list(walk_files(tmp_path))) == 3
    (tmp_path / "d").touch()
    assert _refuse(list, walk_files(tmp_path)) == "the module has more than 3 files"


@pytest.mark.parametrize("name", ["a" * 255, "ä" * 127, "/".join(["a" * 99] * 40), "Wörter"])
def test_names_that_are_taken(name):
    check_name(name)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("a\0b", "has a NUL character"),
        ("a" * 256, "has a part of more than 255 bytes"),
        ("ä" * 128, "has a part of more than 255 bytes"),
        ("folder/" + "a" * 256 + "/b", "has a part of more than 255 bytes"),
        ("a/" * 65 + "b", "has more than 64 folders"),
        ("/".join(["a" * 100] * 41), "has 4,140 bytes, expected fewer than 4,096"),
        ("\udcff", "is not UTF-8"),
    ],
)
def test_names_that_are_refused(name, fault):
    message = _refuse(check_name, name)
    assert message.endswith(f"of a file {fault}")
    assert len(message) < 200
