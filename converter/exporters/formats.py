"""The formats to export to, and the packages that each needs. Imports none of them."""

from __future__ import annotations

import dataclasses

from converter import errors
from converter.processes.custom_ops import is_module


@dataclasses.dataclass(frozen=True, slots=True)
class Format:
    """A format to export to.

    Attributes:
      name: What users call it, also as an extra of this package.
      title: What people read.
      packages: The packages that write and run it, beside TensorFlow.
    """

    name: str
    title: str
    packages: tuple[str, ...]


FORMATS = (
    Format("onnx", "ONNX", ("tf2onnx", "onnxruntime")),
    # TensorFlow itself has the converter, and an interpreter where ai-edge-litert is missing.
    Format("litert", "LiteRT", ()),
)


def get_format(name: str) -> Format:
    """Returns the format called `name`.

    Raises:
      UsageError: if there is none, or a package that it needs is not installed.
    """
    found = next((each for each in FORMATS if each.name == name), None)
    if found is None:
        raise errors.UsageError(
            f"there is no format {name!r}",
            remedy=f"Choose one of {', '.join(repr(each.name) for each in FORMATS)}.",
        )
    missing = [package for package in found.packages if not is_module(package)]
    if missing:
        raise errors.UsageError(
            f"exporting to {found.title} needs {' and '.join(missing)}, not installed here",
            remedy=f'Install them: pip install "tf1hub-converter[{name}]".',
        )
    return found
