"""Packages that register custom ops when they are imported."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from typing import NoReturn

from converter import errors


def import_packages(packages: Sequence[str]) -> None:
    """Imports packages that register custom ops.

    Raises:
      UsageError: if one of them is not installed, or fails to import.
    """
    for package in packages:
        try:
            importlib.import_module(package)
        except Exception as error:
            _refuse(package, error)


def check_installed(packages: Sequence[str]) -> None:
    """Checks that packages are installed, and imports none of them.

    Raises:
      UsageError: if one is not.
    """
    for package in packages:
        if not is_module(package.partition(".")[0]):
            _refuse(package, "it is not installed")


def is_module(name: str) -> bool:
    """Whether there is a module of that name; imports the packages above it only."""
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):  # ValueError: for the empty name, and for `__main__`.
        return False


def _refuse(package: str, error: Exception | str) -> NoReturn:
    raise errors.UsageError(
        f"package {package!r} of --import-ops cannot be imported: {error}",
        remedy=f"Install it: pip install {package.replace('_', '-')}.",
    ) from (error if isinstance(error, Exception) else None)
