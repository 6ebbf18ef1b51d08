"""Prints, as JSON, what a Python environment is: its interpreter and the versions of packages.

python describe_environment.py tensorflow numpy
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
import sys
from collections.abc import Sequence
from typing import Any


def describe(packages: Sequence[str]) -> dict[str, Any]:
    """Returns the interpreter, the versions of Python and `packages`, and which are missing."""
    versions, missing = [f"python=={platform.python_version()}"], []
    for package in packages:
        try:
            versions.append(f"{package}=={importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(package)
    return {"interpreter": sys.executable, "versions": versions, "missing": missing}


if __name__ == "__main__":
    print(json.dumps(describe(sys.argv[1:])))
