"""Every exception that the converter raises on purpose.

`ConversionError` and its children are the module's fault, or the user's: their text is one
line that says what failed, where, and what to do. `InternalError` is ours. Reports keep the
two apart.
"""

from __future__ import annotations


class ConversionError(Exception):
    """A module cannot be carried over exactly.

    Args:
      message: What was expected and what was found, in one line.
      node: The graph node where it happened, if there is one.
      remedy: What the user can do about it.
    """

    def __init__(self, message: str, *, node: str | None = None, remedy: str = "") -> None:
        self.message = message
        self.node = node
        self.remedy = remedy
        super().__init__(self._text())

    def _text(self) -> str:
        where = f" (at node {self.node!r})" if self.node else ""
        remedy = f" {self.remedy}" if self.remedy else ""
        return " ".join(f"{self.message}{where}.{remedy}".split())

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.node, self.remedy))


def _rebuild(
    cls: type[ConversionError], message: str, node: str | None, remedy: str
) -> ConversionError:
    return cls(message, node=node, remedy=remedy)


def first_line(error: BaseException) -> str:
    """The first line of an error's text, or its type where it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def unwritable(
    path: object, error: OSError, remedy: str = "Check the permissions and the free space."
) -> DestinationError:
    """What to raise where the system does not let us write to `path`."""
    what = error.strerror or error
    return DestinationError(f"{path} cannot be written: {what}", remedy=remedy)


class FormatError(ConversionError):
    """The source is not a module that the converter reads, or it is damaged."""


class UnsupportedOpError(ConversionError):
    """The graph holds an op that cannot be carried over, or that TensorFlow does not know."""


class WeightsError(ConversionError):
    """The checkpoint is damaged, or lacks what the graph needs."""


class UnsafeModuleError(ConversionError):
    """The module reaches for something outside its own directory."""


class DestinationError(ConversionError):
    """The destination cannot be written."""


class ParityError(ConversionError):
    """The converted model could not be compared with the original, or differs from it."""


class UsageError(ConversionError):
    """The caller asked for something that the module does not have, such as a tag set."""


class InternalError(Exception):
    """A stage of the converter broke its own promise: a bug in the converter, not the module."""
