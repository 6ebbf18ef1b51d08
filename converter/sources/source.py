"""The source of a module, while it is open."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import msgspec

from converter.display.shown import Shown
from converter.files.paths import Path, StrPath
from converter.files.source_files import digest
from converter.printable import printable
from converter.safety.allowed_ops import NONE, AllowedOps

if TYPE_CHECKING:
    from converter.display.console import Console

_SHOWN = 3  # Names in a warning, before the rest is only counted.


class Origin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The archive that the files of a module were unpacked from, or the handle that names them.

    Attributes:
      name: The name of the archive's file, without the path to it; for a handle, the path in it.
      digest: SHA-256 over the bytes of the archive; absent if it was downloaded earlier.
      size_bytes: The size of the archive; absent if it was downloaded earlier.
      handle: The URL that names the module, with "..." for a query; absent for a file.
      url: The URL that sent the archive, after all redirects, with "..." for a query; absent if
        the module was not downloaded, or earlier.
    """

    name: str
    digest: str | None = None
    size_bytes: int | None = None
    handle: str | None = None
    url: str | None = None


Values: TypeAlias = Literal["initializers", "checkpoint", "session", "none"]


class InMemory(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A module that was an object in memory.

    Attributes:
      kind: `module spec` or `live module`.
      values: The origin of the values of its variables: `initializers`, the `checkpoint` of the
        module that it was loaded from, the `session` of a live module, or `none`.
      unseeded: The variables whose initializers draw random numbers without a seed.
    """

    kind: Literal["module spec", "live module"]
    values: Values
    unseeded: tuple[str, ...] = ()

    def warnings(self) -> Iterator[str]:
        """Yields what a user should know of the values, in full sentences."""
        if self.values == "initializers":
            yield (
                "The module spec has no checkpoint: its variables have the values of their own"
                " initializers."
            )
        if self.unseeded:
            some = ", ".join(map(repr, self.unseeded[:_SHOWN]))
            others = " and others" if self.unseeded[_SHOWN:] else ""
            yield (
                f"The initializers of variables {some}{others} draw random numbers without a seed:"
                " another process gives other values."
            )


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class Source(Shown):
    """A module's files, where they lie while the source is open.

    Attributes:
      directory: The module's directory.
      name: What the user calls it, for messages: the path of a directory or of an archive, or a
        handle.
      origin: What the files were unpacked or downloaded from; None for files that lie where the
        user put them.
      known_digest: The digest of the files, if it was computed when they were unpacked.
      in_memory: The object in memory that the files were written from, if it was one.
      is_private: Whether the files are a copy for this process alone, which is removed when the
        source is closed.

    Example:
      ```python
      with converter.open_source("module") as source:
          print(source.directory, source.digest())
      ```
    """

    directory: Path
    name: str
    origin: Origin | None = None
    known_digest: str | None = None
    is_private: bool = False
    in_memory: InMemory | None = None

    def _headline(self) -> str:
        return repr(self.name)

    def _show(self, console: Console) -> None:
        lines = [self.name, f"  files in {self.directory}"]
        if self.origin is not None:
            lines.append(f"  unpacked from {self.origin.handle or self.origin.name}")
        if self.in_memory is not None:
            lines.append(f"  a {self.in_memory.kind}, values of {self.in_memory.values}")
        for line in lines:
            console.print(printable(line), soft_wrap=True, markup=False)

    def digest(self) -> str:
        """SHA-256 over the names and contents of the files, as hex digits.

        It does not depend on where they lie, or how they were packed: an archive has the digest of
        the directory that was packed.

        Raises:
          UnsafeModuleError: if a symbolic link leads out of the directory.
          OSError: if a file cannot be read.
        """
        return digest(self.directory) if self.known_digest is None else self.known_digest


# A path, a source that is open, or an object of tensorflow_hub (`hub.ModuleSpec`, `hub.Module`),
# which has no types.
ModuleSource: TypeAlias = StrPath | Source | Any


def module_name(directory: Path, origin: Origin | None) -> str:
    """Returns the name of a module, for records: that of its directory, or of its handle."""
    if origin is not None and origin.handle is not None:
        return origin.name
    return directory.resolve().name


@dataclasses.dataclass(frozen=True, slots=True)
class Surroundings:
    """The options with which a source is opened.

    Attributes:
      destination: What the module's files are for: they are unpacked beside it, so that they can
        be moved there. None for the folder of temporary files.
      progress: Called with what is being done.
      session: The session that runs a live `hub.Module`; the default session if None.
      allowed_ops: The ops to let through when variables of a module in memory are initialized.
      needs_values: Whether the values of variables are needed. Without them nothing of the module
        is run.
    """

    destination: Path | None = None
    progress: Callable[[str], None] = lambda _: None
    session: Any = None
    allowed_ops: AllowedOps = NONE
    needs_values: bool = True


class Kind(Protocol):
    """A kind of sources."""

    def recognizes(self, spec: str) -> bool:
        """Whether `spec`, as the user wrote it, names a source of this kind.

        It reads next to nothing, and uses no network.

        Raises:
          OSError: if a path cannot be looked at.
        """

    def open(self, spec: str, surroundings: Surroundings) -> AbstractContextManager[Source]:
        """Opens the source, and leaves nothing behind when it is closed.

        Raises:
          ConversionError: if there is no module, or it is damaged or unsafe.
        """
