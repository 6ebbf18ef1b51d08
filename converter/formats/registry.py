"""The formats that the converter reads, and the function that reads a module."""

from __future__ import annotations

import os
from typing import Protocol

from converter.files.paths import Path, as_path, reading
from converter.formats import hub_module, saved_model
from converter.formats.legacy_module import LegacyModule
from converter.formats.module_directory import check_module_directory, raise_no_module


class Format(Protocol):
    """A format of TF1 modules on disk."""

    @property
    def name(self) -> str:
        """Its name in records."""

    def recognizes(self, directory: Path) -> bool:
        """Whether `directory` has this format; reads next to nothing."""

    def read(self, directory: Path) -> LegacyModule:
        """Reads the module.

        Raises:
          ConversionError: if it is damaged or unsafe.
        """


# The first that recognizes a directory reads it.
FORMATS: tuple[Format, ...] = (
    hub_module.HubModuleFormat(),
    saved_model.SavedModelFormat(),
)


def read_module(source: str | os.PathLike[str]) -> LegacyModule:
    """Reads a TF1 module, and runs nothing of it.

    Args:
      source: The module's directory.

    Raises:
      PathNotFoundError: if there is nothing at the path.
      FormatError: if there is no module, or it is damaged.
      WeightsError: if its checkpoint's index is damaged.
      UnsafeModuleError: if a link leads out of its directory.
    """
    directory = as_path(source)
    check_module_directory(directory)
    with reading(directory):
        return _find_format(directory).read(directory)


def _find_format(directory: Path) -> Format:
    found = next((candidate for candidate in FORMATS if candidate.recognizes(directory)), None)
    if found is None:
        raise_no_module(directory)
    return found
