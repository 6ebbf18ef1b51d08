"""Describes where a migration runs: the machine, and the versions of what converts."""

from __future__ import annotations

import importlib.metadata
import os
import platform


def describe_environment() -> dict[str, str]:
    """Describes this machine and its versions in words, by name; imports no TensorFlow."""
    import psutil

    return {
        "Python": platform.python_version(),
        "TensorFlow": _find_version("tensorflow", "tensorflow-cpu"),
        "NumPy": _find_version("numpy"),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processors": str(os.cpu_count() or "unknown"),
        "memory": f"{psutil.virtual_memory().total / (1 << 30):.1f} GiB",
    }


def _find_version(*packages: str) -> str:
    for package in packages:
        try:
            return importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "unknown"
