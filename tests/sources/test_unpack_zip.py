"""`.zip` archives in the forms that programs write; hostile ones are in test_archive.py."""

import io
import zipfile

import pytest
from sources.archive_makers import zip_of

from converter.sources.unpack_zip import unpack_zip
from converter.sources.unpacked_files import Allowance, UnpackedFiles


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_of_every_method(method, tmp_path):
    contents = {"a/b": b"x" * 100_000, "a/é": b"", "c": b"y"}
    data = zip_of(("a/", b""), *contents.items(), method=method)
    files = UnpackedFiles(tmp_path, Allowance(len(data)))
    unpack_zip(io.BytesIO(data), len(data), files)
    assert {name: (tmp_path / name).read_bytes() for name in files.names()} == contents


def test_sizes_beyond_the_first_format(tmp_path):
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a", "w", force_zip64=True) as member,
    ):
        member.write(b"x" * 1000)
    files = UnpackedFiles(tmp_path, Allowance(1 << 20))
    unpack_zip(file, len(file.getvalue()), files)
    assert (tmp_path / "a").read_bytes() == b"x" * 1000
