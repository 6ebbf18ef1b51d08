"""Archives: sound ones give the module, and of others nothing is left anywhere."""

import os
import pathlib
import shutil
import tarfile
import tempfile
import zipfile

import pytest
from sources.archive_makers import HOSTILE, gz, tar_of, zip_of

from converter import errors
from converter.files.paths import as_path
from converter.files.source_files import digest
from converter.sources.archive import archive_stem, find_root, has_archive_name
from converter.sources.registry import open_source


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A folder for temporary files, beside which there is nothing else."""
    folder = tmp_path / "outer" / "tmp"
    folder.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def names_below(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def pack(module, archive, root="."):
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as members:
            for path in sorted(module.rglob("*")):
                members.write(path, os.path.join(root, path.relative_to(module)))
    else:
        mode = "w" if archive.suffix == ".tar" else "w:gz"
        with tarfile.open(archive, mode) as members:
            members.add(module, root)
    return archive


@pytest.mark.parametrize("suffix", [".tar.gz", ".tgz", ".tar", ".zip"])
@pytest.mark.parametrize("root", [".", "nnlm", "home/me/nnlm"])
def test_it_holds_what_the_directory_holds(suffix, root, golden_module, tmp_path, temporary):
    module = golden_module("text_embedding_oov")
    archive = pack(module, tmp_path / f"v1{suffix}", root)
    with open_source(archive) as source:
        assert source.directory.name == ("v1" if root == "." else "nnlm")
        assert source.directory.is_relative_to(temporary)
        assert names_below(source.directory) == names_below(module)
        # The digest was computed on the way, and is that of the directory.
        assert source.known_digest == digest(module) == digest(source.directory)
        assert (source.name, source.is_private) == (str(archive), True)
        assert source.origin.name == archive.name
        assert source.origin.size_bytes == archive.stat().st_size
    assert not list(temporary.iterdir())


def test_other_contents_have_another_digest(golden_module, tmp_path):
    module = golden_module("half_plus_two")
    with open_source(pack(module, tmp_path / "a.tar.gz")) as one:
        (module / "assets").mkdir()
        (module / "assets" / "words").write_text("x")
        with open_source(pack(module, tmp_path / "b.tar.gz")) as other:
            assert one.digest() != other.digest()
            assert one.origin.digest != other.origin.digest


def test_what_finder_adds_to_a_zip_is_left_out(golden_module, tmp_path):
    module = golden_module("half_plus_two")
    archive = pack(module, tmp_path / "v1.zip", "half")
    with zipfile.ZipFile(archive, "a") as members:
        members.writestr("__MACOSX/half/._saved_model.pb", b"resource fork")
    with open_source(archive) as source:
        assert source.digest() == digest(module)


def test_its_name_does_not_matter(golden_module, tmp_path):
    """As `wget` names what it downloads."""
    module = golden_module("half_plus_two")
    archive = pack(module, tmp_path / "a.tar.gz").rename(tmp_path / "1?tf-hub-format=compressed")
    with open_source(archive) as source:
        assert source.digest() == digest(module)
        assert source.directory.name == archive.name


def test_a_remote_archive(golden_module, tmp_path, remote):
    module = golden_module("half_plus_two")
    for suffix in (".tar.gz", ".zip"):
        archive = pack(module, tmp_path / f"a{suffix}")
        (remote / archive.name).write_bytes(archive.read_bytes())
        with open_source(str(remote / archive.name)) as source:
            assert source.digest() == digest(module)


def test_a_directory_with_the_name_of_an_archive_is_a_directory(golden_module, tmp_path):
    module = golden_module("half_plus_two").rename(tmp_path / "a.tar.gz")
    with open_source(module) as source:
        assert (source.directory, source.is_private, source.origin) == (module, False, None)


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_and_damaged_archives(case, tmp_path, temporary):
    """One line says what is wrong; no file lies outside, and none is left behind."""
    name, make, words = HOSTILE[case]
    archive = tmp_path / "in" / name
    archive.parent.mkdir()
    archive.write_bytes(make())
    before = names_below(tmp_path)
    with pytest.raises(errors.ConversionError) as caught, open_source(archive):
        pass
    text = str(caught.value)
    assert words in text
    assert name in text
    assert "\n" not in text
    assert caught.value.remedy
    assert str(temporary) not in text
    assert type(caught.value) is not errors.UsageError
    assert names_below(tmp_path) == before
    assert not list(temporary.iterdir())
    assert not pathlib.Path("/tmp/evil").exists()


def test_there_are_many_hostile_archives():
    assert len(HOSTILE) >= 60


def test_the_same_beside_a_destination(tmp_path, temporary):
    """The folder of the destination is made for it, and removed again."""
    (tmp_path / "a.tar.gz").write_bytes(gz(tar_of(("saved_model.pb", b"x"))))
    destination = tmp_path / "new" / "folder" / "out"
    with open_source(tmp_path / "a.tar.gz", destination=destination) as source:
        assert source.directory.is_relative_to(destination.parent)
        assert not list(temporary.iterdir())
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_made_beside_it(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(gz(tar_of(("saved_model.pb", b"x"))))
    refused = pytest.raises(errors.DestinationError, match="cannot be written")
    with refused, open_source(tmp_path / "a.tar.gz", destination=tmp_path / "a.tar.gz" / "x"):
        pass


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, errors.WeightsError])
def test_it_is_removed_whatever_happens(error, tmp_path, temporary):
    (tmp_path / "a.zip").write_bytes(zip_of(("saved_model.pb", b"x")))
    with pytest.raises(error), open_source(tmp_path / "a.zip"):
        raise error("stop")
    assert not list(temporary.iterdir())


def test_errors_name_the_archive_and_not_the_copy(tmp_path):
    (tmp_path / "a.zip").write_bytes(zip_of(("saved_model.pb", b"x")))
    with pytest.raises(errors.FormatError) as caught, open_source(tmp_path / "a.zip") as source:
        raise errors.FormatError(f"{source.directory} is old", remedy="Buy another.")
    assert str(caught.value) == f"{tmp_path / 'a.zip'} is old. Buy another."


def test_there_is_no_space(tmp_path, monkeypatch):
    free = shutil.disk_usage(tmp_path)._replace(free=1 << 19)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    (tmp_path / "a.tar").write_bytes(tar_of(("saved_model.pb", bytes(1 << 21))))
    with (
        pytest.raises(errors.DestinationError, match="too little space to unpack") as caught,
        open_source(tmp_path / "a.tar"),
    ):
        pass
    assert "TMPDIR" in caught.value.remedy


def test_a_disk_that_fills_up(tmp_path, monkeypatch):
    class Full:
        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def write(self, _):
            raise OSError(28, "No space left on device")

    (tmp_path / "a.tar").write_bytes(tar_of(("saved_model.pb", b"x")))
    opened = pathlib.Path.open
    monkeypatch.setattr(
        pathlib.Path, "open",
        lambda self, mode="r", *rest, **more: (
            Full() if mode == "xb" else opened(self, mode, *rest, **more)
        ),
    )  # fmt: skip
    with (
        pytest.raises(errors.DestinationError, match="No space left"),
        open_source(tmp_path / "a.tar"),
    ):
        pass


def test_what_cannot_be_read(tmp_path, monkeypatch):
    (tmp_path / "a.tar").write_bytes(tar_of(("saved_model.pb", b"x")))

    def fail(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("converter.sources.archive.open_raw", fail)
    with (
        pytest.raises(errors.FormatError, match=r"a\.tar cannot be read: Permission denied"),
        open_source(tmp_path / "a.tar"),
    ):
        pass


def test_a_pipe_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with (
        pytest.raises(errors.FormatError, match="neither a file nor a directory"),
        open_source(tmp_path / "pipe"),
    ):
        pass


def test_names():
    assert has_archive_name("a.tar.gz")
    assert has_archive_name("A.ZIP")
    assert not has_archive_name("a.gz")
    assert archive_stem("a.b.tar.gz") == "a.b"
    assert archive_stem("a.tgz") == "a"
    assert archive_stem("a.TAR") == "a"
    # A folder is named so.
    assert [archive_stem(name) for name in (".tar", "...zip", "a")] == [".tar", "...zip", "a"]


def test_the_root_is_the_outermost_model():
    assert find_root(["a/saved_model.pb", "a/assets/b/saved_model.pb"], "x") == "a"
    assert find_root(["saved_model.pbtxt", "a/saved_model.pb"], "x") == ""
    with pytest.raises(errors.NoModelError):
        find_root(["saved_model.txt"], "x")


@pytest.mark.parametrize("weights", ["model.weights.h5", "model.weights.json"])
def test_a_model_of_keras_is_none_whatever_its_layers_hold(weights):
    names = ["metadata.json", "config.json", weights]
    layer = "assets/layers/module_layer/saved_model/saved_model.pb"
    for there in (names, [*names, layer]):
        with pytest.raises(errors.NoModelError, match="x is a model that Keras saved") as caught:
            find_root(there, "x")
        assert "tf.keras.models.load_model" in caught.value.remedy
    assert find_root([*names, "saved_model.pb"], "x") == ""
    assert find_root([*names[:2], layer], "x") == layer.rpartition("/")[0]


def test_an_archive_in_an_archive_is_named():
    with pytest.raises(errors.NoModelError, match=r"; its 'a/b.tgz' is an archive") as caught:
        find_root(["a/b.tgz", "README"], "x")
    assert "pass the archive that is in it" in caught.value.remedy


def test_the_progress_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("converter.files.byte_progress._SMALL_BYTES", 0)
    (tmp_path / "a.tar").write_bytes(tar_of(("saved_model.pb", b"x")))
    said = []
    with open_source(as_path(tmp_path / "a.tar"), progress=said.append):
        pass
    assert said == ["unpacking a.tar: 10 KiB of 10 KiB, 100%"]
