import tarfile

import pytest
from sources.archive_makers import gz, tar_of, zip_of

from converter import errors
from converter.sources.archive_formats import ArchiveFormat, check_tar, find_format

FILE = ("a", b"x")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (gz(tar_of(FILE)), ArchiveFormat.TAR_GZ),
        (tar_of(FILE), ArchiveFormat.TAR),
        (tar_of(FILE, kind=tarfile.PAX_FORMAT), ArchiveFormat.TAR),
        (tar_of(), ArchiveFormat.TAR),
        (zip_of(FILE), ArchiveFormat.ZIP),
        (zip_of(), ArchiveFormat.ZIP),
    ],
)
def test_formats_are_told_by_the_first_bytes(data, expected):
    assert find_format(data[:512], "a") is expected


def test_the_oldest_format_of_tar_has_no_mark():
    header = bytearray(tar_of(FILE)[:512])
    header[257:265] = bytes(8)
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    assert find_format(bytes(header), "a") is ArchiveFormat.TAR


@pytest.mark.parametrize("head", [b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\x28\xb5\x2f\xfd"])
def test_other_archives_are_named(head):
    with pytest.raises(errors.FormatError, match=r"it is .*Unpack it, and pass the directory"):
        find_format(head, "a")


def test_anything_else():
    with pytest.raises(errors.FormatError, match=r"a\.gz is not an archive of a module"):
        check_tar(b"\x89PNG", "a.gz")
