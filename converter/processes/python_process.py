"""Python processes that the converter starts, which run nothing of the working directory.

Python puts that directory first on the path of imports for `python -m` and `python -c`, so a file
`psutil.py` there would be run. The switch against it, `-P`, is of Python 3.11; and `-I` would hide
PYTHONHOME and the user's own packages as well. So a child is told this process's path before it
imports anything.

This module is the first that `python -m converter` imports: it imports nothing that a file of the
working directory could take the place of.
"""

from __future__ import annotations

import os
import sys

# Since Python 3.13, `-c` imports a module of the standard library before it runs anything.
_SAFE_PATH = ["-P"] if sys.version_info >= (3, 11) else []
_PROGRAM = """\
import sys
sys.path[:] = {path}
import runpy
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


def command(module: str, *arguments: str) -> list[str]:
    """The command line of a process that runs a module of this package as `__main__`.

    It imports from where this process does, but for the working directory.

    Args:
      module: Its full name.
      arguments: What it finds in `sys.argv[1:]`.
    """
    program = _PROGRAM.format(path=ascii(_path_of_children()))
    return [sys.executable, *_SAFE_PATH, "-c", program, module, *arguments]


def environment(defaults: dict[str, str] | None = None) -> dict[str, str]:
    """This process's environment, without what would lead a child to the working directory.

    Args:
      defaults: Variables to add where they are not set.
    """
    variables = {**(defaults or {}), **os.environ}
    path = os.pathsep.join(_named_in_environment())
    return {**variables, "PYTHONPATH": path} if path else _without(variables, "PYTHONPATH")


def _without(variables: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in variables.items() if key != name}


def drop_working_directory() -> None:
    """Takes the working directory off this process's path of imports; see `_is_wanted`."""
    sys.path[:] = _wanted(sys.path)


def _path_of_children() -> list[str]:
    path = [os.path.abspath(entry) for entry in _wanted(sys.path)]
    package_parent = _package_parent()
    # An editable installation may be found by a hook of a `.pth` file alone.
    return path if package_parent in path else [package_parent, *path]


def _package_parent() -> str:
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return os.path.dirname(package)


def _wanted(path: list[str]) -> list[str]:
    """The entries of a path that are not the working directory, unless that is wanted there.

    It is where this package lies there, or where PYTHONPATH names it: an empty part of PYTHONPATH,
    which Python takes for the working directory, is an accident.
    """
    try:
        here = os.path.realpath(os.getcwd())
    except OSError:  # It was removed, and what relative entries named with it.
        return [entry for entry in path if os.path.isabs(entry)]
    kept = {os.path.realpath(entry) for entry in (_package_parent(), *_named_in_environment())}
    return [entry for entry in path if os.path.realpath(entry) != here or (entry and here in kept)]


def _named_in_environment() -> list[str]:
    return [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
