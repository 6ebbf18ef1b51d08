"""Packages that register custom ops when they are imported."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

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
            raise errors.UsageError(
                f"package {package!r} of --import-ops cannot be imported: {error}",
                remedy=f"Install it: pip install {package.replace('_', '-')}.",
            ) from error
