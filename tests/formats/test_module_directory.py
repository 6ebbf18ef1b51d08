"""Directories that cannot be a module's, by the names in them, and what is there instead."""

import pytest

from converter import errors
from converter.files.model_directory import MODEL_FILES, check_directory
from converter.formats.module_directory import check_module_directory


def refused(directory):
    with pytest.raises(errors.FormatError) as caught:
        check_module_directory(directory)
    assert "\n" not in str(caught.value)
    return caught.value


def make(root, *files):
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()


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
    assert "is empty" in str(refused(tmp_path))


def test_a_directory_that_may_not_be_listed(tmp_path, monkeypatch):
    def deny(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(type(tmp_path), "iterdir", deny)
    assert "cannot be read: Permission denied" in str(refused(tmp_path))


def test_nothing_is_said_of_files_that_nobody_knows(tmp_path):
    make(tmp_path, "README", "data/words.txt")
    error = refused(tmp_path)
    assert error.message == (
        f"{tmp_path} holds no model: it has neither tfhub_module.pb nor saved_model.pb"
    )
    assert error.remedy == "Point to the directory that holds them."


@pytest.mark.parametrize("folder", ["1", "nnlm/1"])
def test_a_module_below_is_named(folder, tmp_path):
    make(tmp_path, f"{folder}/tfhub_module.pb", "README", "other/README")
    error = refused(tmp_path)
    assert error.message.endswith(f"nor saved_model.pb; its folder {folder!r} has")
    assert error.remedy == f"Pass {tmp_path / folder}."


def test_several_modules_below_are_named(tmp_path):
    make(tmp_path, "b/saved_model.pb", "a/saved_model.pb")
    error = refused(tmp_path)
    assert error.message.endswith("; 2 of its folders have: 'a', 'b'")
    assert error.remedy == (
        f"Pass one of them, such as {tmp_path / 'a'}; `tf1hub migrate` converts all of them."
    )
    make(tmp_path, *(f"{name}/saved_model.pb" for name in "cde"))
    assert refused(tmp_path).message.endswith("; 5 of its folders have: 'a', 'b', 'c', …")


def test_the_nearer_ones_are_meant(tmp_path):
    make(tmp_path, "b/saved_model.pb", "a/deep/saved_model.pb")
    assert refused(tmp_path).message.endswith("; its folder 'b' has")


def test_a_module_three_folders_down_is_not_looked_for(tmp_path):
    make(tmp_path, "a/b/c/saved_model.pb")
    assert refused(tmp_path).remedy == "Point to the directory that holds them."


def test_a_cache_of_tensorflow_hub_says_which_handles_it_holds(tmp_path):
    name = "1c8f9ec4bcc4bb8d7f7a2d4a5c5b3e0a31ba1ae0"
    make(tmp_path, f"{name}/tfhub_module.pb", "other/saved_model.pb", "none/x")
    descriptor = "Module: https://tfhub.dev/google/nnlm-en-dim50/1\nDownload Time: 2019-11-05\n"
    (tmp_path / f"{name}.descriptor.txt").write_text(descriptor)
    (tmp_path / "other.descriptor.txt").write_bytes(b"Module: \xff")
    assert refused(tmp_path).message.endswith(
        f"; 2 of its folders have: {name!r} (https://tfhub.dev/google/nnlm-en-dim50/1), 'other'"
    )


@pytest.mark.parametrize("part", ["variables", "assets"])
def test_the_model_above_is_named(part, tmp_path):
    make(tmp_path, "saved_model.pb", "variables/variables.index", "assets/words.txt")
    error = refused(tmp_path / part)
    assert error.message.endswith(f"; it is a part of the model {tmp_path}")
    assert error.remedy == f"Pass {tmp_path}."


def test_a_folder_of_another_name_beside_a_model_is_no_part_of_it(tmp_path):
    make(tmp_path, "saved_model.pb", "notes/x.txt")
    assert refused(tmp_path / "notes").remedy == "Point to the directory that holds them."


@pytest.mark.parametrize(
    ("files", "name", "words"),
    [
        (["checkpoint", "model.ckpt-7.index", "graph.pbtxt"], "checkpoint", "a TF1 checkpoint"),
        (["inception_v3.ckpt"], "inception_v3.ckpt", "a TF1 checkpoint"),
        (["frozen_inference_graph.pb", "labels.txt"], "frozen_inference_graph.pb", "a bare graph"),
        (["model.h5"], "model.h5", "a file of Keras"),
        (["Model.tflite"], "Model.tflite", "a TFLite model"),
        (["model.json", "group1-shard1of1.bin"], "model.json", "a model of TensorFlow.js"),
    ],
)
def test_models_of_other_formats_are_named(files, name, words, tmp_path):
    make(tmp_path, *files)
    error = refused(tmp_path)
    assert f"; its {name!r} is {words}" in error.message
    assert error.remedy != "Point to the directory that holds them."


def test_a_module_below_comes_before_what_lies_beside_it(tmp_path):
    """As the object detection API exports them."""
    make(tmp_path, "frozen_inference_graph.pb", "checkpoint", "saved_model/saved_model.pb")
    assert refused(tmp_path).remedy == f"Pass {tmp_path / 'saved_model'}."


def test_remote_folders_are_looked_at_once(remote):
    for place in (remote / "a", remote / "b" / "c"):
        place.mkdir()
        (place / "saved_model.pb").write_bytes(b"x")
    assert refused(remote).message.endswith("; its folder 'a' has")
    assert refused(remote / "b").message.endswith("; its folder 'c' has")
