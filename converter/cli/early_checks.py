"""Checks of arguments that need no TensorFlow, which takes seconds to import.

A command names its own by `set_defaults(check=…)`; it runs before the command does.
"""

from __future__ import annotations

import argparse
import os
import pathlib

from converter import errors
from converter.files.model_directory import check_directory
from converter.files.paths import RemotePath, as_path, as_tensorflow_path
from converter.formats.module_directory import check_module_directory
from converter.processes.custom_ops import check_installed
from converter.sources.handles import check_handle, is_handle
from converter.sources.kaggle_handle import is_kaggle


def check_reading(arguments: argparse.Namespace) -> None:
    """Checks the arguments of a command that reads a module.

    Raises:
      PathNotFoundError: if there is nothing at SRC.
      FormatError: if SRC is neither the directory of a module nor an archive.
      UsageError: if a package of --import-ops is not installed.
    """
    check_module(arguments.source)
    check_installed(arguments.import_ops)


def check_module(source: str) -> None:
    """Checks that a local path is that of a module, by names only, or that a handle is one."""
    if is_handle(source):
        _check_handle(source)
        return
    place = as_path(source)
    if isinstance(place, RemotePath):
        return
    if os.path.exists(place) and not os.path.isdir(place):
        from converter.sources.archive import check_file

        check_file(place)
    else:
        check_module_directory(place)


def _check_handle(handle: str) -> None:
    check_handle(handle)
    if is_kaggle(handle):
        from converter.sources.kaggle import check_available

        check_available(handle)


def check_names(*places: str) -> None:
    """Checks that TensorFlow can open files below the paths.

    Raises:
      UsageError: if a local path is not UTF-8.
    """
    for place in places:
        as_tensorflow_path(place)


def check_model(destination: str) -> None:
    """Checks that a local path is that of a directory."""
    place = as_path(destination)
    if not isinstance(place, RemotePath):
        check_directory(place, "SavedModel")


def check_record(model: str) -> None:
    """Checks that a local SavedModel has a record.

    Raises:
      ParityError: if it has none, or a damaged one.
    """
    from converter.export.record import read_record

    place = as_path(model)
    if not isinstance(place, RemotePath):
        read_record(place)


def check_order(source: str, destination: str) -> None:
    """Checks that a module and its conversion were not passed the other way round.

    Raises:
      UsageError: if they were: the first has a record, and the second none.
    """
    from converter.export.record import FILENAME, FOLDER

    first, second = as_path(source), as_path(destination)
    if isinstance(first, RemotePath) or isinstance(second, RemotePath):
        return
    if (first / FOLDER / FILENAME).is_file() and not (second / FOLDER / FILENAME).is_file():
        raise errors.UsageError(
            f"{source} is what tf1hub converted, and {destination} is not: they are swapped",
            remedy="Pass the original first.",
        )


def check_destination(source: str, destination: str, *, overwrite: bool) -> None:
    """Checks that a conversion may write to a local path, and can.

    Raises:
      DestinationError: if not.
    """
    from converter.files import destination as destinations

    original, place = as_path(source), as_path(destination)
    is_remote = isinstance(original, RemotePath) and not is_handle(source)
    if not is_remote and not isinstance(place, RemotePath):
        destinations.check_destination(original, place, overwrite=overwrite)


def check_inputs(path: str | None) -> None:
    """Checks that there is a file of arrays where the user says so.

    Raises:
      PathNotFoundError: if there is none.
    """
    if path is not None and not os.path.isfile(path):
        raise errors.PathNotFoundError(
            f"there is no file of inputs at {path}", remedy="Write them with numpy.savez."
        )


def check_new_file(path: str | None) -> None:
    """Checks that a file can be written.

    Raises:
      DestinationError: if it cannot.
    """
    from converter.files import destination as destinations

    if path is not None:
        destinations.check_file_place(pathlib.Path(path))
