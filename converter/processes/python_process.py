"""Python processes that run no code of the working directory.

Python puts that directory first on the path of imports for `python -m` and `python -c`, so a file
`psutil.py` there would run. The switch against that, `-P`, exists from Python 3.11 on, and `-I`
would also hide PYTHONHOME and the user's own packages. So a child gets this process's path before
it imports anything.

`python -m converter` imports this module first. So it imports only what a file of the working
directory cannot replace.
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
    """Returns the command line of a process that runs a module of this package as `__main__`.

    It imports from where this process does, except from the working directory.

    Args:
      module: Its full name.
      arguments: Its `sys.argv[1:]`.
    """
    program = _PROGRAM.format(path=ascii(_path_of_children()))
    return [sys.executable, *_SAFE_PATH, "-c", program, module, *arguments]


def environment(defaults: dict[str, str] | None = None) -> dict[str, str]:
    """Returns this process's environment, without the working directory in PYTHONPATH.

    Args:
      defaults: Variables to add where they are not set.
    """
    variables = {**(defaults or {}), **os.environ}
    variables["PYTHONPATH"] = os.pathsep.join(_named_in_environment())
    if not variables["PYTHONPATH"]:
        del variables["PYTHONPATH"]
    return variables


def drop_working_directory() -> None:
    """Removes the working directory from this process's `sys.path`; see `_wanted`."""
    sys.path[:] = _wanted(sys.path)


def _path_of_children() -> list[str]:
    path = [os.path.abspath(entry) for entry in _wanted(sys.path)]
    package_parent = _package_parent()
    # Some editable installations are found by an import hook only, not by the path.
    return path if package_parent in path else [package_parent, *path]


def _package_parent() -> str:
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return os.path.dirname(package)


def _wanted(path: list[str]) -> list[str]:
    """Returns a path without the working directory, unless somebody wants that there.

    It is wanted if it holds this package, or if PYTHONPATH names it. An empty entry of PYTHONPATH,
    which Python takes for the working directory, is an accident.
    """
    try:
        here = os.path.realpath(os.getcwd())
    except OSError:  # It was removed, and so were the targets of relative entries.
        return [entry for entry in path if os.path.isabs(entry)]
    kept = {os.path.realpath(entry) for entry in (_package_parent(), *_named_in_environment())}
    return [entry for entry in path if os.path.realpath(entry) != here or (entry and here in kept)]


def _named_in_environment() -> list[str]:
    return [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
