"""Whether a filesystem tells names apart that differ in the case of letters alone."""

from __future__ import annotations

import os
import pathlib


def tells_case_apart(folder: pathlib.Path) -> bool:
    """Whether the filesystem of a folder, which need not exist, tells `a` from `A`.

    Looks up a name that is there in another case, and writes nothing. True if there is none.
    """
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    name = _find_name_with_letters(place)
    while name is None and not os.path.ismount(place):  # Above is another filesystem.
        place = place.parent
        name = _find_name_with_letters(place)
    if name is None:
        return True
    try:
        return not os.path.samefile(place / name, place / name.swapcase())
    except OSError:
        return True


def _find_name_with_letters(folder: pathlib.Path) -> str | None:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return None
    return next((name for name in names if name.isascii() and name.swapcase() != name), None)
