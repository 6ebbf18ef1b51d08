"""Says in plain words what is wrong with a module, by the type of its error and its message."""

from __future__ import annotations

import re

NOT_COMPARED_KIND = "NotCompared"
# Of an error that is not among these, the converter is to blame.
_FAULT = "fault of the converter"
_TITLES = {
    "ConversionError": "cannot be converted exactly",
    "FormatError": "not a sound TF1 module",
    "NoModelError": "holds no model",
    "UnsupportedOpError": "uses an op that cannot be converted",
    "WeightsError": "lacks values of variables",
    "UnsafeModuleError": "could do harm to the machine",
    "DownloadError": "could not be downloaded",
    "DestinationError": "destination could not be written",
    "ParityError": "comparison failed",
    "UsageError": "an option does not fit the module",
    "PathNotFoundError": "source is missing",
    "UnsuitableDestinationError": "destination could not be written",
    "OutOfMemoryError": "needs more memory than there is",
    "SourceMissing": "source is missing",
    "Collision": "two modules would have one destination",
    "TimedOut": "took longer than the time limit",
    "MemoryLimit": "took more memory than the limit",
    "Crashed": "ended the worker process",
    NOT_COMPARED_KIND: "not compared in full",
}
_DAMAGE = re.compile(
    r"damaged|incomplete|cut off|\b(?:copy|download)\b.*\bagain\b", re.IGNORECASE | re.DOTALL
)


def title_of(kind: str, message: str, remedy: str) -> str:
    """Returns what is wrong, in plain words: `damaged on disk`.

    Args:
      kind: The type of the error.
      message: What was expected and what was found.
      remedy: What to do about it.
    """
    if kind in ("FormatError", "WeightsError") and _DAMAGE.search(f"{message} {remedy}"):
        return "damaged on disk"
    if kind == "ParityError" and "differs" in message:
        return "differs from the original"
    return _TITLES.get(kind, _FAULT)
