import pathlib

import numpy as np
import pytest
import tensorflow as tf
import tensorflow.compat.v1 as tf1
from hub_stand_ins import add_signature, make_meta_graph

from converter import errors
from converter.files.source_files import digest
from converter.formats.registry import read_module
from converter.ir.graph import SliceSpec, VariableSpec
from converter.sources.module_variables import StoredValue
from converter.sources.write_module import copy_checkpoint, write_graphs, write_values


def _asset(path):
    asset = tf.constant(str(path), name="path")
    tf1.add_to_collection(tf1.GraphKeys.ASSET_FILEPATHS, asset)
    return asset


def _with_assets(*paths, tags=()):
    def module_fn():
        add_signature(outputs={str(i): _asset(path) for i, path in enumerate(paths)})

    return make_meta_graph(module_fn, tags)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "module").mkdir()
    return tmp_path / "module"


@pytest.fixture
def files(tmp_path):
    """Three files, of which two have one name."""
    paths = [tmp_path / "a/words", tmp_path / "b/words", tmp_path / "b/words0"]
    for number, path in enumerate(paths):
        path.parent.mkdir(exist_ok=True)
        path.write_text(str(number))
    return paths


def test_assets_are_copied_under_names_of_their_own(folder, files):
    graphs = [_with_assets(*files, files[0]), _with_assets(files[1], tags={"b", "a"})]
    before = [graph.SerializeToString(deterministic=True) for graph in graphs]
    write_graphs(graphs, folder, None)
    assert [graph.SerializeToString(deterministic=True) for graph in graphs] == before
    variants = read_module(folder).variants
    named = {n: a.filename for n, a in variants[frozenset()].assets.items()}
    assert named == {"path": "words", "path_1": "words0", "path_2": "words00", "path_3": "words"}
    assert {a.filename for a in variants[frozenset("ab")].assets.values()} == {"words0"}
    written = {path.name: path.read_text() for path in (folder / "assets").iterdir()}
    assert written == {"words": "0", "words0": "1", "words00": "2"}
    assert str(files[0]).encode() not in (folder / "saved_model.pb").read_bytes()


def test_the_bytes_do_not_depend_on_the_order_of_a_set(tmp_path):
    digests = set()
    for number, tags in enumerate((["a", "b"], ["b", "a"])):
        place = tmp_path / str(number)
        place.mkdir()
        graph = make_meta_graph(lambda: add_signature(outputs=tf.constant(1.0)))
        graph.meta_info_def.tags[:] = tags
        write_graphs([graph], place, None)
        digests.add(digest(place))
    assert len(digests) == 1


def test_a_file_is_gone(folder, tmp_path):
    with pytest.raises(errors.FormatError, match=r"'.*/gone', cannot be copied: ") as caught:
        write_graphs([_with_assets(tmp_path / "gone")], folder, None)
    assert caught.value.remedy.startswith("Files that the spec names have to stay")


def test_an_asset_that_is_computed(folder):
    def module_fn():
        asset = tf.strings.join(["/etc/", "hostname"])
        tf1.add_to_collection(tf1.GraphKeys.ASSET_FILEPATHS, asset)
        add_signature(outputs=asset)

    with pytest.raises(errors.FormatError, match="an asset is not a constant string"):
        write_graphs([make_meta_graph(module_fn)], folder, None)


def test_a_module_that_was_loaded_has_its_own_assets_only(folder, tmp_path):
    loaded = tmp_path / "loaded"
    checkpoint = str(loaded / "variables" / "variables")
    (loaded / "assets").mkdir(parents=True)
    (loaded / "assets" / "words").write_text("words")
    write_graphs([_with_assets(loaded / "assets" / "words")], folder, checkpoint)
    assert (folder / "assets" / "words").read_text() == "words"
    (loaded / "assets_of_others").write_text("secret")
    (loaded / "assets" / "link").symlink_to(loaded / "assets_of_others")
    for path in ("/etc/hostname", loaded / "assets/../assets_of_others", loaded / "assets/link"):
        with pytest.raises(errors.UnsafeModuleError, match="which is not one of its assets"):
            write_graphs([_with_assets(path)], folder, checkpoint)


def test_a_remote_module_has_its_own_assets_only(folder, remote):
    (remote / "assets").mkdir()
    (remote / "assets" / "words").write_bytes(b"words")
    (remote / "variables").mkdir()
    (remote / "variables" / "variables.index").write_bytes(b"index")
    checkpoint = str(remote / "variables" / "variables")
    write_graphs([_with_assets(remote / "assets" / "words")], folder, checkpoint)
    copy_checkpoint(checkpoint, folder)
    assert (folder / "variables" / "variables.index").read_bytes() == b"index"
    outside = f"{remote}/assets/../variables/variables.index"
    with pytest.raises(errors.UnsafeModuleError):
        write_graphs([_with_assets(outside)], folder, checkpoint)


def test_values_are_a_checkpoint_with_parts(folder):
    first, part = (
        VariableSpec(name, name, 1, (1, 2), True, "w", SliceSpec((2, 2), (row, 0), (1, 2)))
        for row, name in enumerate(("w/part_0", "w/part_1"))
    )
    word = VariableSpec("s", "s", 7, (), False, "s", None)
    write_values(
        [
            StoredValue(first, np.array([[1, 2]], np.float32)),
            StoredValue(part, np.array([[3, 4]], np.float32)),
            StoredValue(word, np.array(b"a\0", object)),
        ],
        folder,
    )
    reader = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
    assert reader.get_tensor("w").tolist() == [[1, 2], [3, 4]]
    assert reader.get_tensor("s") == b"a\0"


def test_no_checkpoint_because_there_are_no_variables(folder, tmp_path):
    write_values([], folder)
    copy_checkpoint(str(tmp_path / "gone" / "variables"), folder)
    assert not list(folder.iterdir())


def test_a_checkpoint_is_copied_whatever_its_name(folder, tmp_path):
    source = pathlib.Path(tmp_path / "trained")
    source.mkdir()
    for name in ("best.index", "best.data-00000-of-00001", "other.index", "best"):
        (source / name).write_text(name)
    copy_checkpoint(str(source / "best"), folder)
    written = {path.name: path.read_text() for path in (folder / "variables").iterdir()}
    assert written == {
        "variables.index": "best.index",
        "variables.data-00000-of-00001": "best.data-00000-of-00001",
    }
