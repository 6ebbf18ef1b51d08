"""Files that are taken for modules, as their own programs write them."""

import h5py
import pytest
import tensorflow as tf

from converter.formats.other_formats import OTHER_FORMATS, find_among, find_other_format


def graph():
    with tf.Graph().as_default() as made:
        x = tf.compat.v1.placeholder(tf.float32, [None], name="x")
        tf.add(x, 2.0, name="y")
    return made


def checkpoint_file(suffix, folder):
    with graph().as_default(), tf.compat.v1.Session() as session:
        tf.Variable(1.0)
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().save(session, str(folder / "model.ckpt"))
    return (folder / f"model.ckpt{suffix}").read_bytes()


def hdf5(folder):
    with h5py.File(folder / "x.h5", "w") as file:
        file["w"] = [1.0]
    return (folder / "x.h5").read_bytes()


def lite(_):
    with graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, [1])
        with tf.compat.v1.Session() as session:
            converter = tf.compat.v1.lite.TFLiteConverter.from_session(session, [x], [x + 2.0])
            return converter.convert()


CASES = [
    ("a.pb", lambda _: graph().as_graph_def().SerializeToString(), "a bare graph"),
    ("a.bin", lambda _: graph().as_graph_def().SerializeToString(), "a bare graph"),
    ("a.txt", lambda _: str(graph().as_graph_def()).encode(), "a bare graph"),
    ("frozen.pbtxt", lambda _: b"", "a bare graph"),
    ("model.ckpt.meta", lambda folder: checkpoint_file(".meta", folder), "a TF1 checkpoint"),
    ("graph", lambda folder: checkpoint_file(".meta", folder), "a TF1 checkpoint"),
    ("x.index", lambda folder: checkpoint_file(".index", folder), "a TF1 checkpoint"),
    (
        "model.ckpt.data-00000-of-00001",
        lambda folder: checkpoint_file(".data-00000-of-00001", folder),
        "a TF1 checkpoint",
    ),
    ("checkpoint", lambda _: b'model_checkpoint_path: "model.ckpt"\n', "a TF1 checkpoint"),
    ("a.h5", hdf5, "a file of Keras"),
    ("weights", hdf5, "a file of Keras"),
    ("a.tflite", lite, "a TFLite model"),
    ("a.bin", lite, "a TFLite model"),
    ("model.json", lambda _: b'{"format": "graph-model"}', "a model of TensorFlow.js"),
    ("a.json", lambda _: b'{"error": 404}', "a JSON document"),
    ("a.pb", lambda _: b"<!DOCTYPE html><html>", "an HTML page"),
    ("a.h5", lambda _: b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS"),
    ("a.pb", lambda _: b"\n\n<html>", "an HTML page"),
]


@pytest.mark.parametrize(("name", "make", "words"), CASES)
def test_they_are_told_by_their_bytes_and_else_by_their_names(name, make, words, tmp_path):
    found = find_other_format(name, make(tmp_path)[:512])
    assert words in found.what
    assert found.remedy


def test_a_saved_model_under_another_name(golden_module):
    head = (golden_module("half_plus_two") / "saved_model.pb").read_bytes()[:512]
    assert "the graph of a SavedModel" in find_other_format("frozen.pb", head).what


@pytest.mark.parametrize(
    "head",
    [b"", b"x", b"\x0a", b"\x0a\x00", b"\x0a\x05graph", b"\x0a\xff\xff\xff\xff\xff\xff", b"PK\3\4",
     b"\x89PNG\r\n", bytes(512)],
)  # fmt: skip
def test_what_nobody_knows_has_no_name(head):
    assert find_other_format("a", head) is None


def test_a_remedy_is_one_or_more_sentences():
    for other in OTHER_FORMATS:
        assert other.remedy[0].isupper()
        assert other.remedy.endswith(".")
        assert other.starts or other.names or other.is_one(b"") is False


def test_the_first_file_of_the_first_format_is_named():
    assert find_among(["b.ckpt", "a.ckpt", "0.pb"])[1] == "a.ckpt"
    assert find_among(["words.txt", "labels.pbtxt"]) is None
    assert find_among([]) is None
