"""`.tar` archives in the formats that programs write; hostile ones are in test_archive.py."""

import io
import tarfile
import tracemalloc

import pytest
from sources.archive_makers import info, tar_of

from converter.sources.byte_stream import ByteStream
from converter.sources.unpack_tar import unpack_tar
from converter.sources.unpacked_files import Allowance, UnpackedFiles


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_of_every_format(kind, tmp_path):
    long = "folder/" * 12 + "x" * 90
    contents = {"a/empty": b"", "a/block": bytes(512), "a/é": b"x" * 513, long: b"y"}
    data = tar_of(info("a/", tarfile.DIRTYPE), *contents.items(), kind=kind)
    files = UnpackedFiles(tmp_path, Allowance(len(data)))
    unpack_tar(ByteStream(iter([memoryview(data)]), files.allowance.check), files)
    assert {name: (tmp_path / name).read_bytes() for name in files.names()} == contents


def test_headers_for_the_whole_archive_are_not_kept_for_every_member(tmp_path):
    file = io.BytesIO()
    headers = {f"k{number}": "v" for number in range(20_000)}
    with tarfile.open(
        fileobj=file, mode="w", format=tarfile.PAX_FORMAT, pax_headers=headers
    ) as archive:
        for number in range(200):
            archive.addfile(info(f"{number}", comment="x"))
    files = UnpackedFiles(tmp_path, Allowance(1 << 20))
    tracemalloc.start()
    try:
        unpack_tar(ByteStream(iter([file.getbuffer()]), files.allowance.check), files)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(files.names()) == 200
    assert peak < 30 << 20  # Kept, they would take more than 100 MiB.


def test_blocks_may_be_of_any_size(tmp_path):
    data = tar_of(("a", bytes(range(256)) * 9), ("b", b"x"))
    files = UnpackedFiles(tmp_path, Allowance(len(data)))
    blocks = (memoryview(data[i : i + 7]) for i in range(0, len(data), 7))
    unpack_tar(ByteStream(blocks, files.allowance.check), files)
    assert (tmp_path / "a").read_bytes() == bytes(range(256)) * 9
