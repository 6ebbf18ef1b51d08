"""Runs the converted model: `python -m converter.parity.converted_runner REQUEST RESPONSE PARENT`.

A process of its own sees what a user would: nothing of the TF1 module, and none of the
converter's objects. Both files are messages of `exchange.py`, in a directory that only this user
can read.

The module is used in all the ways that users have: called, through its signatures, in a session
by the names of tensors, then saved once more, called again, and called in the copy.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import pathlib
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence

import tensorflow as tf

from converter.parity.cases import Case
from converter.parity.converted_gradients import describe_error
from converter.parity.converted_loading import DamagedModelError
from converter.parity.exchange import read_message, write_message
from converter.parity.loaded_module import LoadedModule
from converter.parity.observation import Call, ModuleFacts, Observation, Observations
from converter.parity.session_loader import SessionLoader
from converter.parity.values import to_parts
from converter.processes.parent_death import die_with_parent

# The parent wrote it, of arrays that it had in its memory.
_MOST_REQUEST_BYTES = 1 << 40
# What the process ends with where the files of the model are damaged, as its last line says.
DAMAGED_STATUS = 65


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """The cases to run in a converted module.

    Attributes:
      directory: The SavedModel as it lies on disk.
      cases: The calls.
      attributes: All callables that it should have.
      deterministic: A copy with its random ops replaced, for the cases that draw; or "".
      import_ops: Packages to import first, for the ops that they register.
      reload: Whether to load the model anew for each case: calls may change its tables.
    """

    directory: str
    cases: tuple[Case, ...]
    attributes: tuple[str, ...]
    deterministic: str = ""
    import_ops: tuple[str, ...] = ()
    reload: bool = False


def main(request: str, response: str) -> None:
    """Answers the request in one file with observations in the other."""
    asked = read_message(pathlib.Path(request), Request, _MOST_REQUEST_BYTES)
    for package in asked.import_ops:
        importlib.import_module(package)
    try:
        observations = run_converted(asked)
    except DamagedModelError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(DAMAGED_STATUS)
    write_message(pathlib.Path(response), observations)


def run_converted(request: Request) -> Observations:
    """Loads a converted model and runs cases in it.

    Raises:
      DamagedModelError: if its files are damaged.
    """
    plain = [case for case in request.cases if not case.draws]
    drawing = [case for case in request.cases if case.draws]
    with graphs_as_written(), tempfile.TemporaryDirectory(prefix="tf1hub_saved_") as scratch:
        seen: dict[str, Observation] = {}
        copies, modules = pathlib.Path(scratch), _Modules(reload=request.reload)
        for directory, cases in ((request.directory, plain), (request.deterministic, drawing)):
            if cases:
                seen |= _Runner(directory, request, copies, modules).observe_all(cases)
        result = modules.load(request.directory)
        if drawing:
            seen |= _run_as_written(result, drawing, seen)
        facts = result.facts(request.attributes)
        copy_facts = _copy_facts(request, copies, modules)
    return Observations(tuple(seen[case.name] for case in request.cases), facts, copy_facts)


@contextlib.contextmanager
def graphs_as_written() -> Iterator[None]:
    """Turns TensorFlow's graph rewrites off, as on the TF1 side.

    They fuse and reorder sums, which would hide the converter's differences behind their own.
    """
    option = "disable_meta_optimizer"
    before = tf.config.optimizer.get_experimental_options().get(option, False)
    tf.config.optimizer.set_experimental_options({option: True})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({option: before})


class _Modules:
    """Loaded modules, each of which forgets what its calls changed before the next one.

    Args:
      reload: Whether they cannot, so that each has to be loaded anew.
    """

    def __init__(self, *, reload: bool) -> None:
        self._reload = reload
        self._loaded: dict[str, LoadedModule] = {}

    def load(self, directory: str) -> LoadedModule:
        """The module that lies in `directory`."""
        if self._reload:
            return LoadedModule(directory)
        if directory not in self._loaded:
            self._loaded[directory] = LoadedModule(directory)
        return self._loaded[directory]


class _Runner:
    """Runs cases in one SavedModel, in every way.

    Args:
      directory: The SavedModel.
      request: What was asked.
      copies: Where to save it once more.
      modules: Loads it.
    """

    def __init__(
        self, directory: str, request: Request, copies: pathlib.Path, modules: _Modules
    ) -> None:
        self._directory = directory
        self._modules = modules
        self._reload = request.reload
        self._copy = str(copies / ("copy" if directory == request.directory else "deterministic"))

    def observe_all(self, cases: Sequence[Case]) -> dict[str, Observation]:
        """Runs the cases; returns the observations by case name."""
        # Where calls change tables, no two may share one.
        groups = [[case] for case in cases] if self._reload else [list(cases)]
        seen: dict[str, Observation] = {}
        for group in groups:
            loaded = self._load()
            observed = {case.name: self._observe(case, loaded) for case in group}
            observed = self._add_session(group, observed)
            seen |= self._add_saved(group, observed)
        return seen

    def _load(self) -> LoadedModule:
        return self._modules.load(self._directory)

    def _observe(self, case: Case, loaded: LoadedModule) -> Observation:
        """Runs a case; what goes wrong is part of the observation."""
        try:
            observation = loaded.observe(case)
            if case.takes_endpoints:
                plain = self._load().call_plainly(case)
                observation = dataclasses.replace(observation, plain=plain)
        except Exception as error:  # Whatever it is, the model failed the case.
            return Observation(error=describe_error(error))
        conventions = {
            name: _try(functools.partial(self._call_by_convention, case, name))
            for name in case.conventions
        }
        serving = self._serve(case)
        return dataclasses.replace(observation, serving=serving, conventions=conventions)

    def _call_by_convention(self, case: Case, name: str) -> Call:
        return self._load().call_by_convention(case, name)

    def _serve(self, case: Case) -> dict[str, Call]:
        values = to_parts(case.serving_inputs)
        parts = {case.serving_keywords.get(part, part): value for part, value in values.items()}

        def serve(name: str) -> Call:
            return self._load().serve(name, parts)

        return {name: _try(functools.partial(serve, name)) for name in case.served_as}

    def _add_session(
        self, cases: Sequence[Case], seen: dict[str, Observation]
    ) -> dict[str, Observation]:
        changes = any(call.changed for o in seen.values() for call in o.serving.values())
        loader = SessionLoader(self._directory, reload=self._reload or changes)

        def run(name: str, case: Case) -> Call:
            return Call(to_parts(loader.run(name, to_parts(case.serving_inputs))))

        with contextlib.closing(loader):
            return {
                case.name: dataclasses.replace(
                    seen[case.name],
                    session={
                        name: _try(functools.partial(run, name, case)) for name in case.served_as
                    },
                )
                for case in cases
            }

    def _add_saved(
        self, cases: Sequence[Case], seen: dict[str, Observation]
    ) -> dict[str, Observation]:
        """Saves the module once more, as training with checkpoints does, and uses both."""
        loaded = self._load()
        failed = _try(functools.partial(self._save, loaded))
        after = {case.name: _try(functools.partial(loaded.call, case)) for case in cases}
        copied: dict[str, Call] = dict.fromkeys(after, failed)
        if not failed.error:
            copied = self._call_copy(cases)
        return {
            name: dataclasses.replace(observation, after_saving=after[name], in_copy=copied[name])
            for name, observation in seen.items()
        }

    def _save(self, loaded: LoadedModule) -> Call:
        loaded.reset()
        tf.saved_model.save(loaded.module, self._copy)
        return Call()

    def _call_copy(self, cases: Sequence[Case]) -> dict[str, Call]:
        try:
            copy = self._modules.load(self._copy)
        except Exception as error:  # Whatever it is, the copy is of no use.
            return {case.name: Call(error=describe_error(error)) for case in cases}
        return {case.name: _try(functools.partial(copy.call, case)) for case in cases}


def _try(run: Callable[[], Call]) -> Call:
    """Runs a call; an exception is a part of what it returns."""
    try:
        return run()
    except Exception as error:  # Whatever it is, the model failed the call.
        return Call(error=describe_error(error))


def _run_as_written(
    loaded: LoadedModule, cases: Sequence[Case], seen: dict[str, Observation]
) -> dict[str, Observation]:
    """Calls the module that draws: its numbers mean nothing, but it has to run."""
    return {
        case.name: dataclasses.replace(
            seen[case.name], as_written=_try(functools.partial(loaded.call, case))
        )
        for case in cases
    }


def _copy_facts(request: Request, copies: pathlib.Path, modules: _Modules) -> ModuleFacts | None:
    for copy in sorted(copies.iterdir()):
        with contextlib.suppress(Exception):  # Its calls say what is wrong with it.
            return modules.load(str(copy)).facts(request.attributes)
    return None


if __name__ == "__main__":
    die_with_parent(int(sys.argv[3]))
    main(*sys.argv[1:3])
