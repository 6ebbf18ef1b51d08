"""Files that hold the bytes of an input, in a folder that is reused."""

import atexit
import functools
import os
import pathlib
import shutil
import struct
import tempfile
from collections.abc import Sequence

# Writing a small file takes 16 µs there, and up to 5 ms on a disk that is in use.
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None
GOLDEN = pathlib.Path(__file__).parents[2] / "legacy_fixtures" / "golden"


@functools.cache
def folder(name: str) -> pathlib.Path:
    """A folder of this process, removed when it ends; always the same one for a name."""
    place = None if "TMPDIR" in os.environ else MEMORY
    path = pathlib.Path(tempfile.mkdtemp(prefix=f"fuzz_bytes_{name}_", dir=place))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def write(name: str, file: str, data: bytes) -> pathlib.Path:
    """Writes a file to a folder; returns the folder."""
    path = folder(name) / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path.parents[len(pathlib.PurePath(file).parts) - 1]


def join(parts: Sequence[bytes]) -> bytes:
    """One input of several files: each after its length."""
    return b"".join(struct.pack("<I", len(part)) + part for part in parts)


def split(data: bytes, count: int) -> list[bytes]:
    """The files of an input, whatever its lengths say."""
    parts = []
    for _ in range(count):
        (length,) = struct.unpack("<I", data[:4].ljust(4, b"\0"))
        parts.append(data[4 : 4 + length])
        data = data[4 + length :]
    return parts


def fixture_files(file: str, largest: int, count: int) -> list[bytes]:
    """The contents of one file of each fixture, of the smallest ones up to a size, in their order.

    Args:
      file: Its path in the module.
      largest: The size, in bytes.
      count: How many, spread evenly over the sizes.
    """
    contents = sorted(
        {path.read_bytes() for path in GOLDEN.glob(f"*/module/{file}")},
        key=lambda content: (len(content), content),
    )
    contents = [content for content in contents if len(content) <= largest]
    return contents[:: max(len(contents) // count, 1)]
