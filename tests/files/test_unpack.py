import io
import tarfile

import pytest

from converter import errors
from converter.files.unpack import archive_stem, is_archive, unpack


@pytest.fixture
def pack(tmp_path):
    """`pack(*members)` makes an archive of `(name, type, content or target)`."""

    def make(*members):
        path = tmp_path / "module.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            for name, kind, content in members:
                member = tarfile.TarInfo(name)
                member.type = kind
                if kind == tarfile.REGTYPE:
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
                else:
                    member.linkname = content
                    archive.addfile(member)
        return path

    return make


def file(name, content=b"x"):
    return name, tarfile.REGTYPE, content


def directory(name):
    return name, tarfile.DIRTYPE, ""


def test_archives_are_told_by_their_names(tmp_path):
    assert is_archive(tmp_path / "a.tar.gz")
    assert is_archive(tmp_path / "a.tgz")
    assert not is_archive(tmp_path / "a.tar")
    assert archive_stem(tmp_path / "a.b.tar.gz") == "a.b"
    assert archive_stem(tmp_path / "a.tgz") == "a"


def test_an_archive_rooted_at_the_module(pack, tmp_path):
    archive = pack(directory("./"), file("./saved_model.pb", b"abc"), file("./variables/x"))
    root = unpack(archive, tmp_path / "out")
    assert root == tmp_path / "out"
    assert (root / "saved_model.pb").read_bytes() == b"abc"
    assert (root / "variables/x").read_bytes() == b"x"


def test_an_archive_rooted_one_folder_above(pack, tmp_path):
    root = unpack(pack(file("nnlm/saved_model.pb")), tmp_path / "out")
    assert root == tmp_path / "out/nnlm"
    assert (root / "saved_model.pb").is_file()


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil"])
def test_a_member_outside_is_refused(pack, tmp_path, name):
    with pytest.raises(errors.UnsafeModuleError, match="evil"):
        unpack(pack(file(name)), tmp_path / "inner")
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("kind", ["SYMTYPE", "LNKTYPE", "CHRTYPE", "FIFOTYPE"])
def test_links_and_devices_are_refused(pack, tmp_path, kind):
    with pytest.raises(errors.UnsafeModuleError, match="neither a file nor a directory"):
        unpack(pack(file("a"), ("b", getattr(tarfile, kind), "a")), tmp_path / "out")


def test_a_sparse_file_is_refused(tmp_path):
    """A small archive, of which a terabyte would be unpacked."""
    member = tarfile.TarInfo("hole")
    member.pax_headers = {
        "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "hole",
        "GNU.sparse.realsize": str(1 << 40),
    }  # fmt: skip
    member.size = tarfile.BLOCKSIZE
    no_data = b"0\n".ljust(tarfile.BLOCKSIZE, b"\0")
    with tarfile.open(tmp_path / "m.tar.gz", "w:gz", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(member, io.BytesIO(no_data))
    with pytest.raises(errors.UnsafeModuleError, match="member 'hole' is stored as a sparse file"):
        unpack(tmp_path / "m.tar.gz", tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_a_second_member_of_a_name_is_refused(pack, tmp_path):
    with pytest.raises(errors.FormatError, match="exists"):
        unpack(pack(file("a", b"1"), file("a", b"2")), tmp_path / "out")
    assert (tmp_path / "out/a").read_bytes() == b"1"


def test_what_is_no_archive_is_refused(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(b"saved_model")
    with pytest.raises(errors.FormatError, match=r"a\.tar\.gz cannot be unpacked"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "out")


def test_a_truncated_archive_is_refused(pack, tmp_path):
    archive = pack(file("a", bytes(range(256)) * 99))
    archive.write_bytes(archive.read_bytes()[:-40])
    with pytest.raises(errors.FormatError, match="cannot be unpacked"):
        unpack(archive, tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "fault"),
    [("d/" * 1500 + "f", "more than 64 folders"), ("a" * 256, "more than 255 bytes")],
)
def test_names_that_no_module_has(name, fault, pack, tmp_path):
    with pytest.raises(errors.FormatError, match=fault):
        unpack(pack(file(name)), tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_names_that_are_not_utf8(pack, tmp_path):
    with pytest.raises(errors.FormatError, match="is not UTF-8"):
        unpack(pack(file("a\udcff")), tmp_path / "out")
