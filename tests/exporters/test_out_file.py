import pytest

from converter import errors
from converter.exporters.out_file import OutFile


@pytest.fixture
def model(tmp_path):
    (tmp_path / "model").mkdir()
    return tmp_path / "model"


def test_both_files_are_written(model, tmp_path):
    OutFile.at(tmp_path / "a.onnx", model, overwrite=False).write(b"file", "record")
    assert (tmp_path / "a.onnx").read_bytes() == b"file"
    assert (tmp_path / "a.onnx.json").read_text() == "record"


@pytest.mark.parametrize("name", ["a.onnx", "a.onnx.json"])
def test_what_is_there_needs_overwrite(model, tmp_path, name):
    (tmp_path / name).write_text("old")
    with pytest.raises(errors.UnsuitableDestinationError, match=f"{name} exists already. Pass"):
        OutFile.at(tmp_path / "a.onnx", model, overwrite=False)
    OutFile.at(tmp_path / "a.onnx", model, overwrite=True).write(b"new", "record")
    assert (tmp_path / "a.onnx").read_bytes() == b"new"


def test_nothing_is_written_into_the_model(model):
    with pytest.raises(errors.UnsuitableDestinationError, match="lies in the model"):
        OutFile.at(model / "a.onnx", model, overwrite=True)
    assert not list(model.iterdir())


def test_only_local_files_are_written(model):
    with pytest.raises(errors.UsageError, match="is not a local path, where exported files"):
        OutFile.at("gs://bucket/a.onnx", model, overwrite=False)


def test_a_directory_is_not_replaced(model, tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(errors.DestinationError, match="cannot be written"):
        OutFile.at(tmp_path / "folder", model, overwrite=True)


def test_a_folder_that_is_gone(model, tmp_path):
    (tmp_path / "new").mkdir()
    out = OutFile.at(tmp_path / "new/a.onnx", model, overwrite=False)
    (tmp_path / "new").rmdir()
    with pytest.raises(errors.DestinationError, match=r"a\.onnx\.json cannot be written"):
        out.write(b"", "")
