"""Opens a page in the user's browser."""

from __future__ import annotations

import pathlib
import webbrowser

from converter.cli import terminal
from converter.printable import printable


def open_in_browser(page: str) -> bool:
    """Opens a local page, and returns whether there is a browser; says so if there is none.

    `BROWSER` of the environment names another one than the system's.
    """
    try:
        is_open = webbrowser.open(pathlib.Path(page).absolute().as_uri())
    except (webbrowser.Error, OSError):
        is_open = False
    if not is_open:
        terminal.say_warning(f"no browser was found; open {printable(page)} in one")
    return is_open
