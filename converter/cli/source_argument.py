"""The argument SRC of commands that read a module."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from converter import errors
from converter.cli.progress import showing_steps

if TYPE_CHECKING:
    # Imported where it is used: help and errors answer without it.
    from converter.sources.source import Source


def add_source(parser: argparse.ArgumentParser, what: str = "TF1 Hub module") -> None:
    """Adds the argument.

    Args:
      parser: The parser of the command.
      what: The kind of model that the command reads.
    """
    parser.add_argument(
        "source", metavar="SRC",
        help=f"{what}: a directory or an archive, local or on gs://; or a handle, https://…, which"
        " is downloaded into TFHUB_CACHE_DIR, or into a temporary folder if that is not set; or one"
        " of Kaggle, google/elmo/tensorFlow1/elmo/3, which is downloaded into KAGGLEHUB_CACHE",
    )  # fmt: skip


@contextlib.contextmanager
def opened_source(spec: str) -> Iterator[Source]:
    """Opens SRC, and shows the progress of a download.

    Raises:
      ConversionError: see `open_source`.
    """
    from converter.sources.registry import open_source

    with (
        errors.explaining_exhaustion(),
        showing_steps() as progress,
        open_source(spec, progress=progress) as source,
    ):
        yield source
