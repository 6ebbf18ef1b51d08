"""The files of an archive, as they are written: bounded, and each digested on its way."""

from __future__ import annotations

import contextlib
import hashlib
import pathlib
import shutil
from collections.abc import Iterable, Iterator

from converter import errors, limits
from converter.files.source_files import combine_digests
from converter.sources.member_names import MemberNames

_BY_HAND = "Unpack it yourself if you trust it, and pass the directory."
# Less is written without a look at the free space.
_SMALL_BYTES = 1 << 20


class Allowance:
    """The number of bytes that an archive may unpack to.

    Args:
      archive_bytes: The size of the archive.
    """

    def __init__(self, archive_bytes: int) -> None:
        by_ratio = limits.MAX_UNPACKED_RATIO * archive_bytes
        self._archive_bytes = archive_bytes
        self._most = min(max(by_ratio, limits.MAX_UNPACKED_SMALL_BYTES), limits.MAX_UNPACKED_BYTES)

    def check(self, unpacked_bytes: int) -> None:
        """Checks that this many bytes may be unpacked, in all.

        Raises:
          UnsafeModuleError: if they are too many.
        """
        if unpacked_bytes > self._most:
            raise errors.UnsafeModuleError(
                f"the archive has {self._archive_bytes:,} bytes, and would unpack to more than"
                f" {self._most:,}",
                remedy=_BY_HAND,
            )


class UnpackedFiles:
    """Writes the members of an archive below a directory.

    Args:
      directory: An empty directory.
      allowance: The number of bytes that may be unpacked.
    """

    def __init__(self, directory: pathlib.Path, allowance: Allowance) -> None:
        self.directory = directory
        self.allowance = allowance
        self._names = MemberNames()
        self._digests: dict[str, str] = {}
        self._declared_bytes = 0

    def add_folder(self, name: str) -> None:
        """Makes a folder.

        Raises:
          UnsafeModuleError: if its name is unsafe.
          FormatError: if no module has such a name.
          DestinationError: if it cannot be made.
        """
        path = self.directory / self._names.add(name, is_folder=True)
        with _explaining(self.directory):
            path.mkdir(parents=True, exist_ok=True)

    def add_file(self, name: str, size: int, blocks: Iterable[memoryview]) -> None:
        """Writes a file.

        Args:
          name: The name of the member.
          size: The size that the archive says it has.
          blocks: Its contents.

        Raises:
          UnsafeModuleError: if its name is unsafe, or it is too large.
          FormatError: if no module has such a name, or the size is not that of the contents.
          DestinationError: if it cannot be written.
        """
        path = self._names.add(name, is_folder=False)
        self._declared_bytes += size
        self.allowance.check(self._declared_bytes)
        target = self.directory / path
        self._check_space(size)
        with _explaining(self.directory):
            target.parent.mkdir(parents=True, exist_ok=True)
            # Never a file that exists: a second member of its name must not replace it.
            file = target.open("xb")
        state, written = hashlib.sha256(), 0
        with file:
            for block in blocks:
                state.update(block)
                with _explaining(self.directory):
                    file.write(block)
                written += len(block)
        if written != size:
            raise errors.FormatError(
                f"the archive's member {name!r} has {written:,} bytes, expected {size:,}",
                remedy="The archive is damaged: copy or download it again.",
            )
        self._digests[path] = state.hexdigest()

    def _check_space(self, size: int) -> None:
        if size < _SMALL_BYTES:
            return
        free = shutil.disk_usage(self.directory).free
        if size > free:
            raise errors.DestinationError(
                f"there is too little space to unpack the archive: one of its files has {size:,}"
                f" bytes, and {free:,} are free at {self.directory.parent.parent}",
                remedy="Free some space, or set TMPDIR to a folder on another filesystem.",
            )

    def names(self) -> list[str]:
        """The paths of the files, sorted."""
        return sorted(self._digests)

    def digest(self, root: str) -> str:
        """The digest of the directory `root`, as `source_files.digest` computes it."""
        start = f"{root}/" if root else ""
        return combine_digests(
            {
                path.removeprefix(start): digest
                for path, digest in self._digests.items()
                if path.startswith(start)
            }
        )


@contextlib.contextmanager
def _explaining(place: pathlib.Path) -> Iterator[None]:
    """Raises a DestinationError where the operating system refuses to write."""
    try:
        yield
    except OSError as error:
        raise errors.unwritable(
            place, error, "Free some space, or set TMPDIR to a folder on another filesystem."
        ) from error
