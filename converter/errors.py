"""The exceptions that the converter raises on purpose.

`ConversionError` and its subclasses are the fault of the module or of the user. Their text is
one line: what failed, where, and what to do; `docs/errors.md` explains each. `InternalError` is a
bug of the converter. Reports keep the two apart.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
from collections.abc import Iterator

from converter.catalogue import find_remedy
from converter.printable import printable
from converter.spelling import spell

_WRONG_PATH = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP}
)
_NOISE = ("Graph execution error:", "Detected at node")


class ConversionError(Exception):
    """A module cannot be carried over exactly.

    Args:
      message: What was expected and what was found, in one line.
      node: The name of the graph node where it happened, if there is one.
      remedy: What the user can do about it, as a sentence; if empty, that of the catalogue.

    Example:
      ```python
      try:
          converter.convert("absent", "converted")
      except converter.ConversionError as error:
          print(error.message, error.node, error.remedy)
      ```
    """

    def __init__(self, message: str, *, node: str | None = None, remedy: str = "") -> None:
        self.message = message
        self.node = node
        self.remedy = remedy or find_remedy((kind.__name__ for kind in type(self).mro()), message)
        where = f" (at node {node!r})" if node else ""
        super().__init__(printable(" ".join(f"{message}{where}. {self.remedy}".split())))

    def __str__(self) -> str:
        """The line, with options as flags on the command line, and as arguments elsewhere."""
        return spell(super().__str__())

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.node, self.remedy))

    def with_message(self, message: str) -> ConversionError:
        """Returns an error of the same type, node and remedy with another message."""
        return _rebuild(type(self), message, self.node, self.remedy)

    def with_remedy(self, remedy: str) -> ConversionError:
        """Returns an error of the same type, message and node with another remedy."""
        return _rebuild(type(self), self.message, self.node, remedy)


def _rebuild(
    cls: type[ConversionError], message: str, node: str | None, remedy: str
) -> ConversionError:
    return cls(message, node=node, remedy=remedy)


def first_line(error: BaseException) -> str:
    """Returns the first line of an error's text, or the name of its type if it has no text."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def summarize(error: BaseException) -> str:
    """Returns the line of a TensorFlow error that says what went wrong, or its type.

    Errors from graphs begin with a traceback of whoever built the node; the message itself is
    the line before the first `[[{{node …}}]]`.
    """
    lines = [line.strip() for line in str(error).splitlines()]
    lines = [line for line in lines if line and not line.startswith(_NOISE)]
    for line, following in itertools.pairwise(lines):
        if following.startswith("[[{{node"):
            return line
    return lines[0] if lines else type(error).__name__


_SPACE = "Check the permissions and the free space."


def unwritable(path: object, error: OSError, remedy: str = _SPACE) -> DestinationError:
    """Returns the error to raise where the operating system refuses to write to `path`."""
    reason = error.strerror or error
    return DestinationError(f"{path} cannot be written: {reason}", remedy=remedy)


def unsuitable(path: object, error: OSError, remedy: str = "") -> DestinationError:
    """Returns the error to raise where the user names a path to write to, and that is impossible.

    A path whose folder does not exist, or that is a directory, is wrong use; a full disk is not.
    """
    if error.errno not in _WRONG_PATH:
        return unwritable(path, error, remedy or _SPACE)
    reason = error.strerror
    remedy = remedy or "Check the path."
    return UnsuitableDestinationError(f"{path} cannot be written: {reason}", remedy=remedy)


class FormatError(ConversionError):
    """The source is not a TF1 Hub module, or it is damaged."""


class NoModelError(FormatError):
    """The source is sound, and holds no model of any kind."""


class UnsupportedOpError(ConversionError):
    """The graph has an op that cannot be carried over, or that TensorFlow does not know."""


class WeightsError(ConversionError):
    """The checkpoint is damaged, or lacks what the graph needs."""


class UnsafeModuleError(ConversionError):
    """The module could do harm to the machine that reads, converts or runs it.

    It has an op that does more than compute, a link or a name that leads out of its directory, or
    constants that would take all memory.
    """


class DownloadError(ConversionError):
    """The module cannot be downloaded."""


class DestinationError(ConversionError):
    """The destination cannot be written."""


class ParityError(ConversionError):
    """The converted model could not be compared with the original, or differs from it."""


class UsageError(ConversionError):
    """The user asked for something that does not exist, such as a tag set or an option."""


class CallError(UsageError, TypeError, ValueError):
    """A live module was called with other inputs than it takes."""


class PathNotFoundError(FormatError, UsageError):
    """There is nothing at a path that the user named."""


class UnsuitableDestinationError(DestinationError, UsageError):
    """The destination may not be replaced, lies in the source, or nothing can be there."""


class OutOfMemoryError(ConversionError):
    """There is less memory than the module needs."""


class InternalError(Exception):
    """A stage of the converter broke its own promise: a bug of the converter, not of the module."""


@contextlib.contextmanager
def explaining_exhaustion() -> Iterator[None]:
    """Raises a `ConversionError` where Python runs out of memory, or of its stack.

    Every function of the public face that reads a module is decorated with it.

    Raises:
      OutOfMemoryError: in place of a MemoryError.
      UnsupportedOpError: in place of a RecursionError.
    """
    try:
        yield
    except MemoryError as error:
        raise OutOfMemoryError(
            "there is not enough memory for the module",
            remedy="Free some memory, or use a machine that has more.",
        ) from error
    except RecursionError as error:
        raise UnsupportedOpError(
            "the module is nested too deeply", remedy="Export it with fewer levels."
        ) from error
