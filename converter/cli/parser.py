"""The parser of command lines."""

from __future__ import annotations

from typing import NoReturn

from absl.flags import argparse_flags

from converter.printable import printable


class Parser(argparse_flags.ArgumentParser):
    """A parser that knows absl's flags, and whose errors are one printable line after the usage."""

    def error(self, message: str) -> NoReturn:
        """See the base class."""
        super().error(printable(message))
        raise AssertionError("the parser has ended the process")
