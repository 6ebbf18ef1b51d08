"""Loads a TF1 module into this process: `converter.load`."""

from __future__ import annotations

import contextlib
import weakref
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from converter import errors, tf_private
from converter.assemble.reusable import build_reusable
from converter.compile.compile_module import compile_module
from converter.conversion.options import ConversionOptions, ReadingArguments, show_options
from converter.files.paths import as_tensorflow_path
from converter.formats.registry import read_module
from converter.processes import garbage_collection
from converter.processes.custom_ops import import_packages
from converter.sources.registry import open_in
from converter.sources.source import ModuleSource, Surroundings

if TYPE_CHECKING:
    from typing_extensions import Unpack


@show_options(ReadingArguments)
@errors.explaining_exhaustion()
@tf_private.eager_mode()
def load(
    source: ModuleSource, *, session: Any = None, **options: Unpack[ReadingArguments]
) -> tf.Module:
    """Returns a TF1 module as a live `tf.Module`, with its variables restored.

    Its interface is that of the SavedModel that `convert` writes. Its tables are created and
    filled by the module's own ops, in this process.

    Args:
      source: The module's directory, archive or handle, or what `open_source` yields. A directory,
        in the cache of tensorflow_hub, too, has to stay while the result is in use; files that
        were unpacked elsewhere stay as long as the result.
        Also what `hub.create_module_spec` returns, whose initializers run, or a live `hub.Module`.
      session: The session that runs a live `hub.Module`; the default session if None.
      **options: Options of `ConversionOptions`.

    Returns:
      The module, whose `repr` lists its calls. `converter.convert` writes the same to the disk.

    Raises:
      UsageError: if the module has no such tag set or signature, an option has a value of the
        wrong type, or a path is not UTF-8.
      PathNotFoundError: if there is nothing at `source`.
      FormatError: if it is not a TF1 module, or damaged.
      DownloadError: if it cannot be downloaded.
      UnsafeModuleError: if it could do harm, by an op, a link, a name or the size of a constant.
      UnsupportedOpError: if its graph has an op that cannot be carried over, or that is unknown.
      WeightsError: if its checkpoint is damaged, or lacks what the graph needs.
      DestinationError: if there is no space to download or unpack it.
      OutOfMemoryError: if there is less memory than the module needs.
      ConversionError: if it cannot be converted exactly for another reason; all of the above are of
        this class.
      TypeError: if there is no such option.

    Example:
      ```python
      import tensorflow as tf

      module = converter.load("module")
      print(module)  # The inputs and outputs of each call.
      with tf.GradientTape() as tape:
          loss = tf.reduce_sum(module(tf.zeros([2, 16, 16, 3]), training=True))
      gradients = tape.gradient(loss, module.trainable_variables)
      ```
    """
    chosen = ConversionOptions.of(options, ReadingArguments)
    import_packages(chosen.import_ops)
    allowed = chosen.plan_options.allowed_ops
    surroundings = Surroundings(session=session, allowed_ops=allowed)
    with contextlib.ExitStack() as stack, garbage_collection.paused():
        opened = stack.enter_context(open_in(surroundings, source))
        legacy = read_module(as_tensorflow_path(opened.directory))
        compiled = compile_module(legacy, chosen.plan_options)
        reusable = build_reusable(compiled, live=True)
        if opened.is_private:
            _keep_open(stack.pop_all(), reusable.module)
        return reusable.module


class _OpenFiles:
    """The files of a module, as long as something refers to this."""


def _keep_open(stack: contextlib.ExitStack, module: tf.Module) -> None:
    """Closes the source when neither the module nor one of its callables is in use any more.

    Its assets are read when the module is saved again, and their paths may be outputs.
    """
    files = _OpenFiles()
    weakref.finalize(files, stack.close)
    for part in (module, *module.submodules):
        object.__setattr__(part, "_open_files", files)
