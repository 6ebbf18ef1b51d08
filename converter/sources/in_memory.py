"""A module in memory: what `hub.create_module_spec` returns, or a live `hub.Module`.

It is written to a directory in the format of TF1 Hub, where it is read like any other module. The
variables of a spec without a checkpoint are initialized once: the directory stays as long as the
spec, so that all that is done with it has the same values.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import threading
import weakref
from collections.abc import Iterator
from typing import Any

from converter.files.scratch import clear, make_temporary_folder, temporary_folder
from converter.sources.hub_objects import HubObject, SpecContents, read_module, read_spec
from converter.sources.source import InMemory, Source, Surroundings, Values

NAME = "module_in_memory"

_LOCK = threading.Lock()
# What the initializers of a spec gave, as long as the spec is in use.
_INITIALIZED: weakref.WeakKeyDictionary[Any, Source] = weakref.WeakKeyDictionary()


@contextlib.contextmanager
def open_in_memory(value: Any, kind: HubObject, surroundings: Surroundings) -> Iterator[Source]:
    """Writes a module in memory, and yields it.

    Args:
      value: The module.
      kind: What it is.
      surroundings: The session of a live module, and whether values are needed.

    Raises:
      ConversionError: if it cannot be written, or its variables have no values.
    """
    if kind is HubObject.MODULE:
        with temporary_folder() as folder:
            yield _write_live(value, surroundings, folder)
        return
    contents = read_spec(value)
    if contents.checkpoint is None and surroundings.needs_values:
        yield _initialize_once(value, contents, surroundings)
        return
    with temporary_folder() as folder:
        yield _write_spec(contents, surroundings, folder)


def _initialize_once(spec: Any, contents: SpecContents, surroundings: Surroundings) -> Source:
    with _LOCK:
        source = _INITIALIZED.get(spec)
        if source is None:
            folder = make_temporary_folder()
            remove = weakref.finalize(spec, _remove, folder, os.getpid())
            try:
                source = _write_spec(contents, surroundings, folder)
            except BaseException:
                remove()
                raise
            _INITIALIZED[spec] = source
        return source


def _remove(folder: pathlib.Path, process: int) -> None:
    """Removes the directory; a process that was forked leaves it to the one that made it."""
    if os.getpid() == process:
        clear(folder)


def _write_spec(contents: SpecContents, surroundings: Surroundings, folder: pathlib.Path) -> Source:
    from converter import tf_private
    from converter.sources import initializers, write_module

    surroundings.progress("writing the module spec")
    directory = folder / NAME
    directory.mkdir()
    checkpoint = contents.checkpoint
    write_module.write_graphs(contents.meta_graphs, directory, checkpoint)
    if not surroundings.needs_values:
        about = InMemory(kind="module spec", values="none")
    elif checkpoint is not None:
        write_module.copy_checkpoint(checkpoint, directory)
        about = InMemory(kind="module spec", values="checkpoint")
    else:
        with tf_private.eager_mode():
            found = initializers.run_initializers(contents.meta_graphs, surroundings.allowed_ops)
            write_module.write_values(found.values, directory)
        origin: Values = "initializers" if found.values else "none"
        about = InMemory(kind="module spec", values=origin, unseeded=found.unseeded)
    return _make_source(directory, about)


def _write_live(module: Any, surroundings: Surroundings, folder: pathlib.Path) -> Source:
    from converter import tf_private
    from converter.sources import session_values, write_module

    surroundings.progress("writing the live module")
    live = read_module(module)
    contents = read_spec(live.spec)
    directory = folder / NAME
    directory.mkdir()
    write_module.write_graphs(contents.meta_graphs, directory, contents.checkpoint)
    if not surroundings.needs_values:
        return _make_source(directory, InMemory(kind="live module", values="none"))
    [graph] = [g for g in contents.meta_graphs if live.tags == set(g.meta_info_def.tags)]
    values = session_values.read_session_values(live, graph, surroundings.session)
    with tf_private.eager_mode():
        write_module.write_values(values, directory)
    origin: Values = "session" if values else "none"
    return _make_source(directory, InMemory(kind="live module", values=origin))


def _make_source(directory: pathlib.Path, about: InMemory) -> Source:
    return Source(directory, f"the {about.kind}", is_private=True, in_memory=about)
