"""Directories that cannot be a model's, by the names in them."""

import pytest

from converter import errors
from converter.files.model_directory import MODEL_FILES, check_directory, check_module_directory


@pytest.mark.parametrize("name", sorted(MODEL_FILES))
def test_a_file_of_a_model_is_enough(name, tmp_path):
    (tmp_path / name).touch()
    check_module_directory(tmp_path)


def test_nothing_there_is_wrong_use(tmp_path):
    with pytest.raises(errors.PathNotFoundError, match="does not exist") as caught:
        check_module_directory(tmp_path / "nowhere")
    assert isinstance(caught.value, errors.UsageError)
    assert isinstance(caught.value, errors.FormatError)


def test_an_empty_directory_may_be_a_model_of_another_kind(tmp_path):
    check_directory(tmp_path, "SavedModel")
    with pytest.raises(errors.FormatError, match="is empty"):
        check_module_directory(tmp_path)


def test_a_directory_that_may_not_be_listed(tmp_path, monkeypatch):
    def deny(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(type(tmp_path), "iterdir", deny)
    with pytest.raises(errors.FormatError, match="cannot be read: Permission denied"):
        check_module_directory(tmp_path)
