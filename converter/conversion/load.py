"""Loads a TF1 module into this process: `converter.load`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

from converter import errors
from converter.assemble.reusable import build_reusable
from converter.compile.compile_module import compile_module
from converter.conversion.options import ConversionOptions, ReadingArguments, show_options
from converter.files.paths import StrPath, as_tensorflow_path
from converter.formats.registry import read_module
from converter.processes import garbage_collection
from converter.processes.custom_ops import import_packages

if TYPE_CHECKING:
    from typing_extensions import Unpack


@show_options(ReadingArguments)
@errors.explaining_exhaustion()
def load(source: StrPath, **options: Unpack[ReadingArguments]) -> tf.Module:
    """Returns a TF1 module as a live `tf.Module`, with its variables restored.

    Its interface is that of the SavedModel that `convert` writes. Its tables are created and
    filled by the module's own ops, in this process.

    Args:
      source: The module's directory, which has to stay while the result is in use.
      **options: Options of `ConversionOptions`.

    Raises:
      ConversionError: if the module cannot be converted exactly.
      UsageError: if the module has no such tag set or signature, or its path is not UTF-8.
    """
    chosen = ConversionOptions.of(options, ReadingArguments)
    import_packages(chosen.import_ops)
    with garbage_collection.paused():
        legacy = read_module(as_tensorflow_path(source))
        compiled = compile_module(legacy, chosen.plan_options)
        return build_reusable(compiled, live=True).module
